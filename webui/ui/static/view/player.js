// Plays what is asked for: all, only speech, only pauses, or one span; in a loop or once.

import { sameSpan, spansOf, step } from "./plan.js";

// A timer that is nearer than this to its end looks at the clock by itself.
const CLOSE_MS = 14;

// "change" is dispatched when any of what the controls show has changed, "time" with
// each frame while it plays and whenever the playhead was set.
export class Player extends EventTarget {
	#spans = [];
	#timer = 0;
	#frame = 0;
	#aimS = -1;
	#turn = 0;
	#restingMs = 0;

	constructor(audio, sound) {
		super();
		this.audio = audio;
		this.sound = sound;
		this.mode = "whole";
		this.loops = false;
		this.one = null;
		this.isWanted = false;
		this.tracks = [];
		this.durationMs = 0;
		audio.addEventListener("play", () => this.#begin());
		audio.addEventListener("pause", () => this.#rest());
		audio.addEventListener("seeking", () => this.#sought());
		audio.addEventListener("seeked", () => {
			this.#look();
			this.#tellTime();
		});
		audio.addEventListener("ended", () => this.#ended());
		// What was sought before there was anything to seek in.
		audio.addEventListener("loadedmetadata", () => this.#restingMs && this.#set(this.#restingMs));
		sound.addEventListener("mute", ({ detail }) => this.#start(detail));
	}

	get isPlaying() {
		return !this.audio.paused;
	}

	// Of the playhead, also while there is nothing that could play.
	get positionMs() {
		return this.sound.isReady ? this.audio.currentTime * 1000 : this.#restingMs;
	}

	// Take another recording, with nothing played of it.
	reset() {
		this.#turn++;
		this.audio.pause();
		this.one = null;
		this.isWanted = false;
		this.#restingMs = 0;
		this.#changed();
	}

	// Take the rows of each track; what plays goes on by the new ones, a segment to its new end.
	take(tracks, durationMs) {
		if (this.one) this.one = sameSpan(this.tracks, tracks, this.one);
		this.tracks = tracks;
		this.durationMs = durationMs;
		this.#plan();
	}

	setMode(mode) {
		this.mode = mode;
		this.one = null;
		this.#plan();
		this.#changed();
	}

	setLoops(loops) {
		this.loops = loops;
		this.#look();
		this.#changed();
	}

	setRate(rate) {
		this.audio.defaultPlaybackRate = rate; // what a newly loaded file begins with
		this.audio.playbackRate = rate;
		this.#look();
	}

	playSpan(start, end) {
		if (!(end > start)) return;
		this.one = [start, end];
		this.#plan();
		this.#start(start);
	}

	toggle() {
		if (this.isPlaying) this.audio.pause();
		else if (this.isWanted) this.#giveUp();
		else this.#start(this.positionMs);
	}

	seek(ms) {
		const to = Math.min(Math.max(ms, 0), this.durationMs);
		if (this.one && (to < this.one[0] || to >= this.one[1])) this.#leaveOne();
		this.#set(to);
		this.#tellTime();
	}

	async #start(at) {
		const turn = ++this.#turn;
		this.#restingMs = at;
		if (!this.sound.isReady) {
			this.isWanted = true;
			this.#changed();
			const isReady = await this.sound.want();
			if (turn !== this.#turn) return;
			this.isWanted = false;
			this.#changed();
			if (!isReady) return;
		}
		this.#set(this.#restingMs);
		// A browser that wants a click first says so here; the button still shows "play".
		await this.audio.play().catch(() => {});
	}

	#giveUp() {
		this.#turn++;
		this.isWanted = false;
		this.#changed();
	}

	#plan() {
		this.#spans = this.one ? [this.one] : spansOf(this.mode, this.tracks, this.durationMs);
		this.#look();
	}

	#leaveOne() {
		this.one = null;
		this.#plan();
		this.#changed();
	}

	#set(ms) {
		this.#restingMs = ms;
		if (!this.sound.isReady) return;
		this.#aimS = ms / 1000;
		this.audio.currentTime = this.#aimS;
	}

	#begin() {
		// At the very end of what there is to play, it plays from its beginning.
		const next = step(this.#spans, this.positionMs, this.loops);
		if ("stop" in next && this.#spans.length) this.#set(this.#spans[0][0]);
		this.#changed();
		cancelAnimationFrame(this.#frame);
		this.#draw();
	}

	#draw() {
		this.#look();
		this.#tellTime();
		if (this.isPlaying) this.#frame = requestAnimationFrame(() => this.#draw());
	}

	// Where a span ends, and how long until then. Frames alone would be up to 16 ms late,
	// and there are none while the page is hidden.
	#look() {
		clearTimeout(this.#timer);
		if (!this.isPlaying || this.audio.seeking) return;
		const at = this.positionMs;
		const next = step(this.#spans, at, this.loops);
		if ("jump" in next) this.#set(next.jump);
		else if ("stop" in next) this.#finish(next.stop);
		else {
			const wait = (next.until - at) / this.audio.playbackRate;
			this.#timer = setTimeout(() => this.#look(), wait > CLOSE_MS ? wait - CLOSE_MS : 0);
		}
	}

	#finish(at) {
		this.audio.pause();
		this.#set(at);
		if (this.one) this.#leaveOne();
		this.#tellTime();
	}

	#ended() {
		if (this.loops && this.#spans.length) this.#start(this.#spans[0][0]);
		else if (this.one) this.#leaveOne();
	}

	#rest() {
		clearTimeout(this.#timer);
		if (this.sound.isReady) this.#tellTime();
		this.#changed();
	}

	// Whoever moves the browser's own slider out of the one span hears on from there.
	#sought() {
		const isOwn = Math.abs(this.audio.currentTime - this.#aimS) < 0.02;
		const ms = this.audio.currentTime * 1000;
		if (!isOwn && this.one && (ms < this.one[0] || ms >= this.one[1])) this.#leaveOne();
	}

	#tellTime() {
		this.#restingMs = this.positionMs;
		this.dispatchEvent(new CustomEvent("time", { detail: this.positionMs }));
	}

	#changed() {
		this.dispatchEvent(new Event("change"));
	}
}
