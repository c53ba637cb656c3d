// The threshold line: dragged on the lanes, or its handle by pointer and keys.
//
// The handle is a slider of P(speech) - P(silence), as the option is; the line stands at the
// P(speech) that it means.

import { levelAt, thresholdY } from "./hit.js";
import { fill } from "./readout.js";

const NAME = "speech_noise_thres";
const LOWEST = -1;
const HIGHEST = 1;
const ANSWER_MS = 1000;

export const levelOf = (value) => (1 + value) / 2;
// In the steps of the option, without the dust of binary fractions.
export const valueOf = (level) => Math.round((2 * level - 1) * 100) / 100;
export const percent = (level) => `${(Math.round(level * 1000) / 10).toString()}%`;

export function watchThreshold(handle, view) {
	let value = 0;
	let level = 0;
	let held = null;
	let movedAt = -Infinity;
	const label = handle.querySelector("span");

	const draw = () => {
		label.textContent = percent(level);
		handle.setAttribute("aria-valuenow", value);
		handle.setAttribute("aria-valuetext", fill(view.words.threshold, { level: percent(level) }));
		handle.title = fill(view.words.threshold, { level: percent(level) });
		place();
	};
	const place = () => {
		if (!view.layout) return;
		handle.style.transform = `translateY(${thresholdY(view.layout.tracks[0].probability, level)}px)`;
	};
	// The line is where the hand is at once; what it decides follows.
	const move = (next) => {
		const wanted = Math.min(HIGHEST, Math.max(LOWEST, Math.round(next * 100) / 100));
		if (wanted === value) return;
		value = wanted;
		level = levelOf(value);
		movedAt = performance.now();
		draw();
		view.redraw();
		document.dispatchEvent(new CustomEvent("vad:tune", { detail: { name: NAME, value } }));
	};
	const take = (track) => {
		held = { track };
		handle.classList.add("is-held");
	};
	const letGo = () => {
		held = null;
		handle.classList.remove("is-held");
	};
	const follow = (y) => move(valueOf(levelAt(view.layout.tracks[held.track].probability, y)));

	handle.addEventListener("pointerdown", (event) => {
		if (event.button > 0 || !view.result) return;
		handle.setPointerCapture(event.pointerId);
		handle.focus({ preventScroll: true });
		take(0);
		event.stopPropagation();
		event.preventDefault();
	});
	handle.addEventListener("pointermove", (event) => {
		event.stopPropagation();
		if (held) follow(event.clientY - view.stage.getBoundingClientRect().top);
	});
	for (const name of ["pointerup", "pointercancel"]) {
		handle.addEventListener(name, (event) => {
			letGo();
			event.stopPropagation();
		});
	}
	const KEYS = {
		ArrowUp: () => value + 0.01,
		ArrowRight: () => value + 0.01,
		ArrowDown: () => value - 0.01,
		ArrowLeft: () => value - 0.01,
		PageUp: () => value + 0.1,
		PageDown: () => value - 0.1,
		Home: () => LOWEST,
		End: () => HIGHEST,
	};
	handle.addEventListener("keydown", (event) => {
		const key = KEYS[event.key];
		if (!key || !view.result || event.ctrlKey || event.metaKey || event.altKey) return;
		event.preventDefault();
		event.stopPropagation();
		move(key());
	});

	return {
		place,
		get level() {
			return level;
		},
		show(result) {
			// An answer about an earlier place does not move it back under the hand.
			const isLate = held || performance.now() - movedAt < ANSWER_MS;
			const { [NAME]: given } = result.options;
			if (isLate && given !== value) return;
			value = given;
			level = result.level;
			draw();
		},
		tool: {
			cursor: ({ hit }) => (hit.kind === "threshold" ? "ns-resize" : ""),
			press: ({ hit }, event) => {
				// A finger scrolls the page there; it takes the handle.
				if (hit.kind !== "threshold" || event.pointerType === "touch") return null;
				take(hit.track);
				return { move: ({ y }) => follow(y), drop: letGo };
			},
		},
	};
}
