import assert from "node:assert/strict";
import test from "node:test";

import { StreamClient } from "../../webui/ui/static/live/client.js";

class Clock {
	time = 0;
	waiting = new Map();
	number = 0;
	now = () => this.time;
	later = (act, ms) => {
		this.waiting.set(++this.number, { act, at: this.time + ms });
		return this.number;
	};
	never = (timer) => this.waiting.delete(timer);

	pass(ms) {
		const until = this.time + ms;
		for (;;) {
			const due = [...this.waiting].filter(([, { at }]) => at <= until).sort((a, b) => a[1].at - b[1].at)[0];
			if (!due) break;
			this.waiting.delete(due[0]);
			this.time = due[1].at;
			due[1].act();
		}
		this.time = until;
	}
}

// A server that remembers what it received; its connections end as a test wants it.
class Server {
	bytes = [];
	said = [];
	sockets = [];
	end = null;
	isThere = true;

	connect = () => {
		const socket = {
			readyState: 0,
			bufferedAmount: 0,
			send: (data) => {
				assert.equal(socket.readyState, 1);
				if (typeof data === "string") this.said.push(JSON.parse(data));
				else this.bytes.push(...data);
			},
			close: () => this.cut(socket),
		};
		this.sockets.push(socket);
		return socket;
	};

	get socket() {
		return this.sockets.at(-1);
	}

	accept(received = this.bytes.length, options = {}) {
		this.socket.readyState = 1;
		this.socket.onopen({});
		this.bytes.length = received;
		this.tell({ type: "ready", stream: "s", key: "k", received_bytes: received, options });
	}

	tell(message) {
		this.socket.onmessage({ data: JSON.stringify(message) });
	}

	cut(socket = this.socket) {
		if (socket.readyState === 3) return;
		socket.readyState = 3;
		socket.onclose({});
	}
}

function opened(more = {}) {
	const [server, clock] = [new Server(), new Clock()];
	const told = { heard: [], states: [], failed: [] };
	const client = new StreamClient({
		connect: server.connect,
		start: { rate_hz: 48_000, options: { a: 1 } },
		hear: (message) => told.heard.push(message.type),
		change: (state) => told.states.push(state),
		fail: (reason) => told.failed.push(reason),
		most_bytes: 1000,
		give_up_ms: 60_000,
		clock,
		...more,
	});
	client.open();
	return { server, clock, client, told };
}

let next = 0;
// Numbered, so that whatever is lost or doubled shows.
function piece(size) {
	return Uint8Array.from({ length: size }, () => next++ % 256);
}
const numbered = (count) => Array.from({ length: count }, (_, index) => index % 256);

test.beforeEach(() => (next = 0));

test("what is said before the server is ready is sent once it is", () => {
	const { server, client, told } = opened();
	client.send(piece(100));
	server.accept();
	client.send(piece(50));
	assert.deepEqual(server.said, [{ type: "start", rate_hz: 48_000, options: { a: 1 } }]);
	assert.deepEqual(server.bytes, numbered(150));
	assert.deepEqual(told.states, ["connecting", "live"]);
});

test("after a lost connection the sound goes on at the byte that the server has not", () => {
	const { server, clock, client, told } = opened();
	server.accept();
	for (let each = 0; each < 6; each++) client.send(piece(50));
	server.tell({ type: "speech_start", start_ms: 0, number: 7 });
	server.tell({ type: "frames", first: 10, speech: [0.5, 0.5], received_bytes: 100 });
	assert.equal(client.waiting_bytes, 200);
	server.cut();
	client.send(piece(30));
	client.send(piece(31));
	assert.equal(told.states.at(-1), "lost");
	clock.pass(250);
	assert.equal(server.sockets.length, 2);
	server.accept(125); // in the middle of a piece: the rest of what was sent never came
	assert.deepEqual(server.said.at(-1), { type: "resume", stream: "s", key: "k", events: 7, frames: 12 });
	assert.deepEqual(server.bytes, numbered(361));
	assert.deepEqual(told.failed, []);
	assert.equal(told.states.at(-1), "live");
});

test("a connection that was never ready begins anew, with all that was said", () => {
	const { server, clock, client } = opened();
	client.send(piece(40));
	server.cut();
	clock.pass(250);
	server.accept();
	assert.deepEqual(server.said.map(({ type }) => type), ["start"]);
	assert.deepEqual(server.bytes, numbered(40));
});

test("it tries again ever more slowly, at once when the network is back, and gives up in the end", () => {
	const { server, clock, client, told } = opened();
	server.accept();
	server.cut();
	const tries = () => server.sockets.length - 1;
	for (const [ms, count] of [[250, 1], [500, 2], [1000, 3], [2000, 4], [2000, 5]]) {
		clock.pass(ms);
		assert.equal(tries(), count);
		server.cut();
	}
	client.retry();
	assert.equal(tries(), 6);
	client.retry(); // it is being tried
	assert.equal(tries(), 6);
	for (let each = 0; each < 40 && !told.failed.length; each++) {
		server.cut();
		clock.pass(2000);
	}
	assert.deepEqual(told.failed, ["gone"]);
	assert.equal(client.state, "closed");
	assert.equal(clock.waiting.size, 0);
});

