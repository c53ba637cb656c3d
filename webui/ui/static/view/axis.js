// The time axis, pure: what is visible, where a time lies, which ticks are drawn.
//
// A range is {start, end} in ms, within [0, duration]. Ticks and their labels are those
// of webui/plots/axis.py; tests/golden/axis.json holds both to the same.

export const SHORTEST_MS = 200;
const STEPS_S = [
	0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
	10800, 21600, 43200, 86400,
];
const PIXELS_PER_TICK = 84;

export const whole = (duration) => ({ start: 0, end: Math.max(1, duration) });
export const span = (range) => range.end - range.start;
export const toX = (range, width, ms) => ((ms - range.start) / span(range)) * width;
export const toMs = (range, width, x) => range.start + (x / width) * span(range);

// The range as it is, or moved and shortened so that it lies within the recording.
export function within(range, duration) {
	const longest = Math.max(1, duration);
	const length = Math.min(longest, Math.max(Math.min(SHORTEST_MS, longest), span(range)));
	const start = Math.min(Math.max(0, range.start), longest - length);
	return { start, end: start + length };
}

// A factor below 1 shows less; the time `at` stays where it is.
export function zoomed(range, factor, at, duration) {
	const longest = Math.max(1, duration);
	const length = Math.min(
		longest,
		Math.max(Math.min(SHORTEST_MS, longest), span(range) * factor),
	);
	const share = (at - range.start) / span(range);
	const start = at - share * length;
	return within({ start, end: start + length }, duration);
}

export function panned(range, ms, duration) {
	return within({ start: range.start + ms, end: range.end + ms }, duration);
}

// The range that shows start to end: moved if they are out of sight, wider only if they are.
export function revealing(range, start, end, duration) {
	const room = span(range);
	if (end - start > room * 0.98) {
		const margin = (end - start) * 0.08;
		return within({ start: start - margin, end: end + margin }, duration);
	}
	const margin = Math.min(room * 0.06, (room - (end - start)) / 2);
	if (start < range.start) return panned(range, start - margin - range.start, duration);
	if (end > range.end) return panned(range, end + margin - range.end, duration);
	return range;
}

// The distance between ticks, in seconds, so that their labels do not touch.
export function tickStep(seconds, pixels) {
	const wanted = seconds / Math.max(2, pixels / PIXELS_PER_TICK);
	return STEPS_S.find((step) => step >= wanted) ?? STEPS_S.at(-1);
}

// A time for an axis: "2.5 s" below a minute, else "1:30" or "1:02:30".
export function clock(seconds, step = 1, longest = seconds) {
	const decimals = step < 1 ? Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) : 0;
	if (longest < 60) return `${seconds.toFixed(decimals)} s`;
	const scale = 10 ** decimals;
	const units = Math.round(seconds * scale);
	const fraction = decimals ? `.${String(units % scale).padStart(decimals, "0")}` : "";
	const all = Math.floor(units / scale);
	const two = (number) => String(number).padStart(2, "0");
	const [hours, minutes, second] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
	if (longest < 3600) return `${minutes + 60 * hours}:${two(second)}${fraction}`;
	return `${hours}:${two(minutes)}:${two(second)}${fraction}`;
}

// All ticks of a range: [{ms, label}], labels alike for the whole recording.
export function ticks(range, width, duration) {
	const step = tickStep(span(range) / 1000, width);
	const made = [];
	const first = Math.ceil(range.start / 1000 / step - 1e-9);
	const last = Math.floor(range.end / 1000 / step + 1e-9);
	for (let number = first; number <= last; number++) {
		const seconds = number * step;
		made.push({ ms: seconds * 1000, label: clock(seconds, step, duration / 1000) });
	}
	return made;
}
