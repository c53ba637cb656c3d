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

// Why a segment ends where it does.
export function endText(words, row, options) {
	const reason = row[3];
	if (reason === "silence") {
		if (options.dynamic_silence) return words.end_silence_any;
		return fill(words.end_silence, { ms: options.max_end_silence_time });
	}
	if (reason === "max_length") {
		return fill(words.end_max_length, { s: seconds(options.max_single_segment_time) });
	}
	return reason === "by_hand" ? words.by_hand : words.end_of_audio;
}

// How the start was placed: moved back, if what is before leaves room for it.
export function startText(words, rows, index, options) {
	const [start, , , , edited] = rows[index];
	if (edited) return words.start_by_hand;
	const before = index ? rows[index - 1][1] : 0;
	if (start <= before) return index ? words.start_after : words.start_first;
	const { window_size_ms: window, lookback_time_start_point: lookback } = options;
	const text = fill(words.start_back, { ms: window + lookback, window, lookback });
	return options.pad_start_ms ? text + fill(words.padding, { ms: options.pad_start_ms }) : text;
}

export function segmentLines(words, rows, index, options, duration) {
	const row = rows[index];
	const time = (ms) => clock(ms / 1000, 0.01, duration / 1000);
	const head = fill(words.segment, {
		number: index + 1,
		start: time(row[0]),
		end: time(row[1]),
		s: ((row[1] - row[0]) / 1000).toFixed(2),
	});
	return [head, startText(words, rows, index, options), endText(words, row, options)];
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
