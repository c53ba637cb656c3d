import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import {
	clock,
	panned,
	revealing,
	SHORTEST_MS,
	span,
	ticks,
	tickStep,
	toMs,
	toX,
	whole,
	within,
	zoomed,
} from "../../webui/ui/static/view/axis.js";

const { cases } = JSON.parse(readFileSync(new URL("../golden/axis.json", import.meta.url)));
const near = (a, b, far = 1e-6) => assert.ok(Math.abs(a - b) <= far, `${a} is not ${b}`);

for (const { start_ms: start, end_ms: end, duration_ms: duration, width_px: width, step_s, ticks: wanted } of cases) {
	test(`ticks of ${start} to ${end} ms at ${width} px are those of the printed figure`, () => {
		const made = ticks({ start, end }, width, duration);
		assert.equal(tickStep((end - start) / 1000, width), step_s);
		assert.deepEqual(made.map(({ label }) => label), wanted.map(([, label]) => label));
		made.forEach(({ ms }, number) => near(ms, wanted[number][0]));
	});
}

test("labels have room, and there are never many", () => {
	for (let width = 200; width <= 2600; width += 37) {
		for (let seconds = 0.2; seconds < 86_400; seconds *= 1.7) {
			const start = 3_600_000;
			const all = ticks({ start, end: start + seconds * 1000 }, width, 90_000_000);
			assert.ok(all.length <= Math.max(2, width / 84) + 1.001);
			const distance = (tickStep(seconds, width) / seconds) * width;
			assert.ok(distance >= Math.min(84, width / 2) - 1e-6);
			assert.equal(new Set(all.map(({ label }) => label)).size, all.length);
		}
	}
});

test("a time is never written with a second too many", () => {
	assert.equal(clock(59.999, 1, 100), "1:00");
	assert.equal(clock(59.96, 0.1, 100), "1:00.0");
	assert.equal(clock(3599.9999, 0.001, 7200), "1:00:00.000");
	assert.equal(clock(0.30000000000000004, 0.1, 3), "0.3 s");
});

test("a pixel and its time are the same place", () => {
	const range = { start: 1234.5, end: 9876.5 };
	for (const x of [0, 1, 400.25, 799, 800]) near(toX(range, 800, toMs(range, 800, x)), x);
	assert.equal(toX(range, 800, range.start), 0);
	assert.equal(toX(range, 800, range.end), 800);
});

test("zooming keeps the time under the pointer where it is", () => {
	let range = { start: 20_000, end: 60_000 };
	const at = 33_333;
	const x = toX(range, 1000, at);
	for (let step = 0; step < 6; step++) {
		range = zoomed(range, 0.7, at, 100_000);
		near(toX(range, 1000, at), x, 1e-6);
	}
	for (let step = 0; step < 6; step++) range = zoomed(range, 1 / 0.7, at, 100_000);
	near(range.start, 20_000, 1e-6);
	near(range.end, 60_000, 1e-6);
});

test("zooming ends at the shortest range and at the whole recording", () => {
	let range = whole(100_000);
	for (let step = 0; step < 100; step++) range = zoomed(range, 0.5, 99_990, 100_000);
	near(span(range), SHORTEST_MS);
	assert.ok(range.start <= 99_990 && range.end >= 99_990 && range.end <= 100_000);
	for (let step = 0; step < 100; step++) range = zoomed(range, 2, 99_990, 100_000);
	assert.deepEqual(range, whole(100_000));
});

test("a recording shorter than the shortest range is shown as it is", () => {
	assert.deepEqual(zoomed(whole(90), 0.5, 40, 90), { start: 0, end: 90 });
	assert.deepEqual(within({ start: -500, end: 900 }, 0), { start: 0, end: 1 });
});

test("panning stops at both ends and keeps the width", () => {
	const range = { start: 4000, end: 6000 };
	assert.deepEqual(panned(range, -9999, 10_000), { start: 0, end: 2000 });
	assert.deepEqual(panned(range, 9999, 10_000), { start: 8000, end: 10_000 });
	assert.deepEqual(panned(range, 500, 10_000), { start: 4500, end: 6500 });
});

test("what is in sight is not moved; what is not comes into it, with a margin", () => {
	const range = { start: 4000, end: 6000 };
	assert.equal(revealing(range, 4000, 6000 - 50, 10_000), range);
	assert.equal(revealing(range, 4500, 5000, 10_000), range);
	for (const [start, end] of [[1000, 1500], [7000, 8900], [3900, 4100], [0, 100], [9900, 10_000]]) {
		const shown = revealing(range, start, end, 10_000);
		near(span(shown), 2000);
		assert.ok(shown.start <= start && shown.end >= end, `${start} to ${end}`);
		assert.ok(start === 0 || shown.start < start);
		assert.ok(end === 10_000 || shown.end > end);
	}
	const wide = revealing(range, 1000, 9000, 10_000);
	assert.ok(wide.start < 1000 && wide.end > 9000);
});
