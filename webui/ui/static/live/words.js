// What the card of the microphone says of a session, as text.

import { clock } from "../view/axis.js";
import { fill } from "../view/text.js";

// What the dot beside the time tells.
export function moodOf({ state, connection, loading, track, found, runs }) {
	if (!runs) return state === "ended" && !track ? "idle" : state;
	if (connection === "lost") return "lost";
	if (connection === "connecting") return loading ? "loading" : "connecting";
	return found.open ? "speech" : "listening";
}

// "31 kB", "2.4 MB": of the same form as elsewhere on the page.
export function size(bytes) {
	if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
	return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e3)} kB`;
}

// A time in the stream: "0:03.25", "1:00:03.25".
export const moment = (ms, decimals = 2) =>
	clock(ms / 1000, 10 ** -decimals, Math.max(60, ms / 1000));

function median(values) {
	const known = values.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
	return known.length ? known[known.length >> 1] : null;
}

const NONE = { value: "–" };

// The figures below the picture: {segments, speech, delay, kept, memory}, each {value, note}.
export function facts({ track, found, status }, texts) {
	if (!track) return { segments: NONE, speech: NONE, delay: NONE, kept: NONE, memory: NONE };
	const speech_ms = found.speechUntil(track.scored_ms);
	const share = Math.min(1, speech_ms / Math.max(1, track.scored_ms));
	const late = (name) => {
		const ms = median(found.segments.slice(-50).map((each) => each[name]));
		return ms === null ? "" : fill(texts.seconds, { s: (ms / 1000).toFixed(2) });
	};
	const [start, end] = ["start_after_ms", "end_after_ms"].map(late);
	return {
		segments: { value: String(found.count), note: found.open ? texts.one_open : "" },
		speech: { value: `${Math.round(share * 100)}%`, note: moment(speech_ms, 0) },
		delay: { value: end || "–", note: start && fill(texts.start_late, { s: start }) },
		kept: status ? kept(status, texts) : NONE,
		memory: status ? memory(status, texts) : NONE,
	};
}

function kept({ kept_ms, kept_from_ms, disk_bytes }, texts) {
	const from = moment(kept_from_ms, 0);
	const note = kept_from_ms > 0 ? fill(texts.kept_from, { time: from }) : fill(texts.on_disk, { size: size(disk_bytes) });
	return { value: moment(kept_ms, 0), note };
}

const memory = ({ memory_bytes, state_bytes }, texts) => ({
	value: size(memory_bytes),
	note: fill(texts.state, { size: size(state_bytes) }),
});

// The query of the address under which the result opens with the options that made it.
export function queryOf({ result, options }, names) {
	const query = new URLSearchParams({ r: result });
	for (const name of names) query.set(name, String(options[name]));
	return query.toString();
}
