// One stream to the server, over as many connections as it takes: sound is numbered by its
// bytes and kept until the server has it, so that nothing is lost or doubled on the way.

const MOST_ON_THE_WAY_BYTES = 256 * 1024; // more would wait in the browser, out of reach
const LOOK_AGAIN_MS = 50;
const RETRY_MS = [250, 500, 1000, 2000];
const SILENT_MS = 20_000; // what is sent is answered within seconds
const IS_OPEN = 1;

export class StreamClient {
	state = "closed"; // "connecting", "live", "lost" or "closed"
	lostAt = 0;
	#socket = null;
	#stream = null;
	#pieces = []; // {at, data} from the first byte that the server has not told to have
	#end = 0; // of all that was given
	#next = 0; // to be sent
	#options = null; // to be told once there is a connection
	#past = false; // of the options that were told last
	#isStopping = false;
	#lastEvent = 0;
	#lastFrame = 0;
	#tries = 0;
	#timers = new Map();

	// `connect()` opens a WebSocket. `hear` is told each message of the server, `change` each new
	// state, `fail` why the stream cannot go on: "gone" (away for too long) or "behind" (more
	// sound waits than is kept). `clock` is {now, later, never} as of a window.
	constructor({ connect, start, hear, change, fail, most_bytes, give_up_ms, clock }) {
		Object.assign(this, { connect, start, hear, change, fail, most_bytes, give_up_ms });
		this.clock = clock ?? {
			now: () => performance.now(),
			later: (act, ms) => setTimeout(act, ms),
			never: (timer) => clearTimeout(timer),
		};
	}

	// Of sound that the server does not have yet.
	get waiting_bytes() {
		return this.#pieces.length ? this.#end - this.#pieces[0].at : 0;
	}

	get id() {
		return this.#stream?.stream;
	}

	get key() {
		return this.#stream?.key;
	}

	open() {
		this.#turn("connecting");
		this.#dial();
	}

	send(data) {
		if (this.state === "closed" || this.#isStopping) return;
		this.#pieces.push({ at: this.#end, data });
		this.#end += data.byteLength;
		if (this.waiting_bytes > this.most_bytes) this.#giveUp("behind");
		else this.#pump();
	}

	tune(options, past) {
		this.start.options = options;
		// What is to be decided anew stays so, however many more come before it is told.
		this.#options = { options, past: past || Boolean(this.#options?.past) };
		this.#pump();
	}

	// The server answers with "end" once it has everything.
	stop() {
		this.#isStopping = true;
		this.#pump();
	}

	// The network is back: not to be waited for any longer.
	retry() {
		if (this.state === "lost" && !this.#socket) this.#dial();
	}

	close() {
		this.#turn("closed");
		for (const timer of this.#timers.values()) this.clock.never(timer);
		this.#timers.clear();
		this.#pieces = [];
		const socket = this.#socket;
		this.#socket = null;
		socket?.close(1000);
	}

	#turn(state) {
		if (state === this.state) return;
		this.state = state;
		this.change(state);
	}

	#after(name, ms, act) {
		this.clock.never(this.#timers.get(name));
		this.#timers.set(name, this.clock.later(act, ms));
	}

	#dial() {
		this.clock.never(this.#timers.get("retry"));
		const socket = (this.#socket = this.connect());
		socket.binaryType = "arraybuffer";
		const own = (act) => (event) => socket === this.#socket && act(event);
		socket.onopen = own(() => socket.send(JSON.stringify(this.#greeting())));
		socket.onmessage = own(({ data }) => this.#take(JSON.parse(data)));
		socket.onclose = own(() => this.#lose());
		this.#watch();
	}

	#greeting() {
		if (!this.#stream) return { type: "start", ...this.start };
		const { stream, key } = this.#stream;
		return { type: "resume", stream, key, events: this.#lastEvent, frames: this.#lastFrame };
	}

	// A network that is gone does not tell, and a server tells nothing unless it is asked: of a
	// microphone that is paused there is nothing to wait for. Before the stream begins a model may
	// be loaded for long.
	#watch() {
		this.clock.never(this.#timers.get("silence"));
		this.#timers.delete("silence");
		this.#expect();
	}

	#expect() {
		const isOwed = this.state !== "live" || this.#pieces.length > 0 || this.#isStopping;
		if (!this.#stream || !isOwed || this.#timers.has("silence")) return;
		this.#after("silence", SILENT_MS, () => {
			this.#timers.delete("silence");
			const socket = this.#socket;
			this.#lose();
			socket?.close();
		});
	}

	#take(message) {
		if ("number" in message) this.#lastEvent = message.number;
		if (message.type === "frames") this.#lastFrame = message.first + message.speech.length;
		if (message.type === "ready") this.#begin(message);
		else if ("received_bytes" in message) this.#forget(message.received_bytes);
		this.#watch();
		this.hear(message);
		if (message.type === "end" || (message.type === "error" && message.fatal !== false)) this.close();
		else this.#pump();
	}

	#begin(message) {
		const { stream, key, received_bytes, options = {} } = message;
		// Those that were on the way when the connection was lost did not come through.
		const wanted = Object.entries(this.start.options);
		if (this.#stream && wanted.some(([name, value]) => name in options && options[name] !== value)) {
			this.#options ??= { options: this.start.options, past: this.#past };
		}
		this.#stream = { stream, key };
		this.#forget(received_bytes);
		this.#next = received_bytes;
		this.#tries = 0;
		this.#turn("live");
	}

	#forget(received_bytes) {
		const has = ({ at, data }) => at + data.byteLength <= received_bytes;
		let count = 0;
		while (count < this.#pieces.length && has(this.#pieces[count])) count++;
		this.#pieces.splice(0, count);
	}

	#pump() {
		const socket = this.#socket;
		if (this.state !== "live" || socket?.readyState !== IS_OPEN) return;
		this.#expect();
		if (this.#options) {
			socket.send(JSON.stringify({ type: "tune", ...this.#options }));
			this.#past = this.#options.past;
			this.#options = null;
		}
		for (const { at, data } of this.#pieces) {
			const skipped = this.#next - at;
			if (skipped >= data.byteLength) continue;
			if (socket.bufferedAmount > MOST_ON_THE_WAY_BYTES) {
				this.#after("pump", LOOK_AGAIN_MS, () => this.#pump());
				return;
			}
			socket.send(new Uint8Array(data.buffer, data.byteOffset + skipped, data.byteLength - skipped));
			this.#next = at + data.byteLength;
		}
		if (this.#isStopping && !this.hasStopped) {
			this.hasStopped = true;
			socket.send(JSON.stringify({ type: "stop" }));
		}
	}

	#lose() {
		if (this.state === "closed") return;
		this.#socket = null;
		this.hasStopped = false;
		const now = this.clock.now();
		if (this.state !== "lost") this.lostAt = now;
		this.#turn("lost");
		if (now - this.lostAt > this.give_up_ms) {
			this.#giveUp("gone");
			return;
		}
		const wait = RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)];
		this.#after("retry", wait, () => this.#dial());
	}

	#giveUp(reason) {
		this.close();
		this.fail(reason);
	}
}
