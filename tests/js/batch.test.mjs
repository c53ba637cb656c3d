// What is dropped becomes files with names; they are sent two at a time, and none is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenFiles, filesOf, isWanted, merged } from "../../webui/ui/static/batch/dropped.js";
import { Sender } from "../../webui/ui/static/batch/send.js";

const SUFFIXES = [".wav", ".flac"];

test("of folders, audio by its ending; a file that is named as it is", () => {
	assert.ok(isWanted("talk.xyz", SUFFIXES));
	assert.ok(isWanted("day/talk.WAV", SUFFIXES));
	for (const name of ["day/talk.xyz", "day/.hidden.wav", ".git/a.wav", "day/wav"]) {
		assert.ok(!isWanted(name, SUFFIXES), name);
	}
	const files = [
		{ name: "a.wav", webkitRelativePath: "day/a.wav" },
		{ name: "notes.txt", webkitRelativePath: "day/notes.txt" },
		{ name: "b.ogg", webkitRelativePath: "" },
	];
	assert.deepEqual(chosenFiles(files, SUFFIXES).map(({ name }) => name), ["day/a.wav", "b.ogg"]);
});

test("a file is taken once, and another one of the same name too", () => {
	const given = (name, size, lastModified = 1) => ({ name, file: { size, lastModified } });
	const first = merged([], [given("a.wav", 1), given("day/a.wav", 1), given("a.wav", 1)]);
	assert.deepEqual(first.files.map(({ name }) => name), ["a.wav", "day/a.wav"]);
	assert.deepEqual(first.again, ["a.wav"]);
	const more = merged(first.files, [given("a.wav", 2), given("day/a.wav", 1), given("a.wav", 1, 2)]);
	assert.deepEqual(more.files.map(({ name }) => name), ["a.wav", "day/a.wav", "a.wav", "a.wav"]);
	assert.deepEqual(more.again, ["day/a.wav"]);
});

const file = (name) => ({ name, isFile: true, file: (resolve) => resolve({ name }) });
const folder = (name, inside) => ({
	name,
	createReader() {
		const left = [...inside];
		// As a browser does: some at a time.
		return { readEntries: (resolve) => resolve(left.splice(0, 2)) };
	},
});

test("folders are walked, in order, and not without end", async () => {
	const tree = folder("talks", [file("c.wav"), folder("a", [file("x.flac"), file("y.txt")]), file("b.wav")]);
	const found = await filesOf([tree, file("z.mp3")], SUFFIXES, 100);
	assert.deepEqual(found.map(({ name }) => name), ["talks/a/x.flac", "talks/b.wav", "talks/c.wav", "z.mp3"]);
	assert.equal((await filesOf([tree, file("z.mp3")], SUFFIXES, 1)).length, 2);
});

function sending(files, answers) {
	const posted = [];
	let atOnce = 0;
	let most = 0;
	const sender = new Sender(files.map((name, n) => ({ n, name, file: name })), {
		id: "b",
		address: (path) => path,
		async put(_, name, on) {
			most = Math.max(most, ++atOnce);
			on(0.5);
			await null;
			atOnce -= 1;
			const status = answers[name]?.shift() ?? 201;
			return { status, text: status === 201 ? JSON.stringify({ id: `u-${name}` }) : "why" };
		},
		async post(path, body) {
			posted.push([path, body]);
		},
		wait: async () => {},
	});
	return { sender, posted, most: () => most };
}

test("each is sent and handed in, two at a time", async () => {
	const { sender, posted, most } = sending(["a", "b", "c"], {});
	assert.ok(sender.isBusy);
	await sender.run();
	assert.ok(!sender.isBusy);
	assert.equal(most(), 2);
	assert.deepEqual(posted.map(([path, { upload }]) => [path, upload]).sort(), [
		["batches/b/files/0", "u-a"],
		["batches/b/files/1", "u-b"],
		["batches/b/files/2", "u-c"],
	]);
});

test("a full server and a lost connection are waited for; what is refused is told", async () => {
	const { sender, posted } = sending(["a", "b"], { a: [507, 0], b: [413] });
	await sender.run();
	assert.deepEqual(posted.sort(), [
		["batches/b/files/0", { upload: "u-a" }],
		["batches/b/files/1", { problem: "why" }],
	]);
});

test("nothing is sent any more once it is stopped", async () => {
	const { sender, posted } = sending(["a", "b", "c"], {});
	const run = sender.run();
	sender.stop();
	await run;
	assert.deepEqual(posted, []);
	assert.ok(!sender.isBusy);
});
