// Paints the last seconds of a stream on a canvas, in device pixels. Bars and ticks are bound to
// times, not to pixels, so that they glide and never flicker.

import { ticks } from "../view/axis.js";
import { percent } from "../view/threshold.js";

const BAR_HOPS = 8;
const HOP_MS = 10;
const APPEAR_PX = 16; // on the way from out of sight to all there
export const PX_PER_S = 36;

// Places of the lanes, in CSS px; `speech` is that of P(speech).
export function layOut(width, isNarrow) {
	const wave = { top: 30, bottom: isNarrow ? 116 : 140 };
	const strip = { top: wave.bottom + 5, bottom: wave.bottom + 27 };
	const speech = { top: strip.bottom + 26, bottom: strip.bottom + (isNarrow ? 88 : 104) };
	return { width, wave, strip, speech, height: speech.bottom + 6 };
}

// `scene`: {track, found, head_ms, scored_ms (until there it is known what is speech), level
// (P(speech) of the threshold), loudest, look, named_px (what the name at the left of the times takes)}.
export function draw(context, scene, layout, scale) {
	const { canvas } = context;
	context.clearRect(0, 0, canvas.width, canvas.height);
	const span_ms = (layout.width / PX_PER_S) * 1000;
	const start = scene.head_ms - span_ms;
	const range = { start, end: scene.head_ms };
	const place = {
		context,
		scale,
		range,
		width: canvas.width,
		x: (ms) => ((ms - start) / span_ms) * canvas.width,
		y: (lane, share) => (lane.bottom - share * (lane.bottom - lane.top)) * scale,
	};
	const segments = shown(scene, start);
	drawRuler(place, scene, layout);
	drawGround(place, scene, layout, segments);
	if (scene.track) {
		drawWave(place, scene, layout.wave, segments);
		drawSpeech(place, scene, layout.speech);
	}
	drawBars(place, scene, layout.strip, segments);
	drawLevel(place, scene, layout.speech);
	drawFade(place, layout);
	drawTimes(place, scene, layout);
}

// The segments in sight; one that is open goes as far as the server has heard.
function shown({ found, scored_ms }, start) {
	if (!found) return [];
	return found.segments
		.map((each) => ({ ...each, isOpen: each.end_ms === null, end_ms: each.end_ms ?? Math.max(each.start_ms, scored_ms) }))
		.filter(({ end_ms }) => end_ms > start);
}

const times = (range, width) => ticks(range, width, Math.max(range.end, 60_000)).filter(({ ms }) => ms >= 0);

function drawRuler({ context, scale, range, x }, { look }, { width, wave, speech }) {
	context.fillStyle = look.grid;
	for (const { ms } of times(range, width)) {
		for (const lane of [wave, speech]) {
			context.fillRect(x(ms), lane.top * scale, scale, (lane.bottom - lane.top) * scale);
		}
	}
}

// Each comes and goes as a whole: no edge and no word cuts it.
function drawTimes({ context, scale, range, x }, { look, named_px }, { width, wave }) {
	context.font = `${Math.round(11 * scale)}px ${look.font}`;
	context.textBaseline = "middle";
	context.textAlign = "left";
	for (const { ms, label } of times(range, width)) {
		const left = x(ms) + 5 * scale;
		const room = Math.min(x(ms) - (named_px + 6) * scale, width * scale - left - context.measureText(label).width);
		context.globalAlpha = Math.min(1, Math.max(0, room / (APPEAR_PX * scale)));
		if (!context.globalAlpha) continue;
		context.fillStyle = look.grid;
		context.fillRect(x(ms), (wave.top - 9) * scale, scale, 7 * scale);
		context.fillStyle = look.ink;
		context.fillText(label, left, (wave.top - 14) * scale);
	}
	context.globalAlpha = 1;
}

function drawGround({ context, scale, width, x, y }, { look }, { wave, strip, speech }, segments) {
	context.fillStyle = look.grid;
	for (const share of [0, 1]) context.fillRect(0, Math.round(y(speech, share)), width, 1);
	context.fillStyle = look.well;
	context.globalAlpha = 0.55;
	context.fillRect(0, strip.top * scale, width, (strip.bottom - strip.top) * scale);
	context.fillStyle = look.segment;
	context.globalAlpha = 0.13;
	for (const { start_ms, end_ms } of segments) {
		const [left, right] = [x(start_ms), x(end_ms)];
		for (const lane of [wave, speech]) {
			context.fillRect(left, lane.top * scale, right - left, (lane.bottom - lane.top) * scale);
		}
	}
	context.globalAlpha = 1;
}

