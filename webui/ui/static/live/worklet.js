// Runs in the browser's audio thread: collects what the microphone gives into pieces of 16-bit
// samples and posts them, at the end also the last that is not full, and then null.

const PIECE_S = 0.02;

class Tap extends AudioWorkletProcessor {
	isOn = true;
	filled = 0;
	piece = new Int16Array(Math.round(sampleRate * PIECE_S));

	constructor() {
		super();
		this.port.onmessage = () => {
			this.post();
			this.port.postMessage(null);
			this.isOn = false;
		};
	}

	process([[samples]]) {
		// No source is joined while another device is opened.
		for (let i = 0; this.isOn && samples && i < samples.length; i++) {
			this.piece[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
			if (this.filled === this.piece.length) this.post();
		}
		return this.isOn;
	}

	post() {
		this.port.postMessage(this.piece.slice(0, this.filled));
		this.filled = 0;
	}
}

registerProcessor("vad-live", Tap);
