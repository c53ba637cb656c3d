// What a pointer, a wheel and keys do on the lanes; and the card beside the pointer.

import { panned, span, toMs, zoomed } from "./axis.js";
import { watchGestures } from "./gestures.js";
import { hitTest } from "./hit.js";
import { actionOf } from "./keys.js";
import { rowAt } from "./lookup.js";
import {
	frequencyText,
	levelText,
	probabilityText,
	Readout,
	segmentLines,
	timeText,
} from "./readout.js";
import { frequencyAt } from "./spectrogram.js";

const MOUSE_REACH_PX = 5;
const FINGER_REACH_PX = 14;
const ZOOM_PER_PX = 0.004;

export const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

export class Hand {
	isHolding = false;
	pointer = null;

	constructor(view, tools, { card, hair }) {
		this.view = view;
		this.others = tools;
		this.readout = new Readout(card);
		this.hair = hair;
		this.own = [view.threshold.tool, this.panTool()];
		watchGestures(view.stage, this);
	}

	get tools() {
		return [...this.others, ...this.own];
	}

	place(event) {
		const { view } = this;
		const bounds = view.stage.getBoundingClientRect();
		const x = event.clientX - bounds.left;
		const y = event.clientY - bounds.top;
		const reach = event.pointerType === "touch" ? FINGER_REACH_PX : MOUSE_REACH_PX;
		const nothing = { kind: "lane", index: -1, side: null, track: 0 };
		const hit = hitTest(view.layout, view.scene, { x, y }, reach) || nothing;
		return { ms: this.timeAt(event.clientX), x, y, hit };
	}

	timeAt(clientX) {
		const { view } = this;
		return toMs(view.range, view.width, clientX - view.stage.getBoundingClientRect().left);
	}

	press(event) {
		if (!this.view.result) return null;
		const place = this.place(event);
		this.view.stage.focus({ preventScroll: true });
		for (const tool of this.tools) {
			const grip = tool.press(place, event);
			if (!grip) continue;
			this.isHolding = true;
			return {
				move: (next) => {
					this.hover(next);
					grip.move(this.place(next), next);
				},
				drop: (next, isClick) => {
					this.isHolding = false;
					grip.drop(this.place(next), next, isClick);
				},
				cancel: (next) => {
					this.isHolding = false;
					if (grip.cancel) grip.cancel();
					else grip.drop(this.place(next), next, false);
				},
			};
		}
		return null;
	}

	// Without a tool a hand moves the range, or clicks.
	panTool() {
		const { view } = this;
		return {
			cursor: ({ hit }) => (hit.lane === "strip" && hit.index >= 0 ? "pointer" : ""),
			press: (place) => {
				const held = view.range;
				const perPixel = span(held) / view.width;
				return {
					move: ({ x }) => {
						view.stage.classList.add("is-panning");
						view.setRange(panned(held, (place.x - x) * perPixel, view.duration));
					},
					drop: (_, event, isClick) => {
						view.stage.classList.remove("is-panning");
						if (isClick) this.click(place);
					},
				};
			},
		};
	}

	// A segment's bar is played, elsewhere the playhead is set.
	click({ ms, hit }) {
		const { view } = this;
		const rows = view.tracks[hit.track].rows;
		const index = hit.kind === "ruler" ? -1 : rowAt(rows, ms);
		if (index >= 0) {
			const [start_ms, end_ms] = rows[index];
			tell("vad:select", { index, track: hit.track, from: "view" });
			if (hit.lane === "strip") {
				tell("vad:play", { start_ms, end_ms });
				return;
			}
		}
		tell("vad:seek", Math.min(view.duration, Math.max(0, ms)));
	}

	// The segment is shown from its start to its end.
	clickTwice(event) {
		const { view } = this;
		if (!view.result) return;
		const { ms, hit } = this.place(event);
		const { rows } = view.tracks[hit.track];
		const row = rows[rowAt(rows, ms)];
		if (row && hit.kind !== "ruler") view.showSpan(row[0], row[1]);
	}

	pinchStart([a, b]) {
		this.pinched = [this.timeAt(Math.min(a, b)), this.timeAt(Math.max(a, b))];
	}

