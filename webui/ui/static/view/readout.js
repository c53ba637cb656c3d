// What the pointer is over, in words: a small card beside it.

import { clock, span } from "./axis.js";
import { fill } from "./text.js";

const seconds = (ms) => String(Math.round(ms) / 1000);

// Time with as many decimals as the scale can tell apart.
export function timeText(ms, range, width, duration) {
	const perPixel = span(range) / width;
	const step = perPixel < 5 ? 0.001 : perPixel < 50 ? 0.01 : perPixel < 500 ? 0.1 : 1;
	return clock(ms / 1000, step, duration / 1000);
}

export function levelText(words, low, high) {
	const peak = Math.max(Math.abs(low), Math.abs(high));
	if (peak < 1e-4) return words.quiet;
	return fill(words.level, { db: (20 * Math.log10(peak)).toFixed(0).replace("-", "−") });
}

export function frequencyText(hz) {
	return hz < 995 ? `${Math.round(hz / 10) * 10} Hz` : `${(hz / 1000).toFixed(1)} kHz`;
}

export function probabilityText(words, least, most, mean) {
	const percent = (share) => `${Math.round(share * 100)}%`;
	const text = fill(words.probability, { share: percent(mean) });
	return most - least > 0.02 ? `${text} (${percent(least)} – ${percent(most)})` : text;
}

// Why a segment ends where it does, and what was put after that.
export function endText(words, rows, index, options, duration) {
	const [, end, , reason] = rows[index];
	if (reason === "by_hand") return words.by_hand;
	const after = index + 1 < rows.length ? rows[index + 1][0] : Infinity;
	const { pad_end_ms: pad, clamp_to_audio: isClamped } = options;
	// Neighbours that meet and the end of the recording leave no room for all of it.
	const isPadded = pad > 0 && end < after && !(isClamped && end >= duration);
	const text = reasonText(words, reason, options) + (isPadded ? fill(words.padding, { ms: pad }) : "");
	// How long the silence was that the table asked for is not known, but what came of it is.
	const isOpen = reason === "silence" && options.dynamic_silence && end < after && after < Infinity;
	return isOpen ? text + fill(words.pause_after, { s: seconds(after - end) }) : text;
}

function reasonText(words, reason, options) {
	if (reason === "max_length") {
		const text = options.split_capped ? words.end_split : words.end_max_length;
		return fill(text, { s: seconds(options.max_single_segment_time) });
	}
	if (reason !== "silence") return words.end_of_audio;
	if (options.dynamic_silence) return words.end_silence_any;
	return fill(words.end_silence, { ms: options.max_end_silence_time });
}

// How the start was placed: moved back, if what is before leaves room for it. `detected` are
// the starts that were found, in place of which a person may have put others.
export function startText(words, rows, index, options, detected) {
	const [start, , , , edited] = rows[index];
	if (edited && !detected.includes(start)) return words.start_by_hand;
	const before = index ? rows[index - 1][1] : 0;
	if (start <= before) return index ? words.start_after : words.start_first;
	const { window_size_ms: window, lookback_time_start_point: lookback } = options;
	const text = fill(words.start_back, { ms: window + lookback, window, lookback });
	return options.pad_start_ms ? text + fill(words.padding, { ms: options.pad_start_ms }) : text;
}

export function segmentLines(words, rows, index, { options, detected, duration }) {
	const row = rows[index];
	const time = (ms) => clock(ms / 1000, 0.01, duration / 1000);
	const head = fill(words.segment, {
		number: index + 1,
		start: time(row[0]),
		end: time(row[1]),
		s: ((row[1] - row[0]) / 1000).toFixed(2),
	});
	const start = startText(words, rows, index, options, detected);
	return [head, start, endText(words, rows, index, options, duration)];
}

// The card; beside the pointer, within the lanes, and in the half of them where the pointer is not.
export class Readout {
	constructor(card) {
		this.card = card;
		this.shown = "";
	}

	hide() {
		this.card.hidden = true;
	}

	show(lines, { x, isAbove }, width, isCut) {
		const text = lines.join("\n");
		if (text !== this.shown) {
			this.shown = text;
			this.card.replaceChildren(
				...lines.map((line) => {
					const node = document.createElement("p");
					node.textContent = line;
					return node;
				}),
			);
			this.card.classList.toggle("is-cut", isCut);
			this.size = 0;
		}
		this.card.hidden = false;
		this.card.classList.toggle("is-below", isAbove);
		this.size ||= this.card.offsetWidth;
		const left = x + 14 + this.size > width ? x - 14 - this.size : x + 14;
		this.card.style.transform = `translateX(${Math.max(0, Math.min(width - this.size, left))}px)`;
	}
}
