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
		...["level", "quiet", "end_silence", "end_silence_any", "end_max_length", "end_split", "end_of_audio"],
		...["start_back", "start_after", "start_first", "start_by_hand", "padding", "pause_after"],
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

const STARTS = ROWS.map(([start]) => start);
const DURATION = 71_300;

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
	const end = (index, options) => endText(words, ROWS, index, { ...OPTIONS, ...options }, DURATION);
	assert.equal(end(0), "End: silence of 800 ms");
	assert.equal(end(1), "End: capped at 60 s");
	assert.equal(end(1, { max_single_segment_time: 1500 }), "End: capped at 1.5 s");
	assert.equal(end(3), "End: end of the recording");
	assert.equal(endText(words, [[0, 1, null, "by_hand", true]], 0, { ...OPTIONS, pad_end_ms: 50 }, 9), "End: by hand");
});

test("with dynamic silence an end has the pause after it, where it is known", () => {
	const end = (index) => endText(words, ROWS, index, { ...OPTIONS, dynamic_silence: true }, DURATION);
	assert.equal(end(0), "End: silence as long as the table asks for; the pause after it: 0.5 s");
	assert.equal(end(2), "End: silence as long as the table asks for; the pause after it: 7 s");
	const last = endText(words, [[0, 2000, 0.9, "silence"]], 0, { ...OPTIONS, dynamic_silence: true }, DURATION);
	assert.equal(last, said("end_silence_any"));
	// Padding may leave nothing of it.
	const met = [[0, 2000, 0.9, "silence"], [2000, 3000, 0.9, "silence"]];
	assert.equal(endText(words, met, 0, { ...OPTIONS, dynamic_silence: true }, DURATION), said("end_silence_any"));
});

test("what is split at a pause is not said to be cut at the cap", () => {
	const text = endText(words, ROWS, 1, { ...OPTIONS, split_capped: true }, DURATION);
	assert.equal(text, "End: split at the deepest pause, as it would pass 60 s");
	assert.equal(endText(words, ROWS, 0, { ...OPTIONS, split_capped: true }, DURATION), "End: silence of 800 ms");
});

test("padding at the end is told where there was room for it", () => {
	const end = (index, options) =>
		endText(words, ROWS, index, { ...OPTIONS, pad_end_ms: 70, clamp_to_audio: false, ...options }, 71_230);
	assert.equal(end(0), "End: silence of 800 ms, 70 ms of padding");
	assert.equal(end(1), "End: capped at 60 s");
	assert.equal(end(3), "End: end of the recording, 70 ms of padding");
	assert.equal(end(3, { clamp_to_audio: true }), "End: end of the recording");
	assert.equal(end(2, { clamp_to_audio: true }), "End: silence of 800 ms, 70 ms of padding");
	assert.equal(end(0, { dynamic_silence: true }), `${said("end_silence_any")}, 70 ms of padding; the pause after it: 0.5 s`);
});

test("each start is said with what placed it", () => {
	const start = (index, options) => startText(words, ROWS, index, { ...OPTIONS, ...options }, STARTS);
	assert.equal(start(0), said("start_first"));
	assert.match(start(1), /moved back 400 ms .*window 200 \+ lookback 200/);
	assert.equal(start(2), said("start_after"));
	assert.match(start(3, { pad_start_ms: 50 }), /50 ms of padding$/);
});

test("a start that was not moved keeps its reason, though the end is by hand", () => {
	const start = (at) => startText(words, [[at, 9000, null, "by_hand", true]], 0, OPTIONS, [2500]);
	assert.match(start(2500), /moved back 400 ms/);
	assert.equal(start(2510), said("start_by_hand"));
});

test("a segment is told by its number, times, length, start and end", () => {
	assert.deepEqual(segmentLines(words, ROWS, 3, { options: OPTIONS, detected: STARTS, duration: DURATION }), [
		"Segment 4: 1:10.00 – 1:11.23 (1.23 s)",
		startText(words, ROWS, 3, OPTIONS, STARTS),
		"End: end of the recording",
	]);
});

test("texts take only the values that they name", () => {
	assert.equal(fill("{a} and {b} and {toString}", { a: 1, b: "{a}" }), "1 and {a} and {toString}");
});

test("every text of the card stands in both languages with the same values", () => {
	const names = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
	const other = catalogue("zh");
	for (const name of ["level", "probability_at", "segment_at", "start_back", "padding", "end_silence", "pause_after", "end_max_length", "end_split"]) {
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
