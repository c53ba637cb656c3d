// The threshold line: dragged on the lanes, or its handle by pointer and keys.
//
// The handle is a slider of P(speech) - P(silence), as the option is; the line stands at the
// P(speech) that it means. With dynamic silence the table sets it, and the hand does not.

import { levelAt, thresholdY } from "./hit.js";
import { fill } from "./text.js";

const NAME = "speech_noise_thres";
const LOWEST = -1;
const HIGHEST = 1;
const ANSWER_MS = 1000;
const KEYS = {
	ArrowUp: (value) => value + 0.01,
	ArrowRight: (value) => value + 0.01,
	ArrowDown: (value) => value - 0.01,
	ArrowLeft: (value) => value - 0.01,
	PageUp: (value) => value + 0.1,
	PageDown: (value) => value - 0.1,
	Home: () => LOWEST,
	End: () => HIGHEST,
};

export const levelOf = (value) => (1 + value) / 2;
// In the steps of the option, without the dust of binary fractions.
export const valueOf = (level) => Math.round((2 * level - 1) * 100) / 100;
export const percent = (level) => `${(Math.round(level * 1000) / 10).toString()}%`;

export class Threshold {
	value = 0; // in force: with dynamic silence not the option's
	level = 0;
	isIdle = false; // the option has no effect
	held = null;
	movedAt = -Infinity;

	constructor(handle, view) {
		this.handle = handle;
		this.view = view;
		this.label = handle.querySelector("span");
		this.tool = {
			cursor: ({ hit }) => (hit.kind === "threshold" && !this.isIdle ? "ns-resize" : ""),
			press: ({ hit }, event) => {
				// A finger scrolls the page there; it takes the handle.
				const isFinger = event.pointerType === "touch";
				if (hit.kind !== "threshold" || isFinger || this.isIdle) return null;
				this.take(hit.track);
				return { move: ({ y }) => this.follow(y), drop: () => this.letGo() };
			},
		};
		this.listen();
	}

	listen() {
		const { handle, view } = this;
		handle.addEventListener("pointerdown", (event) => {
			event.stopPropagation();
			if (event.button > 0 || !view.result || this.isIdle) return;
			handle.setPointerCapture(event.pointerId);
			handle.focus({ preventScroll: true });
			this.take(0);
			event.preventDefault();
		});
		handle.addEventListener("pointermove", (event) => {
			event.stopPropagation();
			if (this.held) this.follow(event.clientY - view.stage.getBoundingClientRect().top);
		});
		for (const name of ["pointerup", "pointercancel"]) {
			handle.addEventListener(name, (event) => {
				this.letGo();
				event.stopPropagation();
			});
		}
		handle.addEventListener("keydown", (event) => {
			const key = KEYS[event.key];
			if (!key || !view.result || event.ctrlKey || event.metaKey || event.altKey) return;
			event.preventDefault();
			event.stopPropagation();
			this.move(key(this.value));
		});
	}

	take(track) {
		this.held = { track };
		this.handle.classList.add("is-held");
	}

	letGo() {
		this.held = null;
		this.handle.classList.remove("is-held");
	}

	follow(y) {
		if (!this.held) return;
		this.move(valueOf(levelAt(this.view.layout.tracks[this.held.track].probability, y)));
	}

	// The line is where the hand is at once; what it decides follows.
	move(next) {
		const value = Math.min(HIGHEST, Math.max(LOWEST, Math.round(next * 100) / 100));
		if (this.isIdle || value === this.value) return;
		this.value = value;
		this.level = levelOf(value);
		this.movedAt = performance.now();
		this.draw();
		this.view.redraw();
		document.dispatchEvent(new CustomEvent("vad:tune", { detail: { name: NAME, value } }));
	}

	draw() {
		const { handle, label, view, level, isIdle } = this;
		const { threshold, threshold_idle } = view.words;
		const text = fill(isIdle ? threshold_idle : threshold, { level: percent(level) });
		label.textContent = percent(level);
		handle.setAttribute("aria-valuenow", this.value);
		handle.setAttribute("aria-valuetext", text);
		handle.setAttribute("aria-disabled", String(isIdle));
		handle.title = text;
		this.place();
	}

	place() {
		const { layout } = this.view;
		if (!layout) return;
		const y = thresholdY(layout.tracks[0].probability, this.level);
		this.handle.style.transform = `translateY(${y}px)`;
	}

	show({ options, level }) {
		const isIdle = options.dynamic_silence;
		const { [NAME]: given } = options;
		// An answer about an earlier place does not move it back under the hand.
		const isLate = this.held || performance.now() - this.movedAt < ANSWER_MS;
		if (!isIdle && isLate && given !== this.value) return;
		if (isIdle) this.letGo();
		this.isIdle = isIdle;
		this.level = level;
		this.value = isIdle ? valueOf(level) : given;
		this.draw();
	}
}
