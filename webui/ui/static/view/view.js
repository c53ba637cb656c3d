// The view: lanes on one time axis, drawn on a canvas. `view` is the one on the page;
// other parts add to `tools` and talk to it through events on the document.

import { panned, revealing, span, toX, whole, within, zoomed } from "./axis.js";
import { drawLanes, drawOverview, readLook } from "./draw.js";
import { Hand, tell, watchKeys } from "./hand.js";
import { layOut } from "./hit.js";
import { overviewPlace, watchOverview } from "./overview.js";
import { newColumns, Pyramid } from "./pyramid.js";
import { Threshold } from "./threshold.js";

// A tool takes what is pressed: {cursor(place) -> css cursor or "", press(place, event) ->
// null | {move(place, event), drop(place, event, isClick), cancel()}}, place = {ms, x, y, hit}.
// The first that does not answer null has it; without `cancel`, what is broken off is dropped.
export const tools = [];

const NARROW_PX = 560;
const STEP = 1.6;
// The loudest sample fills its lane, so that quiet recordings can be seen; what is quieter
// than this is not blown up to look like speech.
const QUIETEST = 0.02;
const DRAWN_MS = 2000;
const FOLLOW_SHARE = 0.06;

class View {
	result = null;
	range = whole(1);
	// Rows that are drawn in place of a track's while a hand moves: a list of them for the
	// first track, or {track, rows}; null for none.
	draft = null;
	selected = { index: -1, track: 0 };
	playhead = null;
	// What paints the lanes of this name, null for no such lanes.
	spectrogram = null;
	layers = [];
	duration = 0;
	// Settled once the lanes of a recording are drawn; soon in any case, for who waits.
	drawn = this.newDrawing();

	// `box` holds the lanes (see result.html), `words` are texts for the card.
	attach(box, { words }) {
		const find = (selector) => box.querySelector(selector);
		this.box = box;
		this.words = words;
		this.stage = find(".vad-stage");
		this.lanes = find(".vad-lanes");
		this.overview = find(".vad-overview canvas");
		this.window = find(".vad-window");
		this.head = find(".vad-playhead");
		this.captions = find(".vad-captions");
		this.spanText = find(".vad-span");
		this.context = this.lanes.getContext("2d");
		this.overviewContext = this.overview.getContext("2d");
		this.threshold = new Threshold(find(".vad-threshold"), this);
		this.hand = new Hand(this, tools, { card: find(".vad-readout"), hair: find(".vad-hair") });
		find(".vad-wheel-hint span").textContent = words.wheel;
		watchOverview(find(".vad-overview"), this);
		watchKeys(this);
		this.watchEvents();
		this.watchLook();
		this.resize();
	}

	// A new value of the component "result".
	show(result) {
		const before = this.result;
		this.result = result;
		this.duration = result.duration_ms;
		this.draft = null;
		const isSame = before && before.id === result.id && before.version === result.version;
		if (!isSame) {
			this.layers.forEach((layer) => layer.pyramid.close());
			this.layers = result.tracks.map((_, track) => this.newLayer(track));
			this.range = whole(this.duration);
			this.selected = { index: -1, track: 0 };
			this.drawn = this.newDrawing();
			this.playhead = null;
			this.head.hidden = true;
			this.rangeChanged();
		}
		this.rows = result.tracks.map((track) => track.rows);
		const chosen = this.rows[this.selected.track];
		if (!chosen || this.selected.index >= chosen.length) this.selected = { index: -1, track: 0 };
		this.threshold.show(result);
		this.lay();
		this.isOverviewOld = true;
		this.redraw();
	}

	newDrawing() {
		return new Promise((done) => {
			this.tellDrawn = done;
			setTimeout(done, DRAWN_MS);
		});
	}

	newLayer(track) {
		const { tiles_url, version, columns } = this.result;
		const load = async (level, index) => {
			const address = `${tiles_url}tiles/${version}/${track}/${level}/${index}`;
			const answer = await fetch(new URL(address, document.baseURI));
			if (!answer.ok) throw new Error(answer.status);
			return answer.arrayBuffer();
		};
		const layer = { isOld: true };
		layer.spectrogram = (...place) => this.spectrogram.paint(track, ...place);
		layer.pyramid = new Pyramid(columns, load, () => {
			layer.isOld = true;
			this.isOverviewOld = true;
			this.redraw();
		});
		return layer;
	}

