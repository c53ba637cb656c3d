import assert from "node:assert/strict";
import test from "node:test";

// A browser's devices: each question stays open until a test answers it.
const asked = [];
const joined = [];

function streamOf(device) {
	const track = { stopped: false, stop: () => (track.stopped = true), addEventListener() {}, removeEventListener() {} };
	return { device, track, getTracks: () => [track], getAudioTracks: () => [track] };
}

const mediaDevices = {
	getUserMedia: ({ audio }) =>
		new Promise((give, refuse) => {
			const device = audio.deviceId?.exact ?? "";
			const stream = streamOf(device);
			const fail = (name) => refuse(Object.assign(new Error(name), { name }));
			asked.push({ device, stream, give: () => give(stream), fail });
		}),
};
const locks = { request: (_, __, hold) => hold({}) };
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices, locks }, configurable: true });
globalThis.AudioContext = class {
	sampleRate = 48_000;
	state = "suspended";
	audioWorklet = { addModule: async () => {} };
	createMediaStreamSource = (stream) => {
		joined.push(stream.device);
		return { connect() {}, disconnect() {} };
	};
	resume = async () => {};
	close = async () => (this.state = "closed");
};
globalThis.AudioWorkletNode = class {
	port = {};
};

// A session that a failed test leaves behind does not keep the tests from ending.
const setInterval = globalThis.setInterval;
globalThis.setInterval = (...given) => setInterval(...given).unref();

const { live } = await import("../../webui/ui/static/live/live.js");
const settle = () => new Promise((done) => setTimeout(done));
const sockets = [];
const connect = () => {
	sockets.push({ readyState: 0, close() {} });
	return sockets.at(-1);
};

async function begun(device) {
	asked.length = joined.length = sockets.length = 0;
	live.start({ choice: { device }, connect, language: "en" });
	await settle();
}

async function running() {
	await begun("first");
	asked[0].give();
	await settle();
	assert.equal(live.state, "running");
}

async function over() {
	live.stop();
	await settle();
	sockets.at(-1).onmessage?.({ data: JSON.stringify({ type: "end", reason: "stop", result: null }) });
	assert.equal(live.state, "ended");
}

test("of two quick changes of the device the last one holds, whichever opens first", async () => {
	await running();
	live.change({ device: "second" });
	live.change({ device: "third" });
	asked[2].give();
	await settle();
	asked[1].give();
	await settle();
	assert.deepEqual(joined, ["first", "third"]);
	assert.deepEqual(asked.map(({ stream }) => stream.track.stopped), [true, true, false]);
	await over();
});

test("a change that failed but was given up does not end the session", async () => {
	await running();
	live.change({ device: "second" });
	live.change({ device: "third" });
	asked[1].fail("NotFoundError");
	asked[2].give();
	await settle();
	assert.equal(live.state, "running");
	assert.deepEqual(joined, ["first", "third"]);
	await over();
});

test("what is chosen while the browser asks for permission is what is heard", async () => {
	await begun("first");
	live.change({ device: "second" });
	live.change({ device: "third" });
	asked[0].give();
	await settle();
	assert.deepEqual(asked.map(({ device }) => device), ["first", "third"]);
	asked[1].give();
	await settle();
	assert.equal(live.state, "running");
	assert.equal(joined.at(-1), "third");
	assert.equal(asked[0].stream.track.stopped, true);
	await over();
});

test("a session that never reached the server promises no result", async (t) => {
	t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
	const now = t.mock.method(performance, "now", () => 0);
	asked.length = 0;
	live.start({ choice: { device: "" }, connect, language: "en" });
	for (let each = 0; each < 20; each++) await null;
	asked[0].give();
	for (let each = 0; each < 20; each++) await null;
	assert.equal(live.state, "running");
	sockets.at(-1).onclose({});
	now.mock.mockImplementation(() => 61_000);
	t.mock.timers.tick(250);
	sockets.at(-1).onclose({});
	assert.deepEqual([live.state, live.problem], ["ended", { code: "unreachable" }]);
});
