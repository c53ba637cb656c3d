import assert from "node:assert/strict";
import { test } from "node:test";
import { readTable, rises, withRow, withoutRow, writeTable } from "../../webui/ui/static/view/schedule.js";

const FUNASR = "10000:2000,20000:1000,30000:800,40000:600,50000:400,60000:200,inf:100";

test("a table is read and written", () => {
	assert.equal(writeTable(readTable(FUNASR)), FUNASR);
	assert.deepEqual(readTable("1000:900， inf：100"), [[1000, 900], [Infinity, 100]]);
	assert.deepEqual(readTable("nonsense"), []);
	assert.deepEqual(readTable(""), []);
});

test("a row that is added fits between its neighbours, also into a table of one row", () => {
	let rows = readTable("inf:100");
	for (let count = 2; count < 9; count++) {
		rows = withRow(rows);
		assert.equal(rows.length, count);
		assert.ok(rows.every((_, index) => rises(rows, index)));
		assert.equal(rows.at(-1)[0], Infinity);
		assert.ok(rows.every(([, silence]) => Number.isInteger(silence)));
	}
	assert.deepEqual(withRow(readTable("1000:500,inf:100"))[1], [11000, 300]);
});

test("a row goes, the others stay", () => {
	const rows = readTable(FUNASR);
	assert.equal(writeTable(withoutRow(rows, 1)), FUNASR.replace("20000:1000,", ""));
	assert.equal(writeTable(rows), FUNASR);
});

test("a limit that does not rise is told", () => {
	const rows = readTable("1000:900,1000:500,500:300,inf:100");
	assert.deepEqual(rows.map((_, index) => rises(rows, index)), [true, false, false, true]);
});
