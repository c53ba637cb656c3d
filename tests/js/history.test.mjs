import assert from "node:assert/strict";
import { test } from "node:test";

import { History } from "../../webui/ui/static/view/history.js";

test("undo and redo go back and forth", () => {
	const history = new History("a");
	history.push("b");
	history.push("c");
	assert.equal(history.undo(), "b");
	assert.equal(history.undo(), "a");
	assert.equal(history.canUndo, false);
	assert.equal(history.undo(), "a");
	assert.equal(history.redo(), "b");
	assert.equal(history.redo(), "c");
	assert.equal(history.canRedo, false);
	assert.equal(history.redo(), "c");
});

test("a new state takes the place of all that was undone", () => {
	const history = new History("a");
	history.push("b");
	history.undo();
	history.push("c");
	assert.equal(history.canRedo, false);
	assert.equal(history.undo(), "a");
});

test("the oldest states are forgotten", () => {
	const history = new History(0, 3);
	for (let i = 1; i <= 10; i += 1) history.push(i);
	const seen = [];
	while (history.canUndo) seen.push(history.undo());
	assert.deepEqual(seen, [9, 8, 7]);
	assert.equal(history.future.length, 3);
});

test("a completed state is no step", () => {
	const history = new History("a");
	history.push("b");
	history.amend("b, with confidences");
	assert.equal(history.undo(), "a");
	assert.equal(history.redo(), "b, with confidences");
});

test("a reset leaves nothing to undo", () => {
	const history = new History("a");
	history.push("b");
	history.undo();
	history.reset("x");
	assert.deepEqual([history.present, history.canUndo, history.canRedo], ["x", false, false]);
});
