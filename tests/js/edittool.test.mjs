import assert from "node:assert/strict";
import { test } from "node:test";

import { editTool } from "../../webui/ui/static/view/edittool.js";

const ROWS = [
	[500, 2000, 0.9, "silence", false],
	[3000, 5000, 0.8, "max_length", false],
	[5000, 6000, 0.7, "silence", false],
];

function hand(isOn = true) {
	const log = [];
	const editor = {
		isOn,
		durationMs: 10_000,
		rows: () => ROWS,
		draft: (track, rows) => log.push(["draft", rows && rows.map((row) => row.slice(0, 2))]),
		commit: (track, { rows }) => log.push(["commit", track, rows.map((row) => row.slice(0, 2))]),
		select: (...given) => log.push(["select", ...given]),
		seek: (ms) => log.push(["seek", ms]),
	};
	return { tool: editTool(editor), log };
}

// 10 ms to the pixel.
const pause = { kind: "lane", index: -1, track: 0, lane: "wave" };
const at = (ms, hit = pause) => ({ ms, x: ms / 10, y: 0, hit });
const edge = (index, side, track = 0) => ({ kind: "edge", index, side, track });
const mouse = { pointerType: "mouse" };

test("off, the hand is the view's", () => {
	const { tool } = hand(false);
	assert.equal(tool.press(at(2000, edge(0, "end")), mouse), null);
	assert.equal(tool.cursor(at(2000, edge(0, "end"))), "");
});

test("a boundary follows the hand without a jump, and is done when it is let go", () => {
	const { tool, log } = hand();
	const drag = tool.press(at(2015, edge(0, "end", 1)), mouse);
	drag.move(at(2415), mouse);
	drag.move(at(2215), mouse);
	drag.drop(at(2215), mouse);
	assert.deepEqual(log, [
		["draft", [[500, 2400], [3000, 5000], [5000, 6000]]],
		["draft", [[500, 2200], [3000, 5000], [5000, 6000]]],
		["draft", null],
		["commit", 1, [[500, 2200], [3000, 5000], [5000, 6000]]],
	]);
});

test("with Alt it goes to the ms", () => {
	const { tool, log } = hand();
	const drag = tool.press(at(2000, edge(0, "end")), mouse);
	drag.move(at(2103), { ...mouse, altKey: true });
	assert.deepEqual(log.at(-1)[1][0], [500, 2103]);
});

test("a press alone selects the boundary", () => {
	const { tool, log } = hand();
	const drag = tool.press(at(2000, edge(0, "end")), mouse);
	drag.move(at(2030), mouse);
	drag.drop(at(2030), mouse);
	assert.deepEqual(log, [["draft", null], ["select", 0, 0, "end"]]);
});

test("where two regions touch, the one that gives way is taken", () => {
	for (const [index, side] of [[1, "end"], [2, "start"]]) {
		const { tool, log } = hand();
		const drag = tool.press(at(5000, edge(index, side)), mouse);
		drag.move(at(5400), mouse);
		assert.deepEqual(log.at(-1)[1].slice(1), [[3000, 5000], [5400, 6000]]);
		drag.move(at(4400), mouse);
		assert.deepEqual(log.at(-1)[1].slice(1), [[3000, 4400], [5000, 6000]]);
	}
});

test("back where it began is nothing done", () => {
	const { tool, log } = hand();
	const drag = tool.press(at(2000, edge(0, "end")), mouse);
	drag.move(at(2400), mouse);
	drag.move(at(2000), mouse);
	drag.drop(at(2000), mouse);
	assert.deepEqual(log.at(-1), ["draft", null]);
});

test("a region is drawn into a pause with the mouse, not with a finger", () => {
	const { tool, log } = hand();
	assert.equal(tool.press(at(7000), { pointerType: "touch" }), null);
	const drag = tool.press(at(8000), mouse);
	drag.move(at(7003), mouse);
	drag.drop(at(7003), mouse);
	assert.deepEqual(log.at(-1), ["commit", 0, [[500, 2000], [3000, 5000], [5000, 6000], [7000, 8000]]]);
});

test("a click into a pause moves the playhead", () => {
	const { tool, log } = hand();
	tool.press(at(8000), mouse).drop(at(8000), mouse);
	assert.deepEqual(log.at(-1), ["seek", 8000]);
});

test("the cursor says what a press would do", () => {
	const { tool } = hand();
	assert.equal(tool.cursor(at(0, edge(0, "end"))), "ew-resize");
	assert.equal(tool.cursor(at(0)), "crosshair");
	for (const hit of [null, { kind: "segment" }, { ...pause, index: 0 }, { ...pause, lane: "probability" }]) {
		assert.equal(tool.cursor(at(0, hit)), "");
		assert.equal(tool.press(at(0, hit), mouse), null);
	}
});
