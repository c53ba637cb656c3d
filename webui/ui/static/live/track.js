// What the page knows of the last minute: the sound as it was heard, P(speech) as it was scored,
// and the segments. All of it is bounded, however long the stream runs.

const HOP_MS = 10;
const KEPT_HOPS = 6000;
const FALL = 0.86; // of the meter, a frame

// Places by their number, of which the last so many are kept.
class Ring {
	end = 0;

	constructor(values) {
		this.values = values;
	}

	get first() {
		return Math.max(0, this.end - this.values.length);
	}

	has(index) {
		return index >= this.first && index < this.end;
	}

	at(index) {
		return this.values[index % this.values.length];
	}

	push(value) {
		this.values[this.end++ % this.values.length] = value;
	}
}

export class Track {
	low = new Ring(new Int16Array(KEPT_HOPS));
	high = new Ring(new Int16Array(KEPT_HOPS));
	speech = new Ring(new Float32Array(KEPT_HOPS));
	rate = 0;
	samples = 0;
	level = 0; // of the meter, 0 to 1 of full scale
	#least = 0;
	#most = 0;

	constructor(rate) {
		this.rate = rate;
	}

	// Until here it is known what is speech.
	get scored_ms() {
		return this.speech.end * HOP_MS;
	}

	get head_ms() {
		return (this.samples / this.rate) * 1000;
	}

	// The next samples of the microphone. A hop ends with the last sample before its time is up,
	// also where the rate is no multiple of 100.
	hear(piece) {
		let end = this.#hopEnd();
		for (const sample of piece) {
			if (sample < this.#least) this.#least = sample;
			if (sample > this.#most) this.#most = sample;
			if (++this.samples < end) continue;
			this.low.push(this.#least);
			this.high.push(this.#most);
			this.level = Math.max(this.level, Math.max(-this.#least, this.#most) / 32768);
			this.#least = this.#most = 0;
			end = this.#hopEnd();
		}
	}

	#hopEnd() {
		return Math.ceil(((this.high.end + 1) * HOP_MS * this.rate) / 1000);
	}

	// P(speech) of frames from `first` on; what is known already stays.
	score(first, speech) {
		speech.slice(Math.max(0, this.speech.end - first)).forEach((share) => this.speech.push(share));
	}

	// The meter's level falls with time, as a needle would: 0 to 1, from -60 dB on.
	needle() {
		const { level } = this;
		this.level *= FALL;
		return Math.max(0, 1 + Math.log10(level + 1e-6) / 3);
	}

	// The loudest sample among the hops that are kept, 0 to 1.
	get loudest() {
		let most = 0;
		for (let hop = this.high.first; hop < this.high.end; hop++) {
			most = Math.max(most, this.high.at(hop), -this.low.at(hop));
		}
		return most / 32768;
	}

	// Lowest and highest sample of hops [from, to), null where none is known.
	peak(from, to) {
		let [low, high, known] = [0, 0, false];
		for (let hop = Math.max(from, this.high.first); hop < Math.min(to, this.high.end); hop++) {
			low = Math.min(low, this.low.at(hop));
			high = Math.max(high, this.high.at(hop));
			known = true;
		}
		return known ? { low: low / 32768, high: high / 32768 } : null;
	}

	// Mean P(speech) of frames [from, to), null where none is known.
	share(from, to) {
		let [sum, count] = [0, 0];
		for (let frame = Math.max(from, this.speech.first); frame < Math.min(to, this.speech.end); frame++) {
			sum += this.speech.at(frame);
			count++;
		}
		return count ? sum / count : null;
	}
}

// The segments of a stream, the latest of them one by one, of all others their number and length.
export class Found {
	segments = []; // {number, start_ms, end_ms (null while it is open), ...as told}
	past = 0; // segments that are no longer listed
	past_ms = 0;
	#pastUntil_ms = 0;

	constructor(most) {
		this.most = most;
	}

	get count() {
		return this.past + this.segments.length;
	}

	get open() {
		const last = this.segments.at(-1);
		return last && last.end_ms === null ? last : null;
	}

	// Of speech up to a time, in ms.
	speechUntil(now_ms) {
		const spans = this.segments.map(({ start_ms, end_ms }) => (end_ms ?? Math.max(start_ms, now_ms)) - start_ms);
		return spans.reduce((sum, length) => sum + length, this.past_ms);
	}

	begin({ start_ms, made_after_ms = null }) {
		this.#add({ start_ms, end_ms: null, start_after_ms: made_after_ms });
	}

	finish({ start_ms, end_ms, end_reason, confidence, made_after_ms = null }) {
		const told = { start_ms, end_ms, end_reason, confidence, end_after_ms: made_after_ms };
		if (this.open) Object.assign(this.open, told);
		else this.#add(told);
	}

	// Decided anew from a time on: `segments` take the place of all that is there from then on.
	// What has not changed keeps what was told of it.
	restate({ from_ms, segments, open_since_ms }) {
		const before = new Map(this.segments.map((each) => [`${each.start_ms} ${each.end_ms}`, each]));
		this.segments = this.segments.filter(({ start_ms, end_ms }) => end_ms !== null && start_ms < from_ms);
		for (const each of segments) {
			if (each.start_ms < this.#pastUntil_ms) continue; // counted already
			const known = before.get(`${each.start_ms} ${each.end_ms}`);
			this.#add({ ...each, start_after_ms: known?.start_after_ms, end_after_ms: known?.end_after_ms });
		}
		if (open_since_ms === null || open_since_ms === undefined) return;
		const known = before.get(`${open_since_ms} null`);
		this.begin({ start_ms: open_since_ms, made_after_ms: known?.start_after_ms });
	}

	#add(segment) {
		this.segments.push({ ...segment, number: this.count + 1 });
		if (this.segments.length <= this.most) return;
		const { start_ms, end_ms } = this.segments.shift();
		this.past++;
		this.past_ms += end_ms - start_ms;
		this.#pastUntil_ms = end_ms;
	}
}
