// A live session of this page: microphone, stream and what was found. `live` is the one there is;
// the parts of the page show what it tells.

import { StreamClient } from "./client.js";
import { Microphone, reasonOf } from "./microphone.js";
import { Found, Track } from "./track.js";

const HELD_S = 120; // of sound that the server does not have, at most
const GIVE_UP_MS = 60_000;
const LISTED = 5000;
const TUNE_MS = 60;
const SILENT_MS = 2000;
const LOCK = "fsmn-vad-live";
const BYTES_PER_SAMPLE = 2;

// "change" is dispatched when any of what it holds has changed but for the track, "found" when
// the segments have, "end" when it is over.
class Live extends EventTarget {
	state = "idle"; // "opening", "running", "stopping" or "ended"
	problem = null; // {code} or {text}: why it ended or could not begin
	track = null;
	found = null;
	options = {};
	engine = "auto";
	past = false; // what is kept is decided anew, too
	status = null; // as the server told it last
	loading = ""; // what it waits for, in words
	result = "";
	silent = null; // {since, over_s}: the browser gives no sound, or gave none for so long
	back = false; // the connection was lost and is there again
	#client = null;
	#microphone = null;
	#choice = null;
	#letGo = null;
	#heardAt = 0;
	#watch = 0;
	#tuning = 0;

	get runs() {
		return this.state === "running";
	}

	get isOn() {
		return this.state === "opening" || this.runs || this.state === "stopping";
	}

	// "connecting", "live", "lost" or "closed".
	get connection() {
		return this.#client?.state ?? "closed";
	}

	get waiting_s() {
		return this.track ? (this.#client?.waiting_bytes ?? 0) / BYTES_PER_SAMPLE / this.track.rate : 0;
	}

	// Of a span of the sound that is kept, relative to the server's root; "" for none.
	clip({ start_ms, end_ms }) {
		if (!this.#client?.id || (this.status && start_ms < this.status.kept_from_ms)) return "";
		const query = new URLSearchParams({ start_ms, end_ms, key: this.#client.key });
		return `live/${this.#client.id}/clip.wav?${query}`;
	}

	// `choice` is as of `constraints`; `connect()` opens a WebSocket.
	async start({ choice, connect, language }) {
		if (this.isOn) return;
		Object.assign(this, { state: "opening", problem: null, result: "", status: null, silent: null, back: false });
		Object.assign(this, { track: null, found: null, loading: "" });
		this.#client = null;
		this.#choice = choice;
		this.#tell();
		if (!(await this.#claim())) return this.#end({ code: "elsewhere" });
		const microphone = (this.#microphone = new Microphone({
			onPiece: (piece) => this.#hear(piece),
			onEnd: () => this.stop({ code: "unplugged" }),
		}));
		try {
			await microphone.open(choice);
			// What was chosen while the browser asked for permission.
			while (this.#choice !== choice) await microphone.change((choice = this.#choice));
		} catch (error) {
			return this.#end({ code: reasonOf(error) });
		}
		this.#begin(microphone.rate, connect, language);
	}

	#begin(rate_hz, connect, language) {
		this.track = new Track(rate_hz);
		this.found = new Found(LISTED);
		this.#client = new StreamClient({
			connect,
			start: {
				...{ rate_hz, channels: 1, sample_format: "s16le" },
				...{ options: this.options, engine: this.engine, frames: true, keep: true, language },
			},
			hear: (message) => this.#take(message),
			change: () => this.#connectionChanged(),
			// What the server has of a stream becomes a result once it has waited long enough.
			fail: (code) => this.#end({ code: code === "gone" && !this.#client.id ? "unreachable" : code }),
			most_bytes: HELD_S * rate_hz * BYTES_PER_SAMPLE,
			give_up_ms: GIVE_UP_MS,
		});
		this.state = "running";
		this.#heardAt = performance.now();
		this.#watch = setInterval(() => this.#look(), 500);
		this.#client.open();
		this.#tell();
	}

	// Another device or other processing, from now on.
	async change(choice) {
		this.#choice = choice;
		if (!this.runs) return;
		try {
			await this.#microphone.change(choice);
		} catch (error) {
			this.stop({ code: reasonOf(error) });
		}
	}

	async stop(problem = null) {
		if (!this.runs) return;
		this.state = "stopping";
		this.problem = problem;
		this.#tell();
		await this.#microphone.close();
		this.#client.stop();
	}

	// Options by name; a moving hand is followed, but not with each of its steps.
	tune(options) {
		this.options = options;
		this.#tell();
		this.#tuning ||= setTimeout(() => {
			this.#tuning = 0;
			if (this.runs) this.#client.tune(this.options, this.past);
		}, TUNE_MS);
	}

	setPast(past) {
		this.past = past;
		if (past) this.tune(this.options);
	}

	// The page goes away: the server need not wait for it to come back.
	leave() {
		if (this.isOn) this.#client?.stop();
	}

	wake() {
		this.#microphone?.wake();
		this.#client?.retry();
	}

	#hear(piece) {
		if (!this.track) return;
		const now = performance.now();
		if (this.silent && !this.silent.over_s) {
			this.silent = { over_s: (now - this.silent.since) / 1000 };
			this.#tell();
		}
		this.#heardAt = now;
		this.track.hear(piece);
		this.#client.send(piece);
	}

	#look() {
		const isSilent = this.runs && performance.now() - this.#heardAt > SILENT_MS;
		if (isSilent && !(this.silent && !this.silent.over_s)) this.silent = { since: this.#heardAt, over_s: 0 };
		if (isSilent) this.wake();
		this.#tell();
	}

	#connectionChanged() {
		const { state, lostAt } = this.#client;
		if (state === "lost") this.back = false;
		else if (state === "live") this.back = lostAt > 0;
		if (state === "live") this.loading = "";
		this.#tell();
	}

	#take(message) {
		const { type } = message;
		if (type === "frames") this.track.score(message.first, message.speech);
		else if (type === "speech_start") this.found.begin(this.#asHeard(message, message.start_ms));
		else if (type === "speech_end") this.found.finish(this.#asHeard(message, message.end_ms));
		else if (type === "tuned") this.found.restate(message);
		else if (type === "status") this.status = message;
		else if (type === "loading") this.loading = message.text;
		else if (type === "end") this.#end(message.reason === "stop" ? this.problem : { code: "idle" }, message.result);
		else if (type === "error" && message.fatal !== false) this.#end({ text: message.message }, message.result);
		if (["speech_start", "speech_end", "tuned"].includes(type)) this.dispatchEvent(new Event("found"));
		if (type !== "frames") this.#tell();
	}

	// The server counts from where sound reaches it; it may have waited here, for the model or a line.
	#asHeard(message, boundary_ms) {
		const since_ms = Math.round(this.track.head_ms - boundary_ms);
		return { ...message, made_after_ms: Math.max(message.made_after_ms, since_ms) };
	}

	#end(problem, result) {
		clearInterval(this.#watch);
		this.#microphone?.close();
		this.#microphone = null;
		this.#client?.close();
		this.#letGo?.();
		this.#letGo = null;
		Object.assign(this, { state: "ended", problem, result: result || "", silent: null, loading: "" });
		this.#tell();
		this.dispatchEvent(new Event("end"));
	}

	// One session in all tabs of a browser: the microphone's sound is wanted once.
	#claim() {
		return new Promise((done) => {
			navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
				done(Boolean(lock));
				return lock && new Promise((letGo) => (this.#letGo = letGo));
			});
		});
	}

	#tell() {
		this.dispatchEvent(new Event("change"));
	}
}

export const live = new Live();
