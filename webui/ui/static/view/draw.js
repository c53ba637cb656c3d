// Paints the lanes and the overview on a canvas, in device pixels. Everything that is
// drawn is at most one column a pixel, however long the recording and however many the segments.

import { ticks, toX } from "./axis.js";
import { rowsIn } from "./lookup.js";

const SHADES = 12;
const NAMES = [
	...["wave", "segment", "edge", "cut", "probability", "threshold", "ink", "grid", "brand"],
	...["warn", "card", "well", "line", "soft", "on-threshold"],
];

// The page's colours and font, as the canvas needs them.
export function readLook(element) {
	const style = getComputedStyle(element);
	const look = { font: style.fontFamily };
	for (const name of NAMES) look[name] = style.getPropertyValue(`--vad-${name}`).trim();
	return look;
}

// How much of each pixel lies within rows, 0 to 1.
export function coverage(rows, range, width) {
	const share = new Float32Array(width);
	const [first, last] = rowsIn(rows, range);
	for (let index = first; index < last; index++) {
		const left = Math.max(0, toX(range, width, rows[index][0]));
		const right = Math.min(width, toX(range, width, rows[index][1]));
		const end = Math.min(width - 1, Math.floor(right));
		for (let pixel = Math.floor(left); pixel <= end; pixel++) {
			share[pixel] += Math.max(0, Math.min(pixel + 1, right) - Math.max(pixel, left));
		}
	}
	return share;
}

// One rectangle for each run of pixels that are covered alike.
function shade(context, share, colour, alpha, top, height) {
	context.fillStyle = colour;
	let from = 0;
	let now = 0;
	for (let pixel = 0; pixel <= share.length; pixel++) {
		const next = pixel < share.length ? Math.min(SHADES, Math.round(share[pixel] * SHADES)) : -1;
		if (next === now) continue;
		if (now > 0) {
			context.globalAlpha = (alpha * now) / SHADES;
			context.fillRect(from, top, pixel - from, height);
		}
		[from, now] = [pixel, next];
	}
	context.globalAlpha = 1;
}

// `scene`: {range, duration, tracks: [{rows, columns, kept}], overlap, level, selected, look,
// loudest}, the last being the sample that fills the lane of the sound;
// `layout` in CSS px; `scale` device pixels for each.
export function drawLanes(context, scene, layout, scale) {
	const width = context.canvas.width;
	context.clearRect(0, 0, width, context.canvas.height);
	drawRuler(context, scene, layout, scale, width);
	scene.tracks.forEach((track, number) => {
		const lanes = layout.tracks[number];
		const share = coverage(track.rows, scene.range, width);
		const box = (lane) => {
			const top = Math.round(lane.top * scale);
			return { top, height: Math.round(lane.bottom * scale) - top };
		};
		for (const name of ["wave", "probability"]) {
			const { top, height } = box(lanes[name]);
			shade(context, share, scene.look.segment, 0.13, top, height);
		}
		drawOverlap(context, scene, box(lanes.wave), width);
		drawWave(context, track.columns, share, scene, box(lanes.wave));
		drawStrip(context, scene, number, share, box(lanes.strip), scale);
		if (lanes.kept) drawKept(context, scene, track.kept, box(lanes.kept), width);
		if (lanes.spectrogram && track.spectrogram) {
			track.spectrogram(context, scene.range, box(lanes.spectrogram), width);
		}
		drawProbability(context, track.columns, scene, box(lanes.probability), scale);
		drawCuts(context, scene, track.rows, lanes, scale, width);
	});
}

function drawRuler(context, { range, duration, look }, layout, scale, width) {
	const all = ticks(range, layout.width, duration);
	const bottom = Math.round(layout.ruler.bottom * scale);
	context.font = `${Math.round(11 * scale)}px ${look.font}`;
	context.textBaseline = "middle";
	context.textAlign = "left";
	for (const { ms, label } of all) {
		const x = Math.round(toX(range, width, ms));
		context.fillStyle = look.grid;
		for (const lanes of layout.tracks) {
			const top = Math.round(lanes.top * scale);
			context.fillRect(x, top, 1, Math.round(lanes.bottom * scale) - top);
		}
		context.fillRect(x, bottom - Math.round(7 * scale), 1, Math.round(7 * scale));
		const room = context.measureText(label).width + 5 * scale;
		if (x + room > width) continue;
		context.fillStyle = look.ink;
		context.fillText(label, x + Math.round(5 * scale), Math.round(11 * scale));
	}
}

function drawOverlap(context, { overlap, range, look }, { top, height }, width) {
	if (!overlap.length) return;
	const share = coverage(overlap, range, width);
	shade(context, share, look.threshold, 0.22, top, height);
}

function drawWave(context, columns, share, { look, loudest }, { top, height }) {
	const middle = top + height / 2;
	const half = (height / 2 - 1) / loudest;
	context.fillStyle = look.grid;
	context.fillRect(0, Math.round(middle), columns.width, 1);
	// Two passes: a colour is costly to change.
	for (const speech of [false, true]) {
		context.fillStyle = speech ? look.edge : look.wave;
		for (let x = 0; x < columns.width; x++) {
			if (!columns.known[x] || share[x] >= 0.5 !== speech) continue;
			const y = Math.round(middle - columns.high[x] * half);
			const end = Math.round(middle - columns.low[x] * half);
			context.fillRect(x, y, 1, Math.max(1, end - y));
		}
	}
}

