// What is played next: pure, in milliseconds of the recording. A span is [start, end].

export const MODES = ["whole", "speech", "pauses"];

// A timer comes a little early or late, and a seek may land beside its aim by a rounding.
const EARLY_MS = 1.5;
const BESIDE_MS = 5;

// The spans in order, with those that touch or overlap made one.
export function joined(spans) {
	const sorted = spans.filter(([start, end]) => end > start).sort((a, b) => a[0] - b[0]);
	const all = [];
	for (const [start, end] of sorted) {
		const last = all[all.length - 1];
		if (last && start <= last[1]) last[1] = Math.max(last[1], end);
		else all.push([start, end]);
	}
	return all;
}

// What lies between joined spans, from 0 to the end.
export function between(spans, duration) {
	const all = [];
	let from = 0;
	for (const [start, end] of spans) {
		if (start > from) all.push([from, Math.min(start, duration)]);
		from = Math.max(from, end);
	}
	if (duration > from) all.push([from, duration]);
	return all.filter(([start, end]) => end > start);
}

// The spans of a mode. `tracks` is a list of lists of rows that begin with start and end.
export function spansOf(mode, tracks, duration) {
	if (mode === "whole") return duration > 0 ? [[0, duration]] : [];
	const speech = joined(tracks.flat().map(([start, end]) => [start, Math.min(end, duration)]));
	return mode === "speech" ? speech : between(speech, duration);
}

// The first of sorted, apart spans that ends after `at`; their number if there is none.
export function firstAfter(spans, at) {
	let low = 0;
	let high = spans.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (spans[middle][1] > at) high = middle;
		else low = middle + 1;
	}
	return low;
}

// What a player at `at` does: {until} = play on to there, {jump} = go there, {stop} = end there.
export function step(spans, at, loops) {
	if (!spans.length) return { stop: at };
	const index = firstAfter(spans, at + EARLY_MS);
	if (index === spans.length) {
		return loops ? { jump: spans[0][0] } : { stop: spans[spans.length - 1][1] };
	}
	const [start, end] = spans[index];
	return start <= at + BESIDE_MS ? { until: end } : { jump: start };
}

// The row that a key goes to: from the selected one, or from the playhead where none is.
export function neighbour(rows, selected, at, direction) {
	if (!rows.length) return -1;
	if (selected >= 0) return Math.min(Math.max(selected + direction, 0), rows.length - 1);
	if (direction > 0) {
		const next = rows.findIndex(([start]) => start >= at);
		return next < 0 ? rows.length - 1 : next;
	}
	const before = rows.findIndex(([start]) => start >= at);
	return Math.max(0, (before < 0 ? rows.length : before) - 1);
}

// Where a row is after the rows have changed: the one with most of the old one's time, or -1.
export function sameRow(rows, [start, end]) {
	let best = -1;
	let most = 0;
	for (let i = firstAfter(rows, start); i < rows.length && rows[i][0] < end; i++) {
		const shared = Math.min(rows[i][1], end) - Math.max(rows[i][0], start);
		if (shared > most) [best, most] = [i, shared];
	}
	return best;
}

// What has become of a span after the tracks have changed: if it was a row, that row now.
export function sameSpan(before, after, span) {
	const track = before.findIndex((rows) => rows.some(([start, end]) => start === span[0] && end === span[1]));
	const index = after[track] ? sameRow(after[track], span) : -1;
	return index < 0 ? span : after[track][index].slice(0, 2);
}
