import assert from "node:assert/strict";
import { test } from "node:test";

import { countUntil, rowAt, rowsIn } from "../../webui/ui/static/view/lookup.js";

// Two that touch, one apart.
const ROWS = [[1000, 3000, 0.9, "max_length"], [3000, 4000, 0.9, "silence"], [6000, 8000, 0.8, "silence"]];
const RANGE = { start: 0, end: 10_000 };

test("a row begins with its start and ends before its end", () => {
	const found = [999, 1000, 2999, 3000, 3999, 4000, 5999, 6000, 7999, 8000].map((ms) => rowAt(ROWS, ms));
	assert.deepEqual(found, [-1, 0, 0, 1, 1, -1, -1, 2, 2, -1]);
	assert.equal(rowAt([], 5), -1);
	assert.equal(countUntil(ROWS, 3000), 2);
});

test("rows in a range are those of which something can be seen", () => {
	const seen = (start, end) => rowsIn(ROWS, { start, end });
	assert.deepEqual(seen(0, 10_000), [0, 3]);
	assert.deepEqual(seen(1500, 1600), [0, 1]);
	assert.deepEqual(seen(3000, 3500), [1, 2]);
	assert.deepEqual(seen(4000, 6000), [2, 3]);
	const [first, last] = seen(4500, 5500);
	assert.equal(first, last);
	assert.deepEqual(rowsIn([], RANGE), [0, 0]);
});

test("random rows: what is found by halving is what is found by looking at each", () => {
	let seed = 5;
	const random = (n) => (seed = (seed * 16807) % 2147483647) % n;
	for (let round = 0; round < 200; round++) {
		const rows = [];
		for (let at = random(30); rows.length < random(30); at += random(30)) rows.push([at, (at += 1 + random(50))]);
		for (let ms = 0; ms < 800; ms += 3) {
			assert.equal(rowAt(rows, ms), rows.findIndex(([start, end]) => start <= ms && ms < end));
		}
		const start = random(500);
		const range = { start, end: start + 1 + random(300) };
		const [first, last] = rowsIn(rows, range);
		rows.forEach(([from, to], index) => {
			if (from < range.end && to > range.start) assert.ok(index >= first && index < last);
		});
	}
});
