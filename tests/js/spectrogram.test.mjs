import assert from "node:assert/strict";
import { test } from "node:test";
import { parseColour, ramp, SHADES, toLab } from "../../webui/ui/static/view/ramp.js";
import {
	chooseLevel,
	columnMs,
	frequencyAt,
	LONGEST_MS,
	partMs,
	partsOf,
	Spectrogram,
} from "../../webui/ui/static/view/spectrogram.js";

const GROUNDS = { light: "#ffffff", dark: "#171d24" };

test("a column is no wider than a pixel, and no narrower than it must", () => {
	for (let msPerPixel = 0.2; msPerPixel < 400; msPerPixel *= 1.1) {
		const level = chooseLevel(msPerPixel);
		assert.ok(columnMs(level) <= msPerPixel || level === 0);
		assert.ok(columnMs(level + 1) > msPerPixel || level === 4);
	}
});

test("no part is longer than the server draws, all are whole columns", () => {
	for (let level = 0; level <= 4; level++) {
		assert.ok(partMs(level) <= LONGEST_MS);
		assert.ok(Number.isInteger(partMs(level) / columnMs(level)));
		if (level) assert.equal(partMs(level) % partMs(level - 1), 0);
	}
});

test("parts cover what is visible, without a gap and without one too many", () => {
	const duration = 3_600_000;
	for (const start of [0, 1, 10_239.5, 10_240, 1_234_567.8, 3_540_000]) {
		for (const length of [200, 3000, 17_000, 60_000]) {
			const range = { start, end: Math.min(duration, start + length) };
			const parts = partsOf(range, 1100, duration);
			assert.ok(parts[0].start <= range.start && parts.at(-1).end >= range.end);
			assert.ok(parts[0].end > range.start && parts.at(-1).start < range.end);
			parts.slice(1).forEach((part, at) => assert.equal(part.start, parts[at].end));
			for (const part of parts) {
				assert.equal(part.columns * columnMs(part.level), part.end - part.start);
				assert.equal(part.start, part.index * partMs(part.level));
			}
			assert.ok(parts.length <= 8, `${parts.length} parts`);
		}
	}
});

test("panning keeps to the same parts; nothing is asked for beyond the end", () => {
	const name = ({ level, index }) => `${level}/${index}`;
	const before = partsOf({ start: 100_000, end: 130_000 }, 1000, 500_000).map(name);
	const after = partsOf({ start: 101_000, end: 131_000 }, 1000, 500_000).map(name);
	assert.deepEqual(after, before);
	const last = partsOf({ start: 0, end: 30_000 }, 1000, 12_000);
	assert.equal(last.length, 1);
});

for (const [name, text] of Object.entries(GROUNDS)) {
	const colours = ramp(parseColour(text));
	const at = (shade) => [...colours.slice(shade * 4, shade * 4 + 3)];
	const lightness = Array.from({ length: SHADES }, (_, shade) => toLab(at(shade)).lightness);

	test(`${name}: the ramp begins with the page and ends far from it`, () => {
		assert.deepEqual(at(0), parseColour(text));
		assert.ok(Math.abs(lightness.at(-1) - lightness[0]) > 0.65);
		for (let shade = 0; shade < SHADES; shade++) assert.equal(colours[shade * 4 + 3], 255);
	});

	test(`${name}: equal steps look equal`, () => {
		const whole = lightness.at(-1) - lightness[0];
		lightness.forEach((value, shade) => {
			const wanted = lightness[0] + (whole * shade) / (SHADES - 1);
			assert.ok(Math.abs(value - wanted) < 0.006, `${shade}: ${value}, not ${wanted}`);
		});
		// Nor does the colour jump: neighbours differ by little, whatever the hue does.
		for (let shade = 1; shade < SHADES; shade++) {
			const [one, two] = [toLab(at(shade - 1)), toLab(at(shade))];
			const far = Math.hypot(one.lightness - two.lightness, one.a - two.a, one.b - two.b);
			assert.ok(far < 0.015, `${shade}: ${far}`);
		}
	});
}

test("colours as style sheets write them", () => {
	assert.deepEqual(parseColour("#0b7a6e"), [11, 122, 110]);
	assert.deepEqual(parseColour("#fff"), [255, 255, 255]);
});

test("the lane ends at 20 Hz and at 8 kHz", () => {
	assert.ok(Math.abs(frequencyAt(0) - 20) < 1e-6);
	assert.ok(Math.abs(frequencyAt(1) - 8000) < 1e-6);
	// As many mel below 1 kHz as the scale has: about a third.
	assert.ok(frequencyAt(0.34) > 900 && frequencyAt(0.34) < 1100);
});

test("pictures are kept up to a number, the oldest is forgotten first", () => {
	const [button, notes] = [new EventTarget(), { replaceChildren() {} }];
	const spectrogram = new Spectrogram({ spectrogram: null }, { button, notes, language: "en", words: {} });
	const names = Array.from({ length: 200 }, (_, index) => `0/0/${index}`);
	for (const name of names) spectrogram.keep(name, { name });
	assert.deepEqual([...spectrogram.parts.keys()], names.slice(-48));
});
