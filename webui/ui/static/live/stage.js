// Keeps the canvas of the Live tab drawn: with each frame of the screen while sound comes in,
// else once whenever something has changed; not at all where nobody sees it.

import { readLook } from "../view/draw.js";
import { levelOf } from "../view/threshold.js";
import { draw, layOut } from "./draw.js";

const NARROW_PX = 560;
const QUIETEST = 0.02; // what is quieter is not blown up to look like speech
const CALM_MS = 250; // between two pictures, for whoever wants little to move
const EASE = 0.12;
const JUMP_MS = 700;

export class Stage {
	track = null;
	found = null;
	level = 0;
	#request = 0;
	#shown_ms = 0;
	#scored_ms = 0;
	#drawnAt = 0;
	#loudest = QUIETEST;
	#look = null;
	#named_px = 0;

	// `moved(track)` is called with each picture.
	constructor(box, canvas, moved) {
		Object.assign(this, { box, canvas, moved });
		this.context = canvas.getContext("2d");
		this.calm = matchMedia("(prefers-reduced-motion: reduce)");
		new ResizeObserver(() => this.#resize()).observe(box);
		const renew = () => {
			this.#look = null;
			this.redraw();
		};
		for (const node of [document.documentElement, document.body]) {
			new MutationObserver(renew).observe(node, { attributes: true, attributeFilter: ["class"] });
		}
	}

	// `runs`: sound comes in now; `thres`: the speech-noise threshold in force.
	show({ track, found, runs, thres }) {
		if (track !== this.track) [this.#shown_ms, this.#loudest] = [track ? track.head_ms : 0, QUIETEST];
		this.track = track;
		this.found = found;
		this.runs = runs;
		this.level = levelOf(thres);
		this.redraw();
	}

	redraw() {
		this.#request ||= requestAnimationFrame((now) => {
			this.#request = 0;
			this.#frame(now);
		});
	}

	#resize() {
		const width = this.box.clientWidth;
		if (!width) return;
		this.scale = window.devicePixelRatio || 1;
		this.layout = layOut(width, width < NARROW_PX);
		this.box.style.height = `${this.layout.height}px`;
		this.canvas.width = Math.round(width * this.scale);
		this.canvas.height = Math.round(this.layout.height * this.scale);
		for (const [name, { top }] of [["wave", this.layout.wave], ["speech", this.layout.speech]]) {
			this.box.style.setProperty(`--${name}`, `${top}px`);
		}
		// The name of the first lane stands in a row with the times.
		this.#named_px = this.box.querySelector(".is-wave").offsetWidth;
		this.redraw();
	}

	#frame(now) {
		if (!this.layout || !this.box.clientWidth) return;
		if (this.runs) this.redraw();
		const passed = now - this.#drawnAt;
		if (this.runs && this.calm.matches && passed < CALM_MS) return;
		this.#drawnAt = now;
		this.#look ||= readLook(this.box);
		this.#follow(passed);
		const { track, found, level } = this;
		const scene = { track, found, level, look: this.#look, head_ms: this.#shown_ms, named_px: this.#named_px };
		Object.assign(scene, { scored_ms: this.#scored_ms, loudest: this.#loudest });
		draw(this.context, scene, this.layout, this.scale);
		this.moved(track);
	}

	// Sound comes in pieces; the picture glides with the clock, and is drawn towards the pieces.
	#follow(passed) {
		const { head_ms = 0, scored_ms = 0 } = this.track ?? {};
		this.#shown_ms = this.#glide(this.#shown_ms, head_ms, passed);
		// Without a connection nothing is scored, and nothing glides.
		this.#scored_ms = this.#glide(this.#scored_ms, scored_ms, head_ms - scored_ms < JUMP_MS ? passed : 0);
		const loudest = Math.max(QUIETEST, this.track ? this.track.loudest : 0);
		this.#loudest += (loudest - this.#loudest) * (this.runs ? EASE : 1);
	}

	#glide(from_ms, to_ms, passed) {
		const gliding = from_ms + (this.runs ? passed : 0);
		const behind = to_ms - gliding;
		const isFar = Math.abs(behind) > JUMP_MS || !this.runs || this.calm.matches;
		return isFar ? to_ms : gliding + behind * EASE;
	}
}
