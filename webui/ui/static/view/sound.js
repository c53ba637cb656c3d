// Which file an <audio> plays: the recording itself, or the server's copy where the
// browser cannot play it, or cannot tell its time right.

const POLL_MS = 250;
// A clock that is further from the scores' than this would play beside the segments.
const CLOCK_S = 0.5;
// After so much of a video without a sound, its sound is one that the browser lacks.
const SILENT_S = 0.4;

// States: "gone" (no recording any more), "original", "unplayable" (a copy would be
// needed), "converting", "copy", "failed", "lost" (the server was out of reach; the next
// play tries again). "change" is dispatched with each of them.
export class Sound extends EventTarget {
	constructor(audio, language) {
		super();
		this.audio = audio;
		this.language = language;
		this.state = "gone";
		this.fraction = 0;
		this.message = "";
		this.address = "";
		audio.addEventListener("error", () => this.#refused());
		audio.addEventListener("loadedmetadata", () => this.#judge());
		audio.addEventListener("timeupdate", () => this.#listen());
	}

	// Whether the element has something that it can play.
	get isReady() {
		return (this.state === "original" || this.state === "copy") && this.audio.readyState > 0;
	}

	// Take another recording, "" for none, and read of it once `turn` is settled.
	open(address, durationMs, turn = null) {
		this.durationS = durationMs / 1000;
		if (address === this.address) return;
		this.address = address;
		this.audio.pause();
		this.audio.removeAttribute("src");
		this.audio.load();
		if (address) this.#begin(turn);
		else this.#become("gone");
	}

	async #begin(turn) {
		const { address } = this;
		this.isUsable = false;
		this.#become("original");
		await turn;
		if (address === this.address) this.audio.src = new URL(address, document.baseURI);
	}

	// Make it playable; false if it cannot be, or another recording came meanwhile.
	async want() {
		const { address } = this;
		if (this.state === "lost") this.#begin();
		if (this.state === "original" && !this.audio.readyState) await this.#settled();
		if (address !== this.address || this.state === "gone" || this.state === "lost") return false;
		if (this.isReady) return true;
		if (this.conversion?.address !== address) this.conversion = { address, done: this.#convert(address) };
		await this.conversion.done;
		return address === this.address && this.isReady;
	}

	async #convert(address) {
		const state = new URL(`${this.#beside("copy/state")}?language=${this.language}`, document.baseURI);
		this.#become("converting");
		try {
			let told = await this.#ask(state, "POST");
			while (address === this.address && (told.state === "waiting" || told.state === "converting")) {
				this.#become("converting", told.fraction);
				await new Promise((done) => setTimeout(done, POLL_MS));
				told = await this.#ask(state, "GET");
			}
			if (address !== this.address) return;
			if (told.state === "ready") await this.#load(new URL(this.#beside("copy"), document.baseURI));
			else this.#fail(told.message);
		} catch {
			if (address === this.address) this.#become("lost");
		} finally {
			if (this.conversion?.address === address) this.conversion = null;
		}
	}

	async #ask(address, method) {
		const answer = await fetch(address, { method });
		if (answer.status === 404) return { state: "failed", message: await answer.text() };
		return answer.json();
	}

	#beside(name) {
		return this.address.replace(/audio$/, name);
	}

	async #load(address) {
		this.audio.src = address;
		this.state = "copy";
		await this.#settled();
		if (this.state === "copy") this.#become("copy");
	}

	// Until the element knows what it has, or that it is nothing, or is given something else.
	async #settled() {
		await new Promise((done) => {
			for (const name of ["loadedmetadata", "error"]) this.audio.addEventListener(name, done, { once: true });
			this.addEventListener("change", done, { once: true });
		});
	}

	// A clock that is off is better than no sound at all.
	#fail(message) {
		if (this.isUsable) this.#become("original");
		else this.#become("failed", 0, message);
	}

	#become(state, fraction = 0, message = "") {
		this.state = state;
		this.fraction = fraction;
		this.message = message;
		this.dispatchEvent(new Event("change"));
	}

	async #refused() {
		const { address, state, audio } = this;
		if (!address || !audio.error || (state !== "original" && state !== "copy")) return;
		const wasCut = audio.error.code === MediaError.MEDIA_ERR_NETWORK;
		audio.pause();
		if (wasCut) this.#become("lost");
		else this.#become(state === "copy" ? "failed" : "unplayable");
		const told = this.state;
		// It may be the file that is gone, or the server, not the browser that cannot play it.
		const answer = await fetch(audio.src, { headers: { range: "bytes=0-0" } }).catch(() => null);
		if (this.address !== address || this.state !== told) return;
		if (!answer) this.#become("lost");
		else if (answer.status === 404) this.#become(state === "copy" ? "unplayable" : "gone");
	}

	#judge() {
		if (this.state !== "original" || this.isUsable) return;
		const { audio } = this;
		// Only Firefox and Safari tell at once that a video's sound is not for them.
		const isMute = audio.mozHasAudio === false || (audio.audioTracks && !audio.audioTracks.length);
		this.isUsable = !isMute;
		const isOff = !(Math.abs(audio.duration - this.durationS) <= CLOCK_S);
		if (isMute || isOff) this.#become("unplayable");
	}

	#listen() {
		const { audio } = this;
		if (this.state !== "original" || audio.paused || audio.webkitAudioDecodedByteCount !== 0) return;
		if (!audio.played.length || audio.played.end(0) - audio.played.start(0) < SILENT_S) return;
		const from = audio.played.start(0);
		audio.pause();
		this.isUsable = false;
		this.#become("unplayable");
		this.dispatchEvent(new CustomEvent("mute", { detail: from * 1000 }));
	}
}
