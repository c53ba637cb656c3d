// What lies under a point of the lanes, pure.

import { toMs, toX } from "./axis.js";
import { countUntil, rowAt } from "./lookup.js";

// The nearest boundary within `tolerance` pixels: {index, side}, null for none. Where two
// segments touch, the side on which the point lies decides; a segment that is hardly wider
// than its boundaries keeps a third of itself as its middle.
export function edgeAt(rows, range, width, x, tolerance) {
	const ms = toMs(range, width, x);
	const near = countUntil(rows, ms) - 1;
	let best = null;
	for (const index of [near, near + 1]) {
		const row = rows[index];
		if (!row) continue;
		const [left, right] = [toX(range, width, row[0]), toX(range, width, row[1])];
		const reach = Math.min(tolerance, Math.max(2, (right - left) / 3));
		for (const [side, at] of [["start", left], ["end", right]]) {
			const inside = side === "start" ? x >= at : x <= at;
			const distance = Math.abs(x - at) - (inside ? 0.01 : 0);
			const limit = inside ? reach : tolerance;
			if (Math.abs(x - at) <= limit && (!best || distance < best.distance)) {
				best = { index, side, distance };
			}
		}
	}
	return best && { index: best.index, side: best.side };
}

const inside = (box, y) => Boolean(box) && y >= box.top && y < box.bottom;

// What a point hits: {kind, index, side, track}. `layout` is {width, ruler, tracks}, boxes are
// {top, bottom}; `scene` is {range, tracks: [{rows}], level}; null outside of all lanes.
export function hitTest(layout, scene, { x, y }, tolerance = 5) {
	const { width } = layout;
	const { range } = scene;
	if (inside(layout.ruler, y)) return { kind: "ruler", index: -1, side: null, track: 0 };
	for (let track = 0; track < layout.tracks.length; track++) {
		const lanes = layout.tracks[track];
		if (!inside(lanes, y)) continue;
		const rows = scene.tracks[track].rows;
		const index = rowAt(rows, toMs(range, width, x));
		const lane = ["wave", "strip", "spectrogram", "probability"].find((name) => inside(lanes[name], y));
		if (lane === "probability") {
			const line = thresholdY(lanes.probability, scene.level);
			if (Math.abs(y - line) <= tolerance) return { kind: "threshold", index, side: null, track, lane };
		}
		const edge = edgeAt(rows, range, width, x, tolerance);
		if (edge) return { kind: "edge", ...edge, track, lane };
		if (lane === "strip" && index >= 0) return { kind: "segment", index, side: null, track, lane };
		return { kind: "lane", index, side: null, track, lane };
	}
	return null;
}

// Where a probability stands in its lane, and which one stands at a height.
export const thresholdY = (lane, level) => lane.bottom - level * (lane.bottom - lane.top);
export const levelAt = (lane, y) =>
	Math.min(1, Math.max(0, (lane.bottom - y) / (lane.bottom - lane.top)));

// Where all lanes lie, in px, with a caption above those that have one. `marks` = {spectrogram, kept: booleans, narrow, tracks: number}.
export function layOut(width, { narrow, tracks, spectrogram, kept }) {
	const many = tracks > 1;
	const caption = 17;
	const ruler = { top: 0, bottom: 24 };
	const heights = {
		wave: many ? (narrow ? 60 : 72) : narrow ? 84 : 104,
		strip: narrow ? 30 : 24,
		kept: 14,
		spectrogram: narrow ? 84 : 104,
		probability: many ? (narrow ? 56 : 64) : narrow ? 76 : 88,
	};
	let y = ruler.bottom;
	const made = [];
	for (let track = 0; track < tracks; track++) {
		const lanes = { top: y };
		// Captions stand above their lanes: over them they would hide what is drawn.
		const put = (name, gap, above = 0) => {
			y += above;
			lanes[name] = { top: y, bottom: y + heights[name] };
			y += heights[name] + gap;
		};
		put("wave", 4, caption);
		put("strip", 4);
		if (kept) put("kept", 4);
		if (spectrogram) put("spectrogram", 4, caption);
		put("probability", 0, caption + 1);
		// Room for the line at 0.
		y += 3;
		lanes.bottom = y;
		made.push(lanes);
		y += many ? 12 : 0;
	}
	return { width, ruler, tracks: made, height: made.at(-1).bottom };
}
