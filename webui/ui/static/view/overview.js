// The strip of the whole recording: a window over what the lanes show, to move and to widen.
// By pointers alone, so it is hidden from screen readers: the keys of the lanes do the same.

import { span } from "./axis.js";

const EDGE_PX = 8;
const SMALLEST_PX = 10;

// Put the window where the range is; it stays wide enough to be taken.
export function overviewPlace(window, { range, duration, width }) {
	const wide = Math.max(SMALLEST_PX, (span(range) / duration) * width);
	const left = Math.min(width - wide, Math.max(0, (range.start / duration) * width));
	window.style.transform = `translateX(${left}px)`;
	window.style.width = `${wide}px`;
	window.hidden = span(range) >= duration;
}

export function watchOverview(strip, view) {
	let grip = null;
	const msAt = (event) => {
		const bounds = strip.getBoundingClientRect();
		return ((event.clientX - bounds.left) / bounds.width) * view.duration;
	};
	// Which part of the window a pointer is on: "start", "end", "middle", or "" beside it.
	const partAt = (event) => {
		const bounds = strip.getBoundingClientRect();
		const x = event.clientX - bounds.left;
		const left = (view.range.start / view.duration) * bounds.width;
		const right = (view.range.end / view.duration) * bounds.width;
		if (span(view.range) >= view.duration) return "";
		const reach = Math.min(EDGE_PX, Math.max(2, (right - left) / 4));
		if (Math.abs(x - left) <= reach) return "start";
		if (Math.abs(x - right) <= reach) return "end";
		return x > left && x < right ? "middle" : "";
	};
	const CURSORS = { start: "ew-resize", end: "ew-resize", middle: "grab", "": "pointer" };
	strip.addEventListener("pointerdown", (event) => {
		if (event.button > 0 || !view.result) return;
		strip.setPointerCapture(event.pointerId);
		const part = partAt(event);
		const ms = msAt(event);
		if (!part) {
			// Beside the window it comes to the pointer.
			const half = span(view.range) / 2;
			if (span(view.range) < view.duration) view.setRange({ start: ms - half, end: ms + half });
		}
		grip = { part: part || "middle", ms, range: view.range };
	});
	strip.addEventListener("pointermove", (event) => {
		if (!view.result) return;
		if (!grip) {
			strip.style.cursor = CURSORS[partAt(event)];
			return;
		}
		const moved = msAt(event) - grip.ms;
		const { start, end } = grip.range;
		if (grip.part === "middle") view.setRange({ start: start + moved, end: end + moved });
		else if (grip.part === "start") view.setRange({ start: Math.min(start + moved, end - 200), end });
		else view.setRange({ start, end: Math.max(end + moved, start + 200) });
	});
	const drop = () => (grip = null);
	strip.addEventListener("pointerup", drop);
	strip.addEventListener("pointercancel", drop);
	strip.addEventListener(
		"wheel",
		(event) => {
			if (!view.result || !(event.ctrlKey || event.metaKey)) return;
			view.zoom(Math.exp(event.deltaY * 0.004), msAt(event));
			event.preventDefault();
		},
		{ passive: false },
	);
}
