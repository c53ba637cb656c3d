import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { chooseLevel, columnMs, levelSizes, newColumns, Pyramid, TILE, tileSpan } from "../../webui/ui/static/view/pyramid.js";

const golden = JSON.parse(readFileSync(new URL("../golden/pyramid.json", import.meta.url)));
const decoded = (byte) => ((byte - 128) / 127) * Math.abs((byte - 128) / 127);

// A column of a level, as the golden file says that it is.
function column(level, at) {
	const { pattern, end } = golden.levels[level];
	const left = golden.sizes[level] - at;
	return left <= end.length ? end[end.length - left] : pattern[at % pattern.length];
}

// A tile's bytes: plane after plane.
function tile(level, index) {
	const first = index * TILE;
	const count = Math.min(TILE, golden.sizes[level] - first);
	const bytes = new Uint8Array(5 * count);
	for (let at = 0; at < count; at++) {
		column(level, first + at).forEach((byte, plane) => (bytes[plane * count + at] = byte));
	}
	return bytes.buffer;
}

// A pyramid with all that a range needs; `asked` are the tiles in order.
async function filled(range, width, load = async (level, index) => tile(level, index)) {
	const asked = [];
	const pyramid = new Pyramid(golden.columns, (level, index) => (asked.push(`${level}/${index}`), load(level, index)), () => {});
	pyramid.want(range, (range.end - range.start) / width);
	await idle(pyramid);
	const out = newColumns(width);
	pyramid.fill(range, out);
	return { pyramid, asked, out };
}

async function idle(pyramid) {
	for (let turn = 0; turn < 200; turn++) await Promise.resolve();
	assert.ok(pyramid.isIdle);
}

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

test("levels are as long as the server's", () => {
	assert.deepEqual(levelSizes(golden.columns), golden.sizes);
	assert.deepEqual(golden.sizes.map((_, level) => columnMs(level)), golden.column_ms);
	for (const [columns, sizes] of golden.level_sizes) assert.deepEqual(levelSizes(columns), sizes);
});

test("the level is the coarsest that still has a column for each pixel", () => {
	const sizes = levelSizes(360_000);
	for (const [ms, level] of [[1, 0], [10, 0], [39.9, 0], [40, 1], [159, 1], [160, 2], [3_600_000 / 1900, 3], [1e9, 5]]) {
		assert.equal(chooseLevel(sizes, ms), level, `${ms} ms a pixel`);
	}
});

test("tiles of a range, with the neighbours of its edges, within the recording", () => {
	const sizes = levelSizes(360_000);
	assert.deepEqual(tileSpan(sizes, 0, { start: 0, end: 10_000 }), [0, 0]);
	assert.deepEqual(tileSpan(sizes, 0, { start: 10_240, end: 10_250 }), [0, 1]);
	assert.deepEqual(tileSpan(sizes, 0, { start: 3_599_000, end: 3_600_000 }), [351, 351]);
	assert.deepEqual(tileSpan(sizes, 1, { start: 0, end: 3_600_000 }), [0, 87]);
	assert.deepEqual(tileSpan(sizes, 5, { start: 0, end: 3_600_000 }), [0, 0]);
});

test("columns as wide as a pixel are drawn as they are", async () => {
	for (const [level, first, count] of [[0, 1000, 60], [1, 1000, 100], [2, 0, 313]]) {
		const ms = columnMs(level);
		const { out } = await filled({ start: first * ms, end: (first + count) * ms }, count);
		for (let pixel = 0; pixel < count; pixel++) {
			const [low, high, least, most, mean] = column(level, first + pixel);
			assert.equal(out.known[pixel], 1);
			near(out.low[pixel], decoded(low));
			near(out.high[pixel], decoded(high));
			near(out.least[pixel], least / 255);
			near(out.most[pixel], most / 255);
			near(out.mean[pixel], mean / 255);
		}
	}
});

test("bytes of samples are decoded as the server means them", async () => {
	for (const [byte, value] of golden.samples) {
		const bytes = Uint8Array.from([byte, byte, 0, 0, 0]);
		const pyramid = new Pyramid(1, async () => bytes.buffer, () => {});
		pyramid.want({ start: 0, end: 10 }, 1);
		await idle(pyramid);
		const out = newColumns(10);
		pyramid.fill({ start: 0, end: 10 }, out);
		near(out.low[5], value);
	}
});

test("no peak is lost, whatever the scale and however the range lies", async () => {
	let seed = 11;
	const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
	for (let round = 0; round < 60; round++) {
		const start = random() * 40_000;
		const range = { start, end: start + 700 + random() * (49_000 - start) };
		const width = 40 + Math.floor(random() * 30);
		const { out } = await filled(range, width);
		const first = Math.floor(range.start / 10);
		const last = Math.min(golden.columns, Math.ceil(range.end / 10));
		let high = -1;
		for (let at = first; at < last; at++) high = Math.max(high, decoded(column(0, at)[1]));
		assert.ok(Math.max(...out.high) >= high - 1e-6);
		assert.ok(out.known.every((known) => known === 1));
		assert.ok(out.low.every((low, pixel) => low <= out.high[pixel]));
		assert.ok(out.mean.every((mean, pixel) => out.least[pixel] <= mean + 0.01 && mean <= out.most[pixel] + 0.01));
	}
});