	get width() {
		return this.layout ? this.layout.width : 0;
	}

	get tracks() {
		const draft = Array.isArray(this.draft) ? { track: 0, rows: this.draft } : this.draft;
		return this.rows.map((rows, track) => ({
			rows: draft && draft.track === track ? draft.rows : rows,
			columns: this.layers[track].columns,
			spectrogram: this.layers[track].spectrogram,
			kept: this.result.kept ? this.result.kept.tracks[track] : null,
		}));
	}

	get scene() {
		return {
			range: this.range,
			duration: this.duration,
			tracks: this.tracks,
			overlap: this.result.overlap || [],
			level: this.threshold.level,
			selected: this.selected,
			look: this.look,
			loudest: Math.max(QUIETEST, ...this.layers.map(({ pyramid }) => pyramid.loudest)),
		};
	}

	// Sizes and places, after the width or what is shown has changed.
	resize() {
		const width = this.stage.clientWidth;
		if (!width) return;
		this.scale = window.devicePixelRatio || 1;
		this.stageWidth = width;
		this.lay();
		this.redraw();
	}

	lay() {
		// Hidden, it has no size; it is laid out once it is shown.
		if (!this.result || !this.stageWidth || !this.stage.clientWidth) return;
		const layout = layOut(this.stageWidth, {
			narrow: this.stageWidth < NARROW_PX,
			tracks: this.result.tracks.length,
			spectrogram: Boolean(this.spectrogram),
			kept: Boolean(this.result.kept),
		});
		const pixels = Math.round(layout.width * this.scale);
		const isSame = this.layout && this.layout.height === layout.height && this.lanes.width === pixels;
		this.layout = layout;
		this.threshold.place();
		if (isSame && this.captions.childElementCount) return;
		this.lanes.width = pixels;
		this.lanes.height = Math.round(layout.height * this.scale);
		this.stage.style.height = `${layout.height}px`;
		this.overview.width = pixels;
		this.overview.height = Math.round(this.overview.clientHeight * this.scale);
		for (const layer of this.layers) Object.assign(layer, { columns: null, whole: null, isOld: true });
		this.isOverviewOld = true;
		this.caption();
	}

	// What each lane is, above it.
	caption() {
		const { captions } = this.words;
		const made = [];
		this.layout.tracks.forEach((lanes, track) => {
			for (const name of ["wave", "kept", "spectrogram", "probability"]) {
				if (!lanes[name]) continue;
				const node = document.createElement("span");
				const own = name === "kept" ? this.result.kept.name : captions[name];
				const { name: channel } = this.result.tracks[track];
				node.textContent =
					name !== "kept" && this.result.tracks.length > 1 ? `${channel} · ${own}` : own;
				node.className = `is-${name}`;
				node.style.top = `${lanes[name].top}px`;
				made.push(node);
			}
		});
		this.captions.replaceChildren(...made);
	}

	// Only the card at the pointer is old.
	wantPoint() {
		this.pointRequest ||= requestAnimationFrame(() => {
			this.pointRequest = 0;
			if (!this.request && this.layout) this.hand.point();
		});
	}

	redraw() {
		this.request ||= requestAnimationFrame(() => {
			this.request = 0;
			this.frame();
		});
	}

	frame() {
		if (!this.result || !this.layout || !this.lanes.width || !this.stage.clientWidth) return;
		this.look ||= readLook(this.box);
		const width = this.lanes.width;
		for (const layer of this.layers) {
			if (!layer.columns) {
				layer.columns = newColumns(width);
				layer.isOld = true;
			}
			if (layer.isOld || layer.filled !== this.range) {
				layer.pyramid.want(this.range, span(this.range) / width);
				layer.pyramid.fill(this.range, layer.columns);
				layer.filled = this.range;
				layer.isOld = false;
			}
		}
		drawLanes(this.context, this.scene, this.layout, this.scale);
		if (this.isOverviewOld) this.drawOverview();
		overviewPlace(this.window, this);
		this.placeHead();
		this.spanText.textContent = this.words.span(this.range, this.duration);
		this.hand.point();
		if (this.layers.every(({ columns }) => columns.known[0])) this.tellDrawn();
	}