test("a silent server is taken for a lost connection", () => {
	const { server, clock, client, told } = opened();
	server.accept();
	client.send(piece(100));
	clock.pass(19_000);
	server.tell({ type: "status" });
	clock.pass(19_000);
	assert.equal(told.states.at(-1), "live");
	clock.pass(1_300);
	assert.equal(told.states.at(-1), "lost");
	assert.equal(server.sockets.length, 2);
});

test("while nothing is sent nothing is waited for, and sound after a pause has its time again", () => {
	const { server, clock, client, told } = opened();
	server.accept();
	client.send(piece(100));
	server.tell({ type: "frames", first: 0, speech: [0], received_bytes: 100 });
	clock.pass(300_000);
	assert.equal(server.sockets.length, 1);
	client.send(piece(100));
	clock.pass(10_000);
	client.send(piece(100)); // more of it is no answer
	clock.pass(9_900);
	assert.deepEqual(told.states, ["connecting", "live"]);
	clock.pass(100);
	assert.equal(told.states.at(-1), "lost");
});

test("an answer to a stop, and a new connection, are waited for even in silence", () => {
	const { server, clock, client } = opened();
	server.accept();
	server.cut();
	clock.pass(250); // nobody answers
	assert.equal(server.sockets.length, 2);
	clock.pass(20_000 + 2000);
	assert.equal(server.sockets.length, 3);
	server.accept();
	client.stop();
	clock.pass(22_000);
	assert.equal(server.sockets.length, 4);
});

test("what waits is bounded", () => {
	const { server, client, told } = opened();
	server.accept();
	server.cut();
	for (let each = 0; each < 20; each++) client.send(piece(50));
	assert.deepEqual(told.failed, []);
	client.send(piece(50));
	assert.deepEqual(told.failed, ["behind"]);
	assert.equal(client.waiting_bytes, 0);
});

test("a slow connection is not filled beyond what the browser may hold", () => {
	const { server, clock, client } = opened({ most_bytes: 1e6 });
	server.accept();
	server.socket.bufferedAmount = 300_000;
	client.send(piece(50));
	assert.equal(server.bytes.length, 0);
	server.socket.bufferedAmount = 0;
	clock.pass(50);
	assert.deepEqual(server.bytes, numbered(50));
});

test("stopping sends the rest first, also over another connection, and ends with the server's end", () => {
	const { server, clock, client, told } = opened();
	server.accept();
	client.send(piece(60));
	server.cut();
	client.send(piece(60));
	client.stop();
	client.send(piece(60)); // too late
	clock.pass(250);
	server.accept(10);
	assert.deepEqual(server.bytes, numbered(120));
	assert.deepEqual(server.said.map(({ type }) => type), ["start", "resume", "stop"]);
	server.cut(); // before it answered
	clock.pass(250);
	server.accept(120);
	assert.deepEqual(server.said.map(({ type }) => type).slice(-2), ["resume", "stop"]);
	server.tell({ type: "end", result: "r" });
	assert.equal(told.heard.at(-1), "end");
	assert.equal(client.state, "closed");
	assert.deepEqual(told.failed, []);
});

test("options that are set while there is no connection are told later, the last of them once", () => {
	const { server, clock, client } = opened();
	server.accept();
	server.cut();
	client.tune({ a: 2 }, true);
	client.tune({ a: 3 }, false);
	clock.pass(250);
	server.accept();
	assert.deepEqual(server.said.at(-1), { type: "tune", options: { a: 3 }, past: true });
	client.tune({ a: 4 }, false);
	assert.deepEqual(server.said.at(-1), { type: "tune", options: { a: 4 }, past: false });
});

test("an error ends the stream, one that is not fatal does not", () => {
	const { server, clock, client, told } = opened();
	server.accept();
	server.tell({ type: "error", code: "options", message: "no", fatal: false });
	assert.equal(client.state, "live");
	server.tell({ type: "error", code: "engine_busy", message: "no", fatal: true });
	assert.equal(client.state, "closed");
	clock.pass(60_000);
	assert.equal(server.sockets.length, 1);
	assert.deepEqual(told.heard.filter((type) => type === "error").length, 2);
});

test("options that were on the way when the connection was lost are told again", () => {
	const { server, clock, client } = opened();
	const tunes = () => server.said.filter(({ type }) => type === "tune");
	server.accept(0, { a: 1, b: 5 });
	client.tune({ a: 2 }, true);
	assert.equal(tunes().length, 1);
	server.cut();
	clock.pass(300);
	server.accept(0, { a: 1, b: 5 });
	assert.deepEqual(tunes().slice(1), [{ type: "tune", options: { a: 2 }, past: true }]);
	server.cut();
	clock.pass(300);
	server.accept(0, { a: 2, b: 5 });
	assert.equal(tunes().length, 2);
});
