import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { wheelPixels } from "../../webui/ui/static/view/gestures.js";
import { overviewPlace } from "../../webui/ui/static/view/overview.js";
import {
	endText,
	levelText,
	probabilityText,
	segmentLines,
	startText,
	timeText,
} from "../../webui/ui/static/view/readout.js";
import { fill } from "../../webui/ui/static/view/text.js";
import { levelOf, percent, valueOf } from "../../webui/ui/static/view/threshold.js";

const catalogue = (language) =>
	JSON.parse(readFileSync(new URL(`../../webui/ui/i18n/${language}.json`, import.meta.url)));
const all = catalogue("en");
const said = (name) => all[`result.${name}`];
// As components/result.js names them.
const words = Object.fromEntries(
	[
		...["level", "quiet", "end_silence", "end_silence_any", "end_max_length", "end_of_audio"],
		...["start_back", "start_after", "start_first", "start_by_hand", "padding"],
	].map((name) => [name, said(name)]),
);
words.probability = said("probability_at");
words.segment = said("segment_at");
words.by_hand = said("end_by_hand");

const OPTIONS = {
	...{ max_end_silence_time: 800, max_single_segment_time: 60_000, dynamic_silence: false },
	...{ window_size_ms: 200, lookback_time_start_point: 200, pad_start_ms: 0 },
};
const ROWS = [
	[0, 2000, 0.9, "silence"],
	[2500, 62_500, 0.9, "max_length"],
	[62_500, 63_000, 0.9, "silence"],
	[70_000, 71_230, 0.9, "end_of_audio"],
];

test("times have the decimals that the scale can tell apart", () => {
	const at = (length, width) => timeText(61_234.4, { start: 0, end: length }, width, 3_600_000);
	assert.equal(at(2000, 1000), "0:01:01.234");
	assert.equal(at(30_000, 1000), "0:01:01.23");
	assert.equal(at(120_000, 1000), "0:01:01.2");
	assert.equal(at(3_600_000, 1000), "0:01:01");
	assert.equal(timeText(1234, { start: 0, end: 5000 }, 1000, 5000), "1.23 s");
});

test("levels are in dB below full scale, with a true minus", () => {
	assert.equal(levelText(words, -1, 0.5), "0 dB");
	assert.equal(levelText(words, -0.01, 0.1), "−20 dB");
	assert.equal(levelText(words, -0.00005, 0), said("quiet"));
	assert.equal(levelText(words, 0, 0), said("quiet"));
});

test("a probability is one number, with its range where a pixel holds several", () => {
	assert.equal(probabilityText(words, 0.795, 0.805, 0.8), "Speech 80%");
	assert.equal(probabilityText(words, 0.1, 0.95, 0.6), "Speech 60% (10% – 95%)");
});

test("each reason of an end is said with the option that it comes from", () => {
	const end = (row, options) => endText(words, row, { ...OPTIONS, ...options });
	assert.equal(end(ROWS[0]), "End: silence of 800 ms");
	assert.equal(end(ROWS[0], { dynamic_silence: true }), said("end_silence_any"));
	assert.equal(end(ROWS[1]), "End: capped at 60 s");
	assert.equal(end(ROWS[1], { max_single_segment_time: 1500 }), "End: capped at 1.5 s");
	assert.equal(end(ROWS[3]), "End: end of the recording");
	assert.equal(end([0, 1, null, "by_hand", true]), "End: by hand");
});

test("each start is said with what placed it", () => {
	const start = (index, options) => startText(words, ROWS, index, { ...OPTIONS, ...options });
	assert.equal(start(0), said("start_first"));
	assert.match(start(1), /moved back 400 ms .*window 200 \+ lookback 200/);
	assert.equal(start(2), said("start_after"));
	assert.match(start(3, { pad_start_ms: 50 }), /50 ms of padding$/);
	assert.equal(startText(words, [[10, 20, null, "by_hand", true]], 0, OPTIONS), said("start_by_hand"));
});

test("a segment is told by its number, times, length, start and end", () => {
	assert.deepEqual(segmentLines(words, ROWS, 3, OPTIONS, 71_300), [
		"Segment 4: 1:10.00 – 1:11.23 (1.23 s)",
		startText(words, ROWS, 3, OPTIONS),
		"End: end of the recording",
	]);
});

test("texts take only the values that they name", () => {
	assert.equal(fill("{a} and {b} and {toString}", { a: 1, b: "{a}" }), "1 and {a} and {toString}");
});

test("every text of the card stands in both languages with the same values", () => {
	const names = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
	const other = catalogue("zh");
	for (const name of ["level", "probability_at", "segment_at", "start_back", "padding", "end_silence", "end_max_length"]) {
		const text = other[`result.${name}`];
		assert.deepEqual(names(text), names(said(name)), name);
	}
});

test("a wheel counts in pixels, lines or pages", () => {
	const turned = (deltaMode) => wheelPixels({ deltaX: -1, deltaY: 3, deltaMode });
	assert.deepEqual(turned(0), { x: -1, y: 3 });
	assert.deepEqual(turned(1), { x: -16, y: 48 });
	assert.deepEqual(turned(2), { x: -400, y: 1200 });
});

test("the threshold is the option's in its steps, its level a probability", () => {
	assert.equal(levelOf(0.6), 0.8);
	for (let step = -100; step <= 100; step++) {
		const value = step / 100;
		assert.equal(valueOf(levelOf(value)), value);
	}
	assert.equal(percent(levelOf(0.6)), "80%");
	assert.equal(percent(levelOf(0.61)), "80.5%");
	assert.equal(percent(levelOf(-1)), "0%");
});

test("the window of the overview is where the range is, and wide enough to be taken", () => {
	const placed = (start, end) => {
		const window = { style: {} };
		overviewPlace(window, { range: { start, end }, duration: 10_000, width: 500 });
		return [window.style.transform, window.style.width, window.hidden];
	};
	assert.deepEqual(placed(2000, 4000), ["translateX(100px)", "100px", false]);
	assert.deepEqual(placed(0, 10_000).at(-1), true);
	assert.deepEqual(placed(9990, 10_000), ["translateX(490px)", "10px", false]);
	assert.deepEqual(placed(0, 10), ["translateX(0px)", "10px", false]);
});
