// The spectrogram of what is visible: pictures of aligned parts that the server draws (see
// webui/ui/spectrogram.py), asked for once the range rests, stretched to where they belong.

import { span, toX } from "./axis.js";
import { parseColour, ramp } from "./ramp.js";
import { fill } from "./text.js";

export const LONGEST_MS = 60_000;
export const BANDS = 80;
const HOP_MS = 10;
const LEVELS = 5;
const MOST_COLUMNS = 1024;
const MOST_PART_MS = 40_960;

const REST_MS = 160;
const AT_ONCE = 2;
const KEPT_PARTS = 48; // 0.4 MB each

export const columnMs = (level) => HOP_MS * 2 ** level;
export const partMs = (level) => Math.min(MOST_PART_MS, columnMs(level) * MOST_COLUMNS);

// The coarsest level whose columns are no wider than a pixel; level 0 if all are wider.
export function chooseLevel(msPerPixel) {
	let level = 0;
	while (level + 1 < LEVELS && columnMs(level + 1) <= msPerPixel) level++;
	return level;
}

// The parts that a range shows: [{level, index, start, end, columns}], in ms, in order.
export function partsOf(range, width, duration) {
	const level = chooseLevel(span(range) / width);
	const length = partMs(level);
	const parts = [];
	const end = Math.min(range.end, duration);
	for (let index = Math.floor(Math.max(0, range.start) / length); index * length < end; index++) {
		parts.push({
			level,
			index,
			start: index * length,
			end: (index + 1) * length,
			columns: length / columnMs(level),
		});
	}
	return parts;
}

// Frequency at a height of the lane, 0 to 1, in Hz: Kaldi's mel scale from 20 Hz to 8 kHz.
export function frequencyAt(share) {
	const mel = (hz) => 1127 * Math.log(1 + hz / 700);
	const [low, high] = [mel(20), mel(8000)];
	return 700 * (Math.exp((low + share * (high - low)) / 1127) - 1);
}

const keyOf = (track, { level, index }) => `${track}/${level}/${index}`;

export class Spectrogram {
	// `button` turns it on and off; `notes` is the element over the lanes for what is to be
	// said in place of a picture.
	constructor(view, { button, notes, language, words }) {
		Object.assign(this, { view, button, notes, language, words });
		this.forget();
		button.addEventListener("click", () => this.toggle());
	}

	get isOn() {
		return this.view.spectrogram === this;
	}

	toggle() {
		this.view.spectrogram = this.isOn ? null : this;
		this.button.setAttribute("aria-pressed", String(this.isOn));
		if (!this.isOn) this.forget();
		this.view.lay();
		this.view.redraw();
	}

	// Nothing is known any more, and nobody waits for what is on its way.
	forget() {
		clearTimeout(this.timer);
		for (const control of this.coming?.values() ?? []) control.abort();
		this.notes.replaceChildren();
		this.name = "";
		this.parts = new Map();
		this.coming = new Map();
		this.failed = new Map();
		this.wanted = new Map();
		this.asked = "";
	}

	// Paint the lane of a track: `box` in device pixels, as wide as the canvas.
	paint(track, context, range, box, width) {
		const { result, duration, look } = this.view;
		const name = `${result.id}/${result.version}`;
		if (name !== this.name) {
			this.forget();
			this.name = name;
		}
		this.renewColours(look.card);
		const isLong = span(range) > LONGEST_MS + 1;
		const parts = isLong ? [] : partsOf(range, width, duration);
		const missing = parts.filter((part) => !this.parts.has(keyOf(track, part)));
		const drawn = isLong ? 0 : this.paintKept(track, context, range, box, width, parts[0].level);
		this.want(track, missing);
		const failure = missing.map((part) => this.failed.get(keyOf(track, part))).find(Boolean);
		if (isLong) this.say(track, fill(this.words.zoom, { s: LONGEST_MS / 1000 }));
		else this.say(track, failure || (drawn ? "" : this.words.wait), Boolean(failure));
	}

	// Paint what is here, what fits the scale best last; how many pictures there were.
	paintKept(track, context, range, box, width, level) {
		const isVisible = (part) =>
			part.track === track && part.end > range.start && part.start < range.end;
		const far = ([, part]) => Math.abs(part.level - level);
		const visible = [...this.parts].filter(([, part]) => isVisible(part));
		visible.sort((a, b) => far(b) - far(a));
		context.imageSmoothingEnabled = true;
		for (const [key, part] of visible) {
			// The latest used stays longest.
			this.parts.delete(key);
			this.parts.set(key, part);
			this.paintPart(part, context, range, box, width);
		}
		return visible.length;
	}

