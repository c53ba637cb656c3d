import assert from "node:assert/strict";
import { test } from "node:test";

import { Editor } from "../../webui/ui/static/view/editor.js";
import { mergeNext, remove, split } from "../../webui/ui/static/view/edits.js";

const DETECTED = [
	[500, 2000, 0.9, "silence", false],
	[3000, 5000, 0.8, "silence", false],
];

// A server that keeps what is sent and answers only when it is told to.
function desk() {
	const kept = {};
	const waiting = [];
	const log = [];
	let number = 10;
	const editor = new Editor({
		send: (id, channel, state) =>
			new Promise((resolve, reject) => {
				log.push([channel, state ? state.rows.length : null]);
				waiting.push({
					answer() {
						kept[channel] = state;
						resolve({ number: (number += 1) });
					},
					fail: () => reject(new Error("out of reach")),
				});
			}),
		stored: () => log.push("stored"),
		changed: () => {},
	});
	const result = (overrides = {}) => ({
		id: "a",
		number: (number += 1),
		duration_ms: 10_000,
		options: { max_end_silence_time: 800 },
		tracks: [{ channel: "mix", rows: DETECTED, edited: false, base: null, ...shown() }],
		...overrides,
	});
	const shown = () => (kept.mix ? { rows: kept.mix.rows, edited: true, base: kept.mix.base } : {});
	const settle = async () => {
		await turn();
		while (waiting.length) {
			waiting.shift().answer();
			await turn();
		}
	};
	return { editor, kept, waiting, log, result, settle };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const splitAt = (ms) => (rows) => split(rows, ms);

test("what is done is sent, and undone, and done again", async () => {
	const { editor, kept, result, settle, log } = desk();
	assert.deepEqual(editor.open(result()), []);
	assert.equal(editor.isEdited, false);
	assert.deepEqual(editor.apply(0, splitAt(1000)).index, 1);
	await settle();
	assert.equal(kept.mix.rows.length, 3);
	assert.deepEqual(kept.mix.base, { max_end_silence_time: 800 });
	assert.deepEqual(editor.open(result()), []);
	assert.deepEqual(editor.count(), { byHand: 2, all: 3 });
	editor.undo();
	await settle();
	assert.equal(kept.mix, undefined);
	assert.equal(editor.isEdited, false);
	editor.redo();
	await settle();
	assert.equal(kept.mix.rows.length, 3);
	assert.deepEqual(log, [["mix", 3], "stored", ["mix", null], "stored", ["mix", 3], "stored"]);
});

test("nothing is sent for what can't be done", () => {
	const { editor, result, log } = desk();
	editor.open(result());
	assert.equal(editor.apply(0, splitAt(2500)), null);
	assert.deepEqual([log, editor.canUndo], [[], false]);
});

test("while one change is on its way, the latest of those that follow is sent next", async () => {
	const { editor, result, settle, log } = desk();
	editor.open(result());
	editor.apply(0, splitAt(1000));
	editor.apply(0, splitAt(4000));
	editor.apply(0, (rows) => remove(rows, 0));
	editor.apply(0, (rows) => remove(rows, 0));
	await settle();
	assert.deepEqual(log, [["mix", 3], ["mix", 2], "stored"]);
});

test("a result that does not know of a change yet does not take it away", async () => {
	const { editor, result, waiting, settle } = desk();
	editor.open(result());
	const early = result({ number: 12 });
	const done = editor.apply(0, splitAt(1000));
	assert.deepEqual(editor.open(early), [{ track: 0, rows: done.rows }]);
	await settle();
	assert.equal(waiting.length, 0);
	// Stored by now, but this one was asked for before.
	assert.deepEqual(editor.open(early), [{ track: 0, rows: done.rows }]);
	assert.deepEqual(editor.open(result()), []);
	assert.equal(editor.rows(0).length, 3);
});

test("a change that could not be stored stays, says so, and is tried again", async () => {
	const { editor, kept, result, waiting, settle, log } = desk();
	editor.open(result());
	const done = editor.apply(0, splitAt(1000));
	waiting.shift().fail();
	await turn();
	assert.equal(editor.problem, "out of reach");
	assert.deepEqual(editor.open(result()), [{ track: 0, rows: done.rows }]);
	editor.save();
	await settle();
	assert.equal(editor.problem, "");
	assert.equal(kept.mix.rows.length, 3);
	assert.equal(log.at(-1), "stored");
});

test("sliders move under edits: they stay, and so do the options that they began from", async () => {
	const { editor, kept, result, settle } = desk();
	editor.open(result());
	editor.apply(0, splitAt(1000));
	await settle();
	editor.open(result({ options: { max_end_silence_time: 300 } }));
	editor.apply(0, (rows) => mergeNext(rows, 0));
	await settle();
	assert.deepEqual(kept.mix.base, { max_end_silence_time: 800 });
	editor.open(result({ options: { max_end_silence_time: 300 } }));
	editor.detected();
	await settle();
	assert.equal(kept.mix, undefined);
	editor.undo();
	await settle();
	assert.deepEqual(kept.mix.base, { max_end_silence_time: 800 });
});

test("a reload goes on from what the server has; there is nothing to undo", () => {
	const { editor, kept, result } = desk();
	kept.mix = { rows: [[0, 100, 0.5, "by_hand", true]], base: { max_end_silence_time: 300 } };
	editor.open(result());
	assert.equal(editor.isEdited, true);
	assert.equal(editor.canUndo, false);
	assert.deepEqual(editor.rows(0), kept.mix.rows);
});

test("what another window did can be undone here", async () => {
	const { editor, kept, result, settle } = desk();
	editor.open(result());
	editor.apply(0, splitAt(1000));
	await settle();
	editor.open(result());
	kept.mix = undefined;
	editor.open(result());
	assert.equal(editor.isEdited, false);
	editor.undo();
	await settle();
	assert.equal(kept.mix.rows.length, 3);
});

test("another result begins anew", async () => {
	const { editor, result, settle } = desk();
	editor.open(result());
	editor.apply(0, splitAt(1000));
	await settle();
	editor.open(result({ id: "b", tracks: [{ channel: "mix", rows: [], edited: false }] }));
	assert.deepEqual([editor.isEdited, editor.canUndo, editor.rows(0)], [false, false, []]);
});

test("two channels: each has its rows, one history leads through both", async () => {
	const { editor, kept, settle, log } = desk();
	const tracks = ["left", "right"].map((channel) => ({ channel, rows: DETECTED, edited: false }));
	editor.open({ id: "a", number: 1, duration_ms: 10_000, options: {}, tracks });
	editor.apply(0, splitAt(1000));
	await settle();
	editor.apply(1, (rows) => remove(rows, 0));
	await settle();
	assert.deepEqual([kept.left.rows.length, kept.right.rows.length], [3, 1]);
	assert.deepEqual(editor.count(), { byHand: 2, all: 4 });
	editor.undo();
	await settle();
	assert.deepEqual([kept.left.rows.length, kept.right], [3, undefined]);
	editor.redo();
	await settle();
	editor.detected();
	await settle();
	assert.deepEqual([kept.left, kept.right], [undefined, undefined]);
	assert.equal(log.filter((entry) => entry === "stored").length, 5);
});

test("what arrives after another result was opened says nothing of that one", async () => {
	const { editor, result, waiting, log } = desk();
	editor.open(result());
	editor.apply(0, splitAt(1000));
	const other = { channel: "mix", rows: [[0, 100, 0.5, "by_hand", true]], edited: true, base: {} };
	editor.open({ id: "b", number: 1, duration_ms: 10_000, options: {}, tracks: [{ ...other, rows: [], edited: false }] });
	waiting.shift().answer();
	await turn();
	assert.deepEqual(log, [["mix", 3]]);
	// Neither its number nor its rows count here: what another window did to this one is shown.
	assert.deepEqual(editor.open({ id: "b", number: 2, duration_ms: 10_000, options: {}, tracks: [other] }), []);
	assert.deepEqual([editor.isEdited, editor.rows(0)], [true, other.rows]);
	await editor.save();
	assert.deepEqual(log, [["mix", 3]]);
});

test("a hundred steps can be undone, those before are forgotten", () => {
	const { editor, result } = desk();
	editor.open(result());
	for (let step = 0; step < 130; step++)
		editor.apply(0, (rows) => (step % 2 ? mergeNext(rows, 0) : split(rows, 1000)));
	let undone = 0;
	for (; editor.canUndo; undone++) editor.undo();
	assert.equal(undone, 100);
});
