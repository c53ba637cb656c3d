import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as edits from "../../webui/ui/static/view/edits.js";

const golden = JSON.parse(readFileSync(new URL("../golden/edits.json", import.meta.url)));
const durationMs = golden.duration_ms;

function frozen(rows) {
	return Object.freeze(rows.map((row) => Object.freeze([...row])));
}

function run(rows, [name, ...given]) {
	const options = typeof given.at(-1) === "object" ? given.pop() : {};
	return edits[name](rows, ...given, { durationMs, ...options });
}

for (const { name, operation, rows, index } of golden.operations) {
	test(`${operation[0]}: ${name}`, () => {
		const done = run(frozen(golden.from), operation);
		assert.deepEqual(done, rows && { rows, index });
	});
}

function assertSound(rows, name) {
	let free = 0;
	for (const [start, end] of rows) {
		assert.ok(Number.isInteger(start) && Number.isInteger(end), name);
		assert.ok(start >= free && end - start >= edits.SHORTEST_MS && end <= durationMs, name);
		free = end;
	}
}

test("whatever is done, regions are in order, apart, long enough and within the file", () => {
	let seed = 1;
	const random = (below) => {
		seed = (seed * 48271) % 2147483647;
		return seed % below;
	};
	const operations = [
		() => ["moveEdge", random(8), random(2) ? "start" : "end", random(12_000) - 1000],
		() => ["add", random(12_000) - 1000, random(12_000) - 1000],
		() => ["remove", random(8)],
		() => ["split", random(10_005)],
		() => ["mergeNext", random(8)],
	];
	let rows = frozen(golden.from);
	let count = 0;
	for (let i = 0; i < 20_000; i += 1) {
		const operation = [...operations[random(5)](), { toFrames: Boolean(random(2)) }];
		const done = run(rows, operation);
		if (!done) continue;
		count += 1;
		assertSound(done.rows, JSON.stringify([rows, operation]));
		assert.ok(done.rows.length ? done.rows[done.index] : done.index === -1);
		rows = frozen(done.rows);
	}
	assert.ok(count > 2000, `${count} changes`);
});

test("a found region that reaches beyond the file need not shrink", () => {
	const done = edits.moveEdge([[0, 1020, 1, "end_of_audio", false]], 0, "end", 2000, { durationMs: 1005 });
	assert.equal(done, null);
});

test("rows by hand are counted", () => {
	assert.equal(edits.countEdited(golden.from), 0);
	assert.equal(edits.countEdited(edits.split(golden.from, 4000).rows), 2);
});
