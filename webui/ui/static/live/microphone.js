// The microphone, as samples in pieces: 16 bits, one channel, at the rate of the machine.

const WORKLET = new URL("./worklet.js", import.meta.url);
const REASONS = {
	NotAllowedError: "denied",
	SecurityError: "denied",
	NotFoundError: "missing",
	OverconstrainedError: "missing",
	NotReadableError: "busy",
	AbortError: "busy",
};

// Why a microphone could not be opened: "denied", "missing", "busy" or "failed".
export const reasonOf = (error) => REASONS[error.name] ?? "failed";

// What is asked of the browser. It changes nothing by itself: what is detected is what is heard.
export function constraints({ device = "", echo = false, noise = false, gain = false }) {
	const audio = { echoCancellation: echo, noiseSuppression: noise, autoGainControl: gain };
	if (device) audio.deviceId = { exact: device };
	return { audio };
}

// What can be chosen: [{id, label}]; browsers name devices only once one was allowed.
export async function devices() {
	const all = await navigator.mediaDevices.enumerateDevices();
	return all
		.filter(({ kind, deviceId, label }) => kind === "audioinput" && deviceId && label && deviceId !== "default")
		.map(({ deviceId, label }) => ({ id: deviceId, label }));
}

export class Microphone {
	#stream = null;
	#context = null;
	#source = null;
	#tap = null;
	#asked = 0;
	#ended = () => this.onEnd();

	// `onPiece` is told an Int16Array, `onEnd` that the device is gone.
	constructor({ onPiece, onEnd }) {
		Object.assign(this, { onPiece, onEnd });
	}

	get rate() {
		return this.#context.sampleRate;
	}

	async open(choice) {
		const stream = await navigator.mediaDevices.getUserMedia(constraints(choice));
		try {
			this.#context = new AudioContext();
			await this.#context.audioWorklet.addModule(WORKLET);
			this.#tap = new AudioWorkletNode(this.#context, "vad-live", {
				numberOfOutputs: 0,
				channelCount: 1,
				channelCountMode: "explicit",
			});
			this.#tap.port.onmessage = ({ data }) => data?.length && this.onPiece(data);
			this.#join(stream);
			await this.#context.resume();
		} catch (error) {
			this.#stream ??= stream;
			this.#release();
			throw error;
		}
	}

	// Another device or other processing, within the same recording. Whatever opens first, the
	// last choice holds; what became of the others does not matter.
	async change(choice) {
		const turn = ++this.#asked;
		let stream;
		try {
			stream = await navigator.mediaDevices.getUserMedia(constraints(choice));
		} catch (error) {
			if (turn === this.#asked && this.#tap) throw error;
			return;
		}
		if (turn === this.#asked && this.#tap) this.#join(stream);
		else stream.getTracks().forEach((track) => track.stop());
	}

	// Browsers pause what is in the background.
	wake() {
		if (this.#context?.state !== "running") this.#context?.resume().catch(() => {});
	}

	// What was heard is still told before this settles.
	async close() {
		const port = this.#tap?.port;
		if (port && this.#context.state === "running") {
			await new Promise((done) => {
				const tell = port.onmessage;
				port.onmessage = (event) => (event.data ? tell(event) : done());
				port.postMessage(null);
				setTimeout(done, 500); // the browser has ended the audio thread already
			});
		}
		this.#release();
	}

	#join(stream) {
		this.#source?.disconnect();
		this.#stop();
		this.#stream = stream;
		this.#source = this.#context.createMediaStreamSource(stream);
		this.#source.connect(this.#tap);
		stream.getAudioTracks().forEach((track) => track.addEventListener("ended", this.#ended));
	}

	#stop() {
		this.#stream?.getTracks().forEach((track) => {
			track.removeEventListener("ended", this.#ended);
			track.stop();
		});
		this.#stream = null;
	}

	#release() {
		this.#stop();
		if (this.#context && this.#context.state !== "closed") this.#context.close().catch(() => {});
		this.#context = this.#source = this.#tap = null;
	}
}