function drawWave({ context, scale, range, width, x, y }, { track, look, loudest }, lane, segments) {
	context.fillStyle = look.grid;
	context.fillRect(0, Math.round(y(lane, 0.5)), width, 1);
	const first = Math.max(0, Math.floor(range.start / HOP_MS / BAR_HOPS));
	const last = Math.ceil(range.end / HOP_MS / BAR_HOPS);
	const wide = x(range.start + BAR_HOPS * HOP_MS) * 0.66;
	const paths = { speech: new Path2D(), other: new Path2D() };
	let next = 0;
	for (let bar = first; bar <= last; bar++) {
		const peak = track.peak(bar * BAR_HOPS, (bar + 1) * BAR_HOPS);
		if (!peak) continue;
		const middle_ms = (bar + 0.5) * BAR_HOPS * HOP_MS;
		while (next < segments.length && segments[next].end_ms <= middle_ms) next++;
		const isSpeech = next < segments.length && segments[next].start_ms <= middle_ms;
		const at = (value) => y(lane, 0.5 + Math.max(-0.5, Math.min(0.5, value / loudest / 2)));
		const top = Math.min(at(peak.high), at(0) - scale);
		const bottom = Math.max(at(peak.low), at(0) + scale);
		const path = isSpeech ? paths.speech : paths.other;
		path.roundRect(x(bar * BAR_HOPS * HOP_MS), top, wide, bottom - top, wide / 2);
	}
	context.fillStyle = look.wave;
	context.fill(paths.other);
	context.fillStyle = look.edge;
	context.fill(paths.speech);
}

function drawSpeech({ context, scale, range, x, y }, { track, look }, lane) {
	const step = 4; // frames to a point
	const first = Math.max(0, Math.floor(range.start / HOP_MS / step));
	const last = Math.ceil(range.end / HOP_MS / step);
	const points = [];
	for (let point = first; point <= last; point++) {
		const share = track.share(point * step, (point + 1) * step);
		if (share !== null) points.push([x((point + 0.5) * step * HOP_MS), y(lane, share)]);
	}
	if (points.length < 2) return;
	const line = new Path2D();
	points.forEach(([left, top], index) => line[index ? "lineTo" : "moveTo"](left, top));
	const area = new Path2D(line);
	area.lineTo(points.at(-1)[0], y(lane, 0));
	area.lineTo(points[0][0], y(lane, 0));
	context.fillStyle = context.strokeStyle = look.probability;
	context.globalAlpha = 0.16;
	context.fill(area);
	context.globalAlpha = 1;
	context.lineWidth = 1.5 * scale;
	context.lineJoin = "round";
	context.stroke(line);
}

function drawBars({ context, scale, x }, { look }, { top, bottom }, segments) {
	const [high, thin] = [(bottom - top) * scale, Math.max(1, 1.5 * scale)];
	context.font = `${Math.round(11 * scale)}px ${look.font}`;
	context.textBaseline = "middle";
	for (const { number, start_ms, end_ms, isOpen } of segments) {
		const left = x(start_ms);
		const right = Math.max(left + 2 * thin, x(end_ms));
		context.fillStyle = look.segment;
		context.globalAlpha = isOpen ? 0.48 : 0.3;
		context.fillRect(left, top * scale, right - left, high);
		context.globalAlpha = 1;
		context.fillStyle = look.edge;
		context.fillRect(left, top * scale, thin, high);
		if (!isOpen) context.fillRect(right - thin, top * scale, thin, high);
		const from = Math.max(0, left) + 7 * scale;
		if (right - from < context.measureText(number).width + 6 * scale) continue;
		context.fillStyle = look.ink;
		context.fillText(number, from, top * scale + high / 2 + 0.5 * scale);
	}
}

// The threshold, with its value at the right end.
function drawLevel({ context, scale, width, y }, { look, level }, lane) {
	const text = percent(level);
	context.font = `600 ${Math.round(11 * scale)}px ${look.font}`;
	const wide = context.measureText(text).width + 14 * scale;
	const top = Math.round(y(lane, level));
	context.fillStyle = look.threshold;
	const thick = Math.max(1, Math.round(1.5 * scale));
	for (let left = 0; left < width - wide - 4 * scale; left += 8 * scale) {
		context.fillRect(left, top - Math.floor(thick / 2), 5 * scale, thick);
	}
	const chip = new Path2D();
	chip.roundRect(width - wide, top - 9 * scale, wide, 18 * scale, 9 * scale);
	context.fill(chip);
	context.fillStyle = look["on-threshold"];
	context.textBaseline = "middle";
	context.fillText(text, width - wide + 7 * scale, top + 0.5 * scale);
}

// What leaves does so softly.
function drawFade({ context, scale }, { height }) {
	const wide = 28 * scale;
	const fade = context.createLinearGradient(0, 0, wide, 0);
	fade.addColorStop(0, "rgb(0 0 0 / 1)");
	fade.addColorStop(1, "rgb(0 0 0 / 0)");
	context.globalCompositeOperation = "destination-out";
	context.fillStyle = fade;
	context.fillRect(0, 0, wide, height * scale);
	context.globalCompositeOperation = "source-over";
}