	drawOverview() {
		for (const layer of this.layers) {
			layer.whole ||= newColumns(this.overview.width);
			layer.pyramid.fill(whole(this.duration), layer.whole);
		}
		drawOverview(this.overviewContext, this.scene, this.layers.map((layer) => layer.whole));
		this.isOverviewOld = false;
	}

	// The visible range.
	setRange(range) {
		const next = within(range, this.duration);
		if (next.start === this.range.start && next.end === this.range.end) return;
		this.range = next;
		this.rangeChanged();
		this.redraw();
	}

	rangeChanged() {
		tell("vad:range", { start_ms: this.range.start, end_ms: this.range.end });
	}

	zoom(factor, at = (this.range.start + this.range.end) / 2) {
		this.setRange(zoomed(this.range, factor, at, this.duration));
	}

	zoomIn = () => this.zoom(1 / STEP);
	zoomOut = () => this.zoom(STEP);
	showAll = () => this.setRange(whole(this.duration));
	pan = (share) => {
		const far = Math.min(this.duration, Math.max(-this.duration, share * span(this.range)));
		this.setRange(panned(this.range, far, this.duration));
	};
	// One span with a little before and after it.
	showSpan(start, end) {
		const margin = (end - start) * 0.1;
		this.setRange({ start: start - margin, end: end + margin });
	}

	// Say how to zoom, to whoever turns the wheel here.
	hint() {
		this.box.classList.add("is-hinting");
		clearTimeout(this.hintTimer);
		this.hintTimer = setTimeout(() => this.box.classList.remove("is-hinting"), 1600);
	}

	reveal = (start, end) => this.setRange(revealing(this.range, start, end, this.duration));

	placeHead() {
		this.head.hidden = this.playhead === null;
		if (this.playhead === null) return;
		const x = toX(this.range, this.width, this.playhead);
		this.head.style.transform = `translateX(${x}px)`;
		this.head.classList.toggle("is-out", x < 0 || x > this.width);
		const share = this.playhead / Math.max(1, this.duration);
		this.window.parentElement.style.setProperty("--head", `${share * 100}%`);
	}

	// The playhead has moved; while it runs out of sight the lanes go on with it.
	follow(ms) {
		const before = this.playhead;
		this.playhead = ms;
		const runs = before !== null && ms > before && ms - before < 1000;
		if (runs && !this.hand.isHolding && before <= this.range.end && ms > this.range.end) {
			this.setRange(panned(this.range, ms - this.range.start - span(this.range) * FOLLOW_SHARE, this.duration));
		}
		this.placeHead();
	}

	select({ index, track = 0 }) {
		this.selected = { index, track };
		this.redraw();
	}

	watchEvents() {
		const on = (name, handle) =>
			document.addEventListener(name, ({ detail }) => this.result && handle(detail));
		on("vad:time", (ms) => this.follow(ms));
		on("vad:select", (detail) => this.select(detail));
		on("vad:show", ({ start_ms, end_ms }) => this.reveal(start_ms, end_ms));
		on("vad:edited", ({ rows, track = 0 }) => this.setRows(rows, track));
		on("vad:detected", () =>
			this.result.tracks.forEach(({ rows }, track) => this.setRows(rows, track)),
		);
	}

	// Other rows than those of the result.
	setRows(rows, track) {
		this.draft = null;
		this.rows[track] = rows;
		if (this.selected.track === track && this.selected.index >= rows.length) this.selected.index = -1;
		this.isOverviewOld = true;
		this.redraw();
	}

	watchLook() {
		new ResizeObserver(() => this.resize()).observe(this.stage);
		const renew = () => {
			this.look = null;
			this.isOverviewOld = true;
			this.resize();
			this.redraw();
		};
		for (const node of [document.documentElement, document.body]) {
			new MutationObserver(renew).observe(node, { attributes: true, attributeFilter: ["class"] });
		}
		// Another screen, or another zoom of the browser.
		const watchScale = () => {
			const query = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
			query.addEventListener("change", () => (renew(), watchScale()), { once: true });
		};
		watchScale();
	}
}

export const view = new View();
