// Editing by hand, pure: rows and what was done to them give new rows.
//
// A row is [start_ms, end_ms, confidence, reason, edited]. Rows are in order, never
// overlap, lie within the recording and are at least one frame long; whatever is asked
// for, the answer keeps to that (webui/vad/edited.py holds the server to the same). An
// operation answers {rows, index}, the index being that of the row it was about, or null
// where it can't be done. Rows that come in are never changed.

import { countUntil, rowAt } from "./lookup.js";

export const FRAME_MS = 10;
export const SHORTEST_MS = 10;
export const BY_HAND = "by_hand";
export const NEW_MS = 1000;

const START = 0;
const END = 1;
const REASON = 3;
const EDITED = 4;

// The nearest frame, or the nearest ms where frames are switched off.
export function snap(ms, toFrames = true) {
	return toFrames ? Math.round(ms / FRAME_MS) * FRAME_MS : Math.round(ms);
}

function replaced(rows, index, count, ...fresh) {
	return [...rows.slice(0, index), ...fresh, ...rows.slice(index + count)];
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// A row by hand; an end that was moved has no other reason than that.
function made(start, end, confidence, reason) {
	return [start, end, confidence, reason, true];
}

// Move one boundary ("start" or "end"), as far as the neighbours let it go.
export function moveEdge(rows, index, side, ms, { durationMs, toFrames = true }) {
	const row = rows[index];
	if (!row) return null;
	const wanted = snap(ms, toFrames);
	let [start, end, confidence, reason] = row;
	if (side === "start") {
		const low = index ? rows[index - 1][END] : 0;
		start = clamp(wanted, low, end - SHORTEST_MS);
	} else {
		// What was found may reach beyond the file by a frame: it need not shrink for that.
		const high = index + 1 < rows.length ? rows[index + 1][START] : Math.max(durationMs, end);
		end = clamp(wanted, start + SHORTEST_MS, high);
	}
	if (start === row[START] && end === row[END]) return null;
	if (end !== row[END]) reason = BY_HAND;
	return { rows: replaced(rows, index, 1, made(start, end, confidence, reason)), index };
}

// A new region, cut down to the pause that it begins in.
export function add(rows, fromMs, toMs, { durationMs, toFrames = true }) {
	const from = Math.min(fromMs, toMs);
	const to = Math.max(fromMs, toMs);
	const index = countUntil(rows, from);
	if (index && from < rows[index - 1][END]) return null;
	const low = index ? rows[index - 1][END] : 0;
	const high = index < rows.length ? rows[index][START] : durationMs;
	const start = clamp(snap(from, toFrames), low, high);
	const end = clamp(snap(to, toFrames), low, high);
	if (end - start < SHORTEST_MS) return null;
	return { rows: replaced(rows, index, 0, made(start, end, null, BY_HAND)), index };
}

// The selection goes to the row that took its place.
export function remove(rows, index) {
	if (!rows[index]) return null;
	const left = replaced(rows, index, 1);
	return { rows: left, index: Math.min(index, left.length - 1) };
}

// Two regions that touch at a time within the row; the second one is selected.
export function split(rows, ms, { toFrames = true } = {}) {
	const index = rowAt(rows, ms);
	if (index < 0) return null;
	const [start, end, confidence, reason] = rows[index];
	const at = snap(ms, toFrames);
	if (at < start + SHORTEST_MS || at > end - SHORTEST_MS) return null;
	const halves = [made(start, at, confidence, BY_HAND), made(at, end, confidence, reason)];
	return { rows: replaced(rows, index, 1, ...halves), index: index + 1 };
}

// One region from the start of a row to the end of the next.
export function mergeNext(rows, index) {
	const next = rows[index + 1];
	if (!rows[index] || !next) return null;
	const row = made(rows[index][START], next[END], null, next[REASON]);
	return { rows: replaced(rows, index, 2, row), index };
}

// How many rows were made or changed by hand.
export function countEdited(rows) {
	return rows.reduce((sum, row) => sum + (row[EDITED] ? 1 : 0), 0);
}