test("columns wider than a pixel are joined by lines, not by steps", async () => {
	const { out } = await filled({ start: 1000, end: 1200 }, 200);
	const jumps = out.mean.slice(1).map((mean, at) => Math.abs(mean - out.mean[at]));
	// From one middle to the next there are ten pixels.
	assert.ok(Math.max(...jumps) < 0.11);
	// The middles of pixels 4 and 5 are half a ms before and behind the middle of a column.
	const [before, here, after] = [99, 100, 101].map((at) => column(0, at)[4] / 255);
	near(out.mean[4], 0.95 * here + 0.05 * before);
	near(out.mean[5], 0.95 * here + 0.05 * after);
});

test("past the end nothing is known", async () => {
	const { out } = await filled({ start: 49_000, end: 51_000 }, 100);
	assert.deepEqual([...out.known], [...Array(50).fill(1), ...Array(50).fill(0)]);
});

test("until the right tiles are there a coarser one stands in", async () => {
	const range = { start: 10_000, end: 12_000 };
	const { pyramid, out } = await filled(range, 200, async (level, index) => {
		if (level < 2) throw new Error("not yet");
		return tile(level, index);
	});
	assert.ok(out.known.every((known) => known === 1));
	near(Math.max(...out.high), decoded(column(2, 63)[1]));
	// Wanted again, it is asked for again.
	pyramid.load = async (level, index) => tile(level, index);
	pyramid.want(range, 10);
	await idle(pyramid);
	pyramid.fill(range, out);
	near(out.high[0], decoded(column(0, 1000)[1]));
});

test("the loudest sample is known with the tile of the whole", async () => {
	const { pyramid } = await filled({ start: 0, end: 1000 }, 100);
	assert.equal(pyramid.loudest, 1);
	const quiet = new Pyramid(2, async () => Uint8Array.from([120, 128, 128, 149, 255, 255, 255, 255, 9, 9]).buffer, () => {});
	assert.equal(quiet.loudest, 1);
	quiet.want({ start: 0, end: 20 }, 1);
	await idle(quiet);
	near(quiet.loudest, decoded(149));
});

test("nothing is drawn before anything came, and the whole is asked for first", async () => {
	const waiting = [];
	const pyramid = new Pyramid(golden.columns, (level, index) => new Promise((done) => waiting.push([level, index, done])), () => {});
	const out = newColumns(100);
	pyramid.want({ start: 0, end: 1000 }, 10);
	pyramid.fill({ start: 0, end: 1000 }, out);
	assert.ok(out.known.every((known) => known === 0));
	assert.deepEqual(waiting.map(([level, index]) => [level, index]), [[2, 0], [0, 0]]);
});

test("few tiles are asked for at once, and what is out of sight by then is not", async () => {
	const waiting = [];
	const pyramid = new Pyramid(360_000, (level, index) => new Promise((done) => waiting.push([`${level}/${index}`, done])), () => {});
	pyramid.want({ start: 0, end: 102_400 }, 10);
	assert.deepEqual(waiting.map(([key]) => key), ["5/0", "0/0", "0/1", "0/2"]);
	pyramid.want({ start: 3_000_000, end: 3_000_100 }, 10);
	waiting.forEach(([, done]) => done(new ArrayBuffer(5)));
	for (let turn = 0; turn < 50; turn++) await Promise.resolve();
	assert.deepEqual(waiting.slice(4).map(([key]) => key), ["0/292", "0/293"].slice(0, waiting.length - 4));
	assert.ok(waiting.length > 4);
});

test("closed, it asks for nothing more and tells nothing", async () => {
	let told = 0;
	let give;
	const pyramid = new Pyramid(10, () => new Promise((done) => (give = done)), () => told++);
	pyramid.want({ start: 0, end: 100 }, 1);
	pyramid.close();
	give(new ArrayBuffer(50));
	for (let turn = 0; turn < 20; turn++) await Promise.resolve();
	assert.equal(told, 0);
	assert.equal(pyramid.tiles.size, 0);
});

test("the oldest tiles are forgotten, never the one of the whole", async () => {
	const pyramid = new Pyramid(360_000 * 3, async () => new ArrayBuffer(5), () => {});
	for (let index = 0; index < 600; index++) {
		pyramid.want({ start: index * 10_240 + 20, end: index * 10_240 + 30 }, 1);
		for (let turn = 0; turn < 20; turn++) await Promise.resolve();
	}
	assert.ok(pyramid.tiles.size <= 480);
	assert.ok(pyramid.tiles.has("6/0"));
	assert.ok(pyramid.tiles.has("0/599") && !pyramid.tiles.has("0/0"));
});