function drawStrip(context, scene, number, share, { top, height }, scale) {
	const { range, look, selected } = scene;
	const { rows } = scene.tracks[number];
	const width = share.length;
	const [first, last] = rowsIn(rows, range);
	context.globalAlpha = 0.55;
	context.fillStyle = look.well;
	context.fillRect(0, top, width, height);
	context.globalAlpha = 1;
	if (last - first > width / (6 * scale)) {
		shade(context, share, look.segment, 0.75, top, height);
	} else {
		drawBars(context, scene, rows, first, last, { top, height }, width, scale);
	}
	const chosen = selected && selected.track === number ? rows[selected.index] : null;
	if (!chosen) return;
	const left = Math.round(toX(range, width, chosen[0]));
	const right = Math.max(left + Math.round(2 * scale), Math.round(toX(range, width, chosen[1])));
	const line = Math.max(1, Math.round(2 * scale));
	context.strokeStyle = look.ink;
	context.lineWidth = line;
	context.strokeRect(left + line / 2, top + line / 2, Math.max(1, right - left - line), height - line);
}

function drawBars(context, { range, look }, rows, first, last, { top, height }, width, scale) {
	context.font = `${Math.round(11 * scale)}px ${look.font}`;
	context.textBaseline = "middle";
	context.textAlign = "left";
	const thin = Math.max(1, Math.round(scale));
	for (let index = first; index < last; index++) {
		const [start, end, , , edited] = rows[index];
		const left = Math.round(toX(range, width, start));
		const right = Math.max(left + thin, Math.round(toX(range, width, end)));
		context.fillStyle = look.segment;
		context.globalAlpha = 0.3;
		context.fillRect(left, top, right - left, height);
		context.globalAlpha = 1;
		context.fillStyle = edited ? look.threshold : look.edge;
		context.fillRect(left, top, thin, height);
		context.fillRect(Math.max(left, right - thin), top, thin, height);
		if (edited) context.fillRect(left, top + height - 2 * thin, right - left, 2 * thin);
		const label = String(index + 1);
		const from = Math.max(0, left);
		if (Math.min(width, right) - from > context.measureText(label).width + 12 * scale) {
			context.fillStyle = look.ink;
			context.fillText(label, from + Math.round(6 * scale), top + Math.round(height / 2) + thin);
		}
	}
}

function drawKept(context, { range, look }, rows, { top, height }, width) {
	if (rows) shade(context, coverage(rows, range, width), look.ink, 0.5, top, height);
}

function drawProbability(context, columns, { look, level }, { top, height }, scale) {
	const bottom = top + height;
	const y = (share) => bottom - share * height;
	context.fillStyle = look.grid;
	context.fillRect(0, top, columns.width, 1);
	context.fillRect(0, bottom, columns.width, 1);
	context.fillStyle = look.probability;
	context.globalAlpha = 0.16;
	for (let x = 0; x < columns.width; x++) {
		if (!columns.known[x]) continue;
		const high = Math.round(y(columns.most[x]));
		context.fillRect(x, high, 1, bottom - high);
	}
	context.globalAlpha = 1;
	context.strokeStyle = look.probability;
	context.lineWidth = 1.4 * scale;
	context.lineJoin = "bevel";
	context.beginPath();
	let open = false;
	for (let x = 0; x < columns.width; x++) {
		if (columns.known[x]) context[open ? "lineTo" : "moveTo"](x + 0.5, y(columns.mean[x]));
		open = Boolean(columns.known[x]);
	}
	context.stroke();
	const line = Math.round(y(level));
	const thick = Math.max(1, Math.round(1.5 * scale));
	context.fillStyle = look.threshold;
	for (let x = 0; x < columns.width; x += Math.round(8 * scale)) {
		context.fillRect(x, line - Math.floor(thick / 2), Math.round(5 * scale), thick);
	}
}

// Ends that the longest length forced.
function drawCuts(context, { range, look }, rows, lanes, scale, width) {
	const [first, last] = rowsIn(rows, range);
	const thick = Math.max(1, Math.round(1.5 * scale));
	const top = Math.round(lanes.wave.top * scale);
	const height = Math.round(lanes.strip.bottom * scale) - top;
	const flag = Math.round(6 * scale);
	context.fillStyle = look.cut;
	let before = -Infinity;
	for (let index = first; index < last; index++) {
		if (rows[index][3] !== "max_length") continue;
		const x = Math.round(toX(range, width, rows[index][1]));
		if (x - before < 2) continue;
		before = x;
		context.fillRect(x - thick, top, thick, height);
		context.beginPath();
		context.moveTo(x, top);
		context.lineTo(x - flag, top);
		context.lineTo(x, top + flag);
		context.fill();
	}
}

// The whole recording, small: the sound of each track, coloured where it is speech.
export function drawOverview(context, scene, all) {
	const { width, height } = context.canvas;
	context.clearRect(0, 0, width, height);
	const range = { start: 0, end: Math.max(1, scene.duration) };
	const each = Math.floor(height / all.length);
	all.forEach((columns, track) => {
		const share = coverage(scene.tracks[track].rows, range, width);
		const box = { top: track * each, height: each };
		shade(context, share, scene.look.segment, 0.16, box.top, each);
		drawWave(context, columns, share, scene, box);
	});
}

