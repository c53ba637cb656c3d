import assert from "node:assert/strict";
import test from "node:test";

import { rowFor, scrollFor, windowOf } from "../../webui/ui/static/view/rows.js";

test("the rows in sight exist, and never more than a screen and the spare ones", () => {
	for (const count of [0, 1, 23, 24, 25, 3000]) {
		for (let top = 0; top <= count * 30; top += 7 + count) {
			const [first, behind] = windowOf(count, 30, top, 380);
			assert.ok(first >= 0 && first <= behind && behind <= count);
			assert.ok(behind - first <= Math.ceil(380 / 30) + 1 + 24);
			const seen = [Math.floor(top / 30), Math.min(count, Math.ceil((top + 380) / 30))];
			assert.ok(first <= seen[0] && behind >= seen[1], `${count} ${top}: ${first} ${behind}`);
		}
	}
});

test("before a row's height is known there are a few", () => {
	assert.deepEqual(windowOf(3000, 0, 0, 380), [0, 24]);
	assert.deepEqual(windowOf(5, 0, 0, 0), [0, 5]);
});

test("a table that became shorter than where it was scrolled to still shows its end", () => {
	const [first, behind] = windowOf(10, 30, 9000, 380);
	assert.deepEqual([first, behind], [0, 10]);
});

test("scrolling does as little as needed", () => {
	assert.equal(scrollFor(0, 30, 0, 380, 35), 0);
	assert.equal(scrollFor(5, 30, 0, 380, 35), 0);
	assert.equal(scrollFor(100, 30, 0, 380, 35), 101 * 30 - 345);
	assert.equal(scrollFor(3, 30, 500, 380, 35), 90);
});

test("keys stay within the table", () => {
	assert.equal(rowFor("ArrowDown", -1, 5, 3), 0);
	assert.equal(rowFor("ArrowDown", 4, 5, 3), 4);
	assert.equal(rowFor("ArrowUp", -1, 5, 3), 0);
	assert.equal(rowFor("PageDown", 0, 5, 3), 3);
	assert.equal(rowFor("End", 0, 5, 3), 4);
	assert.equal(rowFor("Home", 3, 5, 3), 0);
	assert.equal(rowFor("a", 3, 5, 3), -1);
	assert.equal(rowFor("Home", 3, 0, 3), -1);
});
