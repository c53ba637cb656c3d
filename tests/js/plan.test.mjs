import assert from "node:assert/strict";
import test from "node:test";

import { between, firstAfter, joined, neighbour, sameRow, sameSpan, spansOf, step } from "../../webui/ui/static/view/plan.js";

const ROWS = [[700, 5090, 0.9, "silence"], [5860, 12340, 0.9, "silence"], [13820, 19140, 0.8, "max_length"]];
const DURATION = 20000;

test("speech and pauses make up the whole, once each", () => {
	const speech = spansOf("speech", [ROWS], DURATION);
	const pauses = spansOf("pauses", [ROWS], DURATION);
	assert.deepEqual(speech, [[700, 5090], [5860, 12340], [13820, 19140]]);
	assert.deepEqual(pauses, [[0, 700], [5090, 5860], [12340, 13820], [19140, 20000]]);
	assert.deepEqual(joined([...speech, ...pauses]), [[0, DURATION]]);
	assert.deepEqual(spansOf("whole", [ROWS], DURATION), [[0, DURATION]]);
});

test("nothing is played beyond the end, though a row may reach there", () => {
	const rows = [[100, 5090], [19_000, DURATION + 8]];
	assert.deepEqual(spansOf("speech", [rows], DURATION).at(-1), [19_000, DURATION]);
	assert.deepEqual(spansOf("pauses", [rows], DURATION), [[0, 100], [5090, 19_000]]);
	assert.deepEqual(spansOf("speech", [[[DURATION + 1, DURATION + 9]]], DURATION), []);
	assert.deepEqual(between([[DURATION + 1, DURATION + 9]], DURATION), [[0, DURATION]]);
});

test("random rows of several tracks: nothing is lost, nothing twice", () => {
	let seed = 7;
	const random = (n) => (seed = (seed * 16807) % 2147483647) % n;
	for (let round = 0; round < 300; round++) {
		const tracks = [0, 1].map(() => {
			const rows = [];
			for (let at = random(50); rows.length < random(20); at += random(40)) rows.push([at, (at += 1 + random(60))]);
			return rows;
		});
		const duration = 1 + random(1500);
		const speech = spansOf("speech", tracks, duration);
		const pauses = spansOf("pauses", tracks, duration);
		for (let ms = 0; ms < duration; ms++) {
			const has = (spans) => spans.filter(([start, end]) => start <= ms && ms < end).length;
			const isSpeech = tracks.flat().some(([start, end]) => start <= ms && ms < end);
			assert.equal(has(speech), isSpeech ? 1 : 0);
			assert.equal(has(pauses), isSpeech ? 0 : 1);
		}
	}
});

test("touching and overlapping spans become one, empty ones go", () => {
	assert.deepEqual(joined([[5, 5], [3, 4], [0, 2], [2, 3]]), [[0, 4]]);
	assert.deepEqual(joined([[0, 10], [2, 3]]), [[0, 10]]);
	assert.deepEqual(between([], 10), [[0, 10]]);
	assert.deepEqual(between([[0, 10]], 10), []);
	assert.deepEqual(between([], 0), []);
});

test("a player walks through the spans and stops at the end of the last", () => {
	const spans = spansOf("speech", [ROWS], DURATION);
	const visited = [];
	let at = 0;
	for (;;) {
		const next = step(spans, at, false);
		if ("stop" in next) {
			assert.equal(next.stop, 19140);
			break;
		}
		if ("until" in next) visited.push([at, (at = next.until)]);
		else at = next.jump;
	}
	assert.deepEqual(visited, spans);
});

test("a loop goes back to the first start; without spans there is nothing to play", () => {
	assert.deepEqual(step([[100, 200]], 200, true), { jump: 100 });
	assert.deepEqual(step([[100, 200]], 199, true), { jump: 100 });
	assert.deepEqual(step([[100, 200]], 150, true), { until: 200 });
	assert.deepEqual(step([[100, 200]], 200, false), { stop: 200 });
	assert.deepEqual(step([], 70, true), { stop: 70 });
});

test("a seek that lands beside its aim is not tried again", () => {
	assert.deepEqual(step([[100, 200]], 96, false), { until: 200 });
	assert.deepEqual(step([[100, 200]], 90, false), { jump: 100 });
});

test("spans are found by time", () => {
	assert.equal(firstAfter(ROWS, 5090), 1);
	assert.equal(firstAfter(ROWS, 99999), 3);
});

test("next and previous stay within the rows", () => {
	assert.equal(neighbour(ROWS, 1, 0, 1), 2);
	assert.equal(neighbour(ROWS, 2, 0, 1), 2);
	assert.equal(neighbour(ROWS, 0, 0, -1), 0);
	assert.equal(neighbour(ROWS, -1, 6000, 1), 2);
	assert.equal(neighbour(ROWS, -1, 6000, -1), 1);
	assert.equal(neighbour(ROWS, -1, 0, -1), 0);
	assert.equal(neighbour([], -1, 0, 1), -1);
});

test("a row is known again when it moved, and lost when it is gone", () => {
	assert.equal(sameRow(ROWS, [5000, 12000]), 1);
	assert.equal(sameRow(ROWS, [12400, 13800]), -1);
	assert.equal(sameRow([[0, 20000]], [700, 5090]), 0);
	assert.equal(sameRow([], [0, 1]), -1);
});

test("a segment that plays is followed when its boundaries move", () => {
	const moved = [[700, 5090], [5860, 12100], [13820, 19140]];
	assert.deepEqual(sameSpan([ROWS], [moved], [5860, 12340]), [5860, 12100]);
	assert.deepEqual(sameSpan([[], ROWS], [[], moved], [5860, 12340]), [5860, 12100]);
	// What was no row, and a row that is gone, play as they were.
	assert.deepEqual(sameSpan([ROWS], [moved], [5000, 6000]), [5000, 6000]);
	assert.deepEqual(sameSpan([ROWS], [[moved[0]]], [5860, 12340]), [5860, 12340]);
	assert.deepEqual(sameSpan([ROWS], [], [5860, 12340]), [5860, 12340]);
});