	paintPart(part, context, range, { top, height }, width) {
		const ms = columnMs(part.level);
		// A column more on each side, for the smoothing.
		const first = Math.max(0, Math.floor((range.start - part.start) / ms) - 1);
		const stop = Math.min(part.columns, Math.ceil((range.end - part.start) / ms) + 1);
		const left = Math.round(toX(range, width, part.start + first * ms));
		const right = Math.round(toX(range, width, part.start + stop * ms));
		if (stop <= first || right <= left) return;
		part.canvas ||= this.drawPart(part);
		context.drawImage(part.canvas, first, 0, stop - first, BANDS, left, top, right - left, height);
	}

	drawPart({ bytes, columns }) {
		const canvas = document.createElement("canvas");
		canvas.width = columns;
		canvas.height = BANDS;
		const image = new ImageData(columns, BANDS);
		const pixels = new Uint32Array(image.data.buffer);
		const colours = new Uint32Array(this.colours.buffer);
		for (let band = 0; band < BANDS; band++) {
			const row = (BANDS - 1 - band) * columns;
			for (let column = 0; column < columns; column++) {
				pixels[row + column] = colours[bytes[band * columns + column]];
			}
		}
		canvas.getContext("2d").putImageData(image, 0, 0);
		return canvas;
	}

	renewColours(card) {
		if (card === this.card) return;
		this.card = card;
		this.colours = ramp(parseColour(card));
		for (const part of this.parts.values()) part.canvas = null;
	}

	// What tracks lack; asked for when it has not changed for a moment.
	want(track, missing) {
		this.wanted.set(track, missing);
		const keys = [...this.wanted].flatMap(([of, parts]) => parts.map((part) => keyOf(of, part)));
		const asked = keys.join();
		if (asked === this.asked) return;
		this.asked = asked;
		clearTimeout(this.timer);
		if (!keys.length) return;
		this.timer = setTimeout(() => {
			// Something else is looked at now, and what failed may work this time.
			for (const [key, control] of this.coming) if (!keys.includes(key)) control.abort();
			this.failed.clear();
			this.pump();
		}, REST_MS);
	}

	pump() {
		for (const [track, parts] of this.wanted) {
			for (const part of parts) {
				const key = keyOf(track, part);
				if (this.coming.size >= AT_ONCE) return;
				if (this.coming.has(key) || this.parts.has(key) || this.failed.has(key)) continue;
				this.load(key, track, part);
			}
		}
	}

	async load(key, track, part) {
		const control = new AbortController();
		const { coming } = this;
		coming.set(key, control);
		try {
			const bytes = await this.fetch(track, part, control.signal);
			if (coming === this.coming) this.keep(key, { ...part, track, bytes, canvas: null });
		} catch (error) {
			if (!control.signal.aborted) this.failed.set(key, error.told || this.words.failed);
		}
		coming.delete(key);
		if (coming !== this.coming) return;
		this.view.redraw();
		this.pump();
	}

	async fetch(track, { start, end, columns }, signal) {
		const { tiles_url, version } = this.view.result;
		const query = new URLSearchParams({
			start_ms: start,
			end_ms: end,
			columns,
			language: this.language,
		});
		const address = `${tiles_url}spectrogram/${version}/${track}?${query}`;
		const answer = await fetch(new URL(address, document.baseURI), { signal });
		if (!answer.ok) throw Object.assign(new Error(answer.status), { told: await answer.text() });
		return new Uint8Array(await answer.arrayBuffer());
	}

	keep(key, part) {
		this.parts.set(key, part);
		if (this.parts.size > KEPT_PARTS) this.parts.delete(this.parts.keys().next().value);
	}

	// A line in the lane of a track; none for no text.
	say(track, text, isError = false) {
		const { notes, view } = this;
		while (notes.childElementCount <= track) notes.append(document.createElement("p"));
		const note = notes.children[track];
		const lane = view.layout.tracks[track].spectrogram;
		const place = `${lane.top}px / ${lane.bottom - lane.top}px`;
		if (note.textContent === text && note.dataset.place === place) return;
		note.dataset.place = place;
		note.style.top = `${lane.top}px`;
		note.style.height = `${lane.bottom - lane.top}px`;
		note.classList.toggle("is-error", isError);
		note.textContent = text;
	}
}
