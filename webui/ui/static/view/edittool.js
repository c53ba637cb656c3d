// The hand on the canvas: a boundary is dragged, a region is drawn into a pause.
// `editor` is what it works on: {isOn, durationMs, rows(track), draft(track, rows),
// commit(track, done), select(track, index, side), seek(ms)}.

import { add, moveEdge } from "./edits.js";

const CLICK_PX = 4;
// Elsewhere the hand moves the view.
const DRAWN_IN = ["wave", "strip"];

function isPause(hit) {
	return hit?.kind === "lane" && hit.index < 0 && DRAWN_IN.includes(hit.lane);
}

export function editTool(editor) {
	return {
		cursor({ hit }) {
			if (!editor.isOn) return "";
			if (hit?.kind === "edge") return "ew-resize";
			return isPause(hit) ? "crosshair" : "";
		},
		press(place, event) {
			if (!editor.isOn) return null;
			if (place.hit?.kind === "edge") return dragEdge(editor, place);
			// A finger on a pause moves the view; it has a button to add with.
			if (isPause(place.hit) && event.pointerType !== "touch") return drawRegion(editor, place);
			return null;
		},
	};
}

// Shared by both: what is under way is shown, and at the end done or left.
function drag(editor, track, from, doing, click) {
	const rows = editor.rows(track);
	let hasMoved = false;
	let done = null;
	return {
		move(place, event) {
			hasMoved ||= Math.abs(place.x - from.x) >= CLICK_PX;
			if (!hasMoved) return;
			done = doing(rows, place.ms, { durationMs: editor.durationMs, toFrames: !event.altKey });
			editor.draft(track, done ? done.rows : rows);
		},
		drop() {
			editor.draft(track, null);
			if (done) editor.commit(track, done);
			else if (!hasMoved) click();
		},
	};
}

function dragEdge(editor, place) {
	const { track = 0, index, side } = place.hit;
	const rows = editor.rows(track);
	if (!rows[index]) return null;
	const at = rows[index][side === "start" ? 0 : 1];
	// The boundary stays where it is under the hand, also when it was not hit in the middle.
	const offset = at - place.ms;
	// Of two regions that touch, the hand takes the one that gives way where it goes.
	const left = side === "end" ? index : touches(rows, index - 1) ? index - 1 : -1;
	const right = side === "start" ? index : touches(rows, index) ? index + 1 : -1;
	const doing = (all, ms, options) => {
		const wanted = ms + offset;
		const isLeft = right < 0 || (left >= 0 && wanted < at);
		return isLeft
			? moveEdge(all, left, "end", wanted, options)
			: moveEdge(all, right, "start", wanted, options);
	};
	return drag(editor, track, place, doing, () => editor.select(track, index, side));
}

function touches(rows, index) {
	return index >= 0 && index + 1 < rows.length && rows[index][1] === rows[index + 1][0];
}

function drawRegion(editor, place) {
	const { track = 0 } = place.hit;
	const doing = (rows, ms, options) => add(rows, place.ms, ms, options);
	return drag(editor, track, place, doing, () => editor.seek(place.ms));
}
