import assert from "node:assert/strict";
import test from "node:test";

import { Found, Track } from "../../webui/ui/static/live/track.js";
import { facts, moment, moodOf, queryOf, size } from "../../webui/ui/static/live/words.js";

const ramp = (count) => Int16Array.from({ length: count }, (_, index) => index % 1000);


test("hops of 10 ms do not depend on how the sound is cut, at any rate", () => {
	for (const rate of [8000, 22_050, 44_100, 48_000]) {
		const samples = ramp(Math.round(rate * 1.234));
		const whole = new Track(rate);
		whole.hear(samples);
		assert.equal(whole.high.end, 123);
		for (const size of [1, 333, 960]) {
			const track = new Track(rate);
			for (let at = 0; at < samples.length; at += size) track.hear(samples.subarray(at, at + size));
			assert.deepEqual([...track.high.values.slice(0, 123)], [...whole.high.values.slice(0, 123)]);
		}
		assert.ok(Math.abs(whole.head_ms - 1234) < 0.1);
	}
});

test("a minute is kept, however long it runs", () => {
	const track = new Track(1000);
	for (let second = 0; second < 100; second++) track.hear(new Int16Array(1000).fill(second));
	assert.equal(track.high.end, 10_000);
	assert.equal(track.peak(0, 100), null);
	assert.equal(track.peak(9_900, 10_000).high, 99 / 32768);
	track.score(0, new Array(9000).fill(0.25));
	track.score(8990, new Array(100).fill(0.75)); // told once more in part
	assert.equal(track.speech.end, 9090);
	assert.equal(track.share(8980, 8990), 0.25);
	assert.equal(track.share(9000, 9090), 0.75);
	assert.equal(track.share(9090, 9100), null);
});

const ended = (start_ms, end_ms) => ({ start_ms, end_ms, end_reason: "silence", confidence: 0.9 });

test("segments open and close; only so many are listed, all are counted", () => {
	const found = new Found(3);
	for (let each = 0; each < 5; each++) {
		found.begin({ start_ms: each * 1000, made_after_ms: 200 });
		assert.equal(found.open.number, each + 1);
		found.finish({ ...ended(each * 1000, each * 1000 + 400), made_after_ms: 800 });
		assert.equal(found.open, null);
	}
	assert.deepEqual(found.segments.map(({ number }) => number), [3, 4, 5]);
	assert.equal(found.count, 5);
	found.begin({ start_ms: 5000 });
	assert.equal(found.speechUntil(5100), 5 * 400 + 100);
});

test("what is decided anew takes the place of what was there from then on", () => {
	const found = new Found(10);
	found.finish(ended(0, 400));
	found.finish({ ...ended(1000, 1400), made_after_ms: 810 });
	found.begin({ start_ms: 2000, made_after_ms: 190 });
	// The present end alone.
	found.restate({ from_ms: 1400, segments: [ended(1500, 1900)], open_since_ms: 2000 });
	assert.deepEqual(found.segments.map(({ start_ms, end_ms }) => [start_ms, end_ms]), [
		[0, 400], [1000, 1400], [1500, 1900], [2000, null],
	]);
	assert.deepEqual(found.segments.map(({ number }) => number), [1, 2, 3, 4]);
	assert.equal(found.open.start_after_ms, 190);
	// The past, too: what did not change keeps its delay.
	found.restate({ from_ms: 0, segments: [ended(0, 700), ended(1000, 1400)], open_since_ms: null });
	assert.deepEqual(found.segments.map(({ end_ms, end_after_ms }) => [end_ms, end_after_ms ?? null]), [
		[700, null], [1400, 810],
	]);
	assert.equal(found.open, null);
});

test("segments that are no longer listed are not counted twice when the past is decided anew", () => {
	const found = new Found(2);
	for (const start of [0, 1000, 2000]) found.finish(ended(start, start + 500));
	found.restate({ from_ms: 0, segments: [0, 1000, 2000].map((start) => ended(start, start + 500)), open_since_ms: null });
	assert.equal(found.count, 3);
	assert.deepEqual(found.segments.map(({ number }) => number), [2, 3]);
});

const texts = { seconds: "{s} s", one_open: "open", start_late: "start {s}", kept_from: "{time}", on_disk: "{size}", state: "{size}" };

test("figures of a session", () => {
	const none = facts({ track: null }, texts);
	assert.ok(Object.values(none).every(({ value }) => value === "–"));
	const track = new Track(1000);
	track.hear(new Int16Array(4500));
	track.score(0, new Array(400).fill(0.5)); // the rest is on its way
	const found = new Found(9);
	found.begin({ start_ms: 1000, made_after_ms: 210 });
	found.finish({ ...ended(1000, 3000), made_after_ms: 855 });
	const status = { kept_ms: 4000, kept_from_ms: 0, state_bytes: 43_000, memory_bytes: 2_400_000, disk_bytes: 384_000 };
	const told = facts({ track, found, status }, texts);
	assert.deepEqual(told.speech, { value: "50%", note: "0:02" });
	assert.deepEqual(told.delay, { value: "0.85 s", note: "start 0.21 s" });
	assert.deepEqual(told.kept, { value: "0:04", note: "384 kB" });
	assert.deepEqual(told.memory, { value: "2.4 MB", note: "43 kB" });
	const later = facts({ track, found, status: { ...status, kept_from_ms: 120_000 } }, texts);
	assert.equal(later.kept.note, "2:00");
});

test("times, sizes, moods and the address of the result", () => {
	assert.equal(moment(3250), "0:03.25");
	assert.equal(moment(3_603_250), "1:00:03.25");
	assert.equal(size(43_210), "43 kB");
	assert.equal(size(3_210_000_000), "3.2 GB");
	const base = { state: "running", runs: true, connection: "live", loading: "", track: {}, found: { open: null } };
	assert.equal(moodOf(base), "listening");
	assert.equal(moodOf({ ...base, found: { open: {} } }), "speech");
	assert.equal(moodOf({ ...base, connection: "lost", found: { open: {} } }), "lost");
	assert.equal(moodOf({ ...base, connection: "connecting", loading: "model" }), "loading");
	assert.equal(moodOf({ ...base, runs: false, state: "ended" }), "ended");
	assert.equal(moodOf({ ...base, runs: false, state: "ended", track: null }), "idle");
	const live = { result: "abc", options: { max_end_silence_time: 500, dynamic_silence: true } };
	assert.equal(queryOf(live, ["max_end_silence_time", "dynamic_silence"]), "r=abc&max_end_silence_time=500&dynamic_silence=true");
});