	// The times under the fingers stay under them.
	pinch([a, b]) {
		const { view } = this;
		const { left } = view.stage.getBoundingClientRect();
		const [from, to] = this.pinched;
		const perPixel = (to - from) / Math.max(12, Math.abs(b - a));
		const start = from - (Math.min(a, b) - left) * perPixel;
		view.setRange({ start, end: start + view.width * perPixel });
	}

	// With Ctrl it zooms, sideways or with Shift it moves; else the page scrolls as ever.
	wheel(event, { x, y }) {
		const { view } = this;
		if (!view.result) return false;
		if (event.ctrlKey || event.metaKey) {
			view.setRange(zoomed(view.range, Math.exp(y * ZOOM_PER_PX), this.timeAt(event.clientX), view.duration));
			return true;
		}
		const sideways = event.shiftKey ? x || y : Math.abs(x) > Math.abs(y) ? x : 0;
		if (!sideways) {
			view.hint();
			return false;
		}
		view.pan(sideways / view.width);
		return true;
	}

	hover(event) {
		if (!this.view.result) return;
		this.pointer = event;
		this.view.wantPoint();
	}

	leave() {
		this.pointer = null;
		this.hide();
	}

	hide() {
		this.readout.hide();
		this.hair.hidden = true;
	}

	// The hairline and the card at the pointer, if there is one.
	point() {
		if (!this.pointer) return;
		const { view } = this;
		const place = this.place(this.pointer);
		const { ms, x, y, hit } = place;
		let cursor = "";
		for (const tool of this.tools) cursor ||= tool.cursor(place);
		view.stage.style.cursor = cursor;
		if (x < 0 || x > view.width || y < 0 || y > view.layout.height || ms > view.duration) {
			this.hide();
			return;
		}
		this.hair.hidden = false;
		this.hair.style.transform = `translateX(${x}px)`;
		const { lines, isCut } = this.describe(place);
		this.readout.show(lines, { x, isAbove: y < view.layout.height / 2 }, view.width, isCut);
	}

	describe({ ms, x, y, hit }) {
		const { view } = this;
		const { words } = view;
		const lines = [timeText(ms, view.range, view.width, view.duration)];
		const { columns } = view.layers[hit.track];
		const pixel = columns ? Math.min(columns.width - 1, Math.floor(x * view.scale)) : 0;
		if (columns && columns.known[pixel]) {
			const { low, high, least, most, mean } = columns;
			lines[0] += ` · ${levelText(words, low[pixel], high[pixel])}`;
			lines.push(probabilityText(words, least[pixel], most[pixel], mean[pixel]));
		}
		if (hit.lane === "spectrogram") {
			const { top, bottom } = view.layout.tracks[hit.track].spectrogram;
			lines[0] += ` · ${frequencyText(frequencyAt((bottom - y) / (bottom - top)))}`;
		}
		const { rows } = view.tracks[hit.track];
		const index = hit.kind === "edge" ? hit.index : rowAt(rows, ms);
		if (index < 0) return { lines, isCut: false };
		// What was edited by hand keeps the options that it began from.
		const { base, starts, rows: found } = view.result.tracks[hit.track];
		const options = base || view.result.options;
		const detected = starts || found.map(([start]) => start);
		lines.push(...segmentLines(words, rows, index, { options, detected, duration: view.duration }));
		return { lines, isCut: rows[index][3] === "max_length" };
	}
}

const EVERYWHERE = { "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", 0: "showAll" };
const HERE = {
	ArrowLeft: -0.15,
	ArrowRight: 0.15,
	PageUp: -0.9,
	PageDown: 0.9,
	Home: -Infinity,
	End: Infinity,
};

export function watchKeys(view) {
	document.addEventListener("keydown", (event) => {
		const action = view.result ? actionOf(event, EVERYWHERE) : "";
		if (!action) return;
		view[action]();
		event.preventDefault();
	});
	view.stage.addEventListener("keydown", (event) => {
		const share = event.target === view.stage && view.result ? actionOf(event, HERE) : "";
		if (!share) return;
		view.pan(share);
		event.preventDefault();
	});
}
