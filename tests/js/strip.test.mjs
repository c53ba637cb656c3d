import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { patientAsker } from "../../webui/ui/static/view/ask.js";
import {
	curve,
	figuresOf,
	nearest,
	neighbour,
	shareOf,
	stripKey,
	valueAt,
} from "../../webui/ui/static/view/strip.js";

const threshold = { min: -1, max: 1, step: 0.01, is_log: false };
const silence = { min: 150, max: 6000, step: 10, is_log: true };

test("the ends of the range are the ends of the strip", () => {
	for (const scale of [threshold, silence]) {
		assert.equal(shareOf(scale, scale.min), 0);
		assert.equal(shareOf(scale, scale.max), 1);
		assert.equal(valueAt(scale, -3), scale.min);
		assert.equal(valueAt(scale, 3), scale.max);
	}
});

test("every value comes back from its place, in the option's steps", () => {
	for (let step = 0; step <= 200; step++) {
		const value = Number((-1 + step * 0.01).toFixed(2));
		assert.equal(valueAt(threshold, shareOf(threshold, value)), value);
	}
	for (let value = 150; value <= 6000; value += 10)
		assert.equal(valueAt(silence, shareOf(silence, value)), value);
});

test("equal ratios are equal distances where the scale says so", () => {
	const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9);
	near(shareOf(silence, 400) - shareOf(silence, 200), shareOf(silence, 4000) - shareOf(silence, 2000));
});

test("the nearest and the next values", () => {
	const values = [150, 300, 800, 6000];
	assert.equal(nearest(silence, values, 790), 2);
	assert.equal(nearest(silence, values, 150), 0);
	assert.equal(neighbour(values, 800, true), 6000);
	assert.equal(neighbour(values, 800, false), 300);
	assert.equal(neighbour(values, 500, true), 800);
	assert.equal(neighbour(values, 6000, true), 6000);
	assert.equal(neighbour(values, 150, false), 150);
});

test("the curve has its corners at the values, upwards", () => {
	assert.deepEqual(curve(threshold, [-1, 0, 1], [0, 0.5, 1], 100, 40), [
		[0, 40],
		[50, 20],
		[100, 0],
	]);
});

test("only the other options make another strip", () => {
	const name = "speech_noise_thres";
	const key = (query) => stripKey(query, name);
	assert.equal(key("r=a&speech_noise_thres=0.3"), key("r=a"));
	assert.equal(key("r=a&x=1&y=2"), key("y=2&r=a&x=1"));
	assert.notEqual(key("r=a&max_end_silence_time=300"), key("r=a"));
	assert.notEqual(key("r=b"), key("r=a"));
	assert.equal(key("r=a&a=%7B%7D"), key("r=a"));
});

test("of many questions only the last is asked, and a dropped answer is never told", async (context) => {
	const asked = [];
	const server = createServer((request, response) => {
		asked.push(request.url);
		setTimeout(() => response.end(JSON.stringify(request.url)), 20);
	}).listen(0);
	context.after(() => server.close());
	const root = `http://127.0.0.1:${server.address().port}`;
	const told = [];
	const asker = patientAsker(10);
	for (const name of ["/a", "/b", "/c"]) asker.ask(root + name, (answer) => told.push(answer));
	await new Promise((resolve) => setTimeout(resolve, 25));
	await new Promise((resolve) => asker.ask(`${root}/d`, (answer) => resolve(told.push(answer))));
	assert.deepEqual(told, ["/d"]);
	assert.ok(!asked.includes("/a") && !asked.includes("/b"));
	asker.ask(`${root}/e`, (answer) => told.push(answer));
	asker.drop();
	await new Promise((resolve) => setTimeout(resolve, 60));
	assert.deepEqual(told, ["/d"]);
});

test("a result's own figures are those of all its tracks", () => {
	const tracks = [{ rows: [[0, 300], [900, 1100]] }, { rows: [[500, 600]] }];
	const figures = figuresOf({ tracks, duration_ms: 1000, edited: false });
	assert.equal(figures.count, 3);
	assert.equal(figures.share, 0.3);
	assert.equal(figuresOf({ tracks, duration_ms: 1000, edited: true }), null);
	assert.equal(figuresOf({ tracks: [{ rows: [] }], duration_ms: 0, edited: false }), null);
});
