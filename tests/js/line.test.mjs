import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

const source = await readFile(new URL("../../webui/ui/static/line.js", import.meta.url), "utf8");
globalThis.location = { href: "http://here/zh/", origin: "http://here" };
const Line = new Function(`${source}; return Line;`)();

const json = (value, status = 200) =>
	new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
const settle = () => new Promise((done) => setImmediate(done));

// A server behind a line that can be cut; what is to come later is let come by hand.
function setting() {
	const here = { isUp: true, sent: [], told: [], renewed: 0, id: 7, waits: [], answer: () => json({ data: [1] }) };
	here.line = new Line({
		fetch: async (address, init) => {
			if (!here.isUp) throw new TypeError("Failed to fetch");
			if (String(address).endsWith("/app_id")) return json({ app_id: here.id });
			here.sent.push([String(address), init?.body]);
			return here.answer(address, init);
		},
		known: () => 7,
		changed: (isDown) => here.told.push(isDown),
		renewed: () => here.renewed++,
		lost: "lost",
		later: (act, ms) => here.waits.push({ act, ms }),
	});
	here.pass = async () => {
		for (const { act } of here.waits.splice(0)) act();
		for (let turn = 0; turn < 5; turn++) await settle();
	};
	return here;
}

const RUN = "http://here/zh/gradio_api/run/predict";
const post = (fn_index, data) => ({ method: "POST", body: JSON.stringify({ fn_index, data }) });

test("a request that meets a dead line is sent again once the server answers", async () => {
	const here = setting();
	here.isUp = false;
	const answer = here.line.fetch(RUN, post(1, "a"));
	await settle();
	assert.deepEqual([here.told, here.sent.length], [[true], 0]);
	await here.pass();
	await here.pass();
	assert.equal(here.waits.length, 1); // one asks, with growing pauses
	assert.equal(here.waits[0].ms, 1000);
	here.isUp = true;
	await here.pass();
	assert.deepEqual(await (await answer).json(), { data: [1] });
	assert.deepEqual([here.told, here.sent.length, here.renewed], [[true, false], 1, 0]);
});

test("of a kind the last one alone is sent, and answers all", async () => {
	const here = setting();
	here.isUp = false;
	const answers = [here.line.fetch(RUN, post(1, "a")), here.line.fetch(RUN, post(1, "b")), here.line.fetch(RUN, post(2, "c"))];
	await settle();
	answers.push(here.line.fetch(RUN, post(1, "last")));
	here.isUp = true;
	await here.pass();
	for (const answer of answers) assert.deepEqual(await (await answer).json(), { data: [1] });
	assert.deepEqual(here.sent.map(([, body]) => JSON.parse(body).data).sort(), ["c", "last"]);
});

test("no more wait than are bounded, and those that are refused are told", async () => {
	const here = setting();
	here.isUp = false;
	const join = "http://here/zh/gradio_api/queue/join";
	for (let number = 0; number < 64; number++) here.line.fetch(join, post(number));
	await settle();
	const refused = await here.line.fetch(join, post(99));
	assert.deepEqual([refused.status, await refused.json()], [503, { error: "lost", detail: "lost" }]);
});

test("an answer of the server, an abort and all that is not Gradio's stay as they are", async () => {
	const here = setting();
	here.answer = () => json({ error: "no" }, 500);
	assert.equal((await here.line.fetch(RUN, post(1))).status, 500);
	here.isUp = false;
	await assert.rejects(here.line.fetch("http://here/static/x.js"), TypeError);
	await assert.rejects(here.line.fetch("http://here/zh/gradio_api/app_id"), TypeError);
	await assert.rejects(here.line.fetch("http://here/zh/gradio_api/upload", { method: "POST" }), TypeError);
	await assert.rejects(here.line.fetch("http://there/gradio_api/run/predict", post(1)), TypeError);
	const control = new AbortController();
	const answer = here.line.fetch(RUN, { ...post(1), signal: control.signal });
	await settle();
	control.abort();
	here.isUp = true;
	await Promise.all([assert.rejects(answer, { name: "AbortError" }), settle().then(here.pass)]);
});

test("a proxy without a server behind it counts as a dead line", async () => {
	const here = setting();
	here.answer = () => new Response("<html>", { status: 502, headers: { "content-type": "text/html" } });
	const answer = here.line.fetch(RUN, post(1));
	await settle();
	here.answer = () => json({ data: [2] });
	await here.pass();
	assert.deepEqual(await (await answer).json(), { data: [2] });
});

test("another application behind the address is told", async () => {
	const here = setting();
	here.isUp = false;
	here.line.fetch(RUN, post(1));
	await settle();
	here.isUp = true;
	here.id = 8;
	await here.pass();
	assert.equal(here.renewed, 1);
});

test("a stream of answers that breaks ends in words, not in a broken connection", async () => {
	const here = setting();
	let tell;
	const piece = (text) => tell.enqueue(new TextEncoder().encode(text));
	here.answer = () => new Response(new ReadableStream({ start: (stream) => (tell = stream) }));
	const response = await here.line.fetch("http://here/zh/gradio_api/queue/data?session_hash=x");
	piece('data: {"msg":"unexpected_error","session_not_found":true}\n\n');
	const reader = response.body.getReader();
	const read = async () => new TextDecoder().decode((await reader.read()).value);
	assert.match(await read(), /"session_not_found":false/);
	tell.error(new TypeError("network error"));
	assert.match(await read(), /"msg":"unexpected_error","message":"lost"/);
	assert.match(await read(), /close_stream/);
	assert.ok((await reader.read()).done);
	assert.deepEqual(here.told, [true]);
});
