// What a batch is made of: files that are chosen or dropped, or a folder of the server; the
// formats; and the options of the card beside, as they are when it begins.
const find = (selector) => element.querySelector(selector);
const texts = JSON.parse(props.texts);
const names = JSON.parse(props.options);
const suffixes = JSON.parse(props.suffixes);
const from = (name) => import(new URL(`${props.root}static/${name}.js`, document.baseURI));
const start = find(".vad-batch-start");
const chosen = find(".vad-batch-chosen");
const server = find(".vad-batch-server");
const folder = server.querySelector("input");
const problem = find(".vad-batch-problem");
const SHOWN = 4;
let files = [];
let again = []; // names of those that were chosen already
let options = JSON.parse(props.defaults);

const modules = Promise.all(["batch/dropped", "batch/send", "view/text", "view/tabs"].map(from));

function complain(text) {
	problem.textContent = text;
	problem.hidden = !text;
}

function size(bytes) {
	return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

// The first names, and how many more there are.
function some(names, fill) {
	const first = names.slice(0, SHOWN);
	if (names.length > SHOWN) first.push(fill(texts.more, { count: (names.length - SHOWN).toLocaleString() }));
	return first.join(" · ");
}

async function show() {
	const [, , { fill }] = await modules;
	const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
	chosen.hidden = !files.length;
	chosen.querySelector("b").textContent = fill(texts.count, { count: files.length.toLocaleString(), size: size(bytes) });
	chosen.querySelector("span").textContent = some(files.map(({ name }) => name), fill);
	const formats = element.querySelectorAll(".vad-batch-formats :checked").length;
	const isMany = files.length > props.most;
	const named = server.hidden ? "" : folder.value.trim();
	const isNone = !files.length && !named;
	start.disabled = !formats || isMany || isNone;
	find(".vad-batch-why").textContent = isNone ? texts.why_files : formats ? "" : texts.why_formats;
	const twice = chosen.querySelector("em");
	twice.hidden = !again.length;
	twice.textContent = again.length ? fill(texts.again, { names: some(again, fill) }) : "";
	start.textContent = files.length ? fill(texts.start_files, { count: files.length.toLocaleString() }) : texts.start;
	complain(isMany ? fill(texts.too_many, { count: props.most.toLocaleString() }) : "");
}

async function add(more) {
	const [{ merged }] = await modules;
	({ files, again } = merged(files, more));
	if (files.length) folder.value = "";
	show();
}

async function begin() {
	const [, { post }] = await modules;
	start.disabled = true;
	const body = {
		options,
		formats: [...element.querySelectorAll(".vad-batch-formats :checked")].map(({ value }) => value),
		channel: find("[name=channel]").value,
		engine: find("[name=engine]").value,
	};
	if (files.length) body.files = files.map(({ name, file }) => ({ name, size: file.size }));
	else body.folder = folder.value.trim();
	const address = new URL(`${props.root}batches?language=${props.language}`, document.baseURI);
	const { status, text } = await post(address, body);
	await show();
	if (status !== 201) {
		complain(text || texts.unreachable);
		return;
	}
	const sent = files;
	[files, again] = [[], []];
	show();
	document.dispatchEvent(new CustomEvent("vad:batch", { detail: { id: JSON.parse(text).id, files: sent } }));
}

// Not in the page: its buttons stand for them, by keyboard and screen reader too.
function picker(isFolder) {
	const input = document.createElement("input");
	input.type = "file";
	input.multiple = true;
	input.webkitdirectory = isFolder;
	if (!isFolder) input.accept = ["audio/*", "video/*", ...suffixes].join();
	input.addEventListener("change", async () => {
		const [{ chosenFiles }] = await modules;
		add(chosenFiles(input.files, suffixes));
		input.value = "";
	});
	return input;
}
const [fileInput, folderInput] = [picker(false), picker(true)];
find(".vad-batch-files").addEventListener("click", () => fileInput.click());
find(".vad-batch-dir").addEventListener("click", () => folderInput.click());
find(".vad-batch-drop").addEventListener("click", (event) => {
	if (!event.target.closest("button")) fileInput.click();
});
chosen.querySelector("button").addEventListener("click", () => {
	[files, again] = [[], []];
	show();
});
folder.addEventListener("input", () => {
	if (folder.value.trim()) [files, again] = [[], []];
	show();
});
start.addEventListener("click", begin);

// Dropped on this tab, or several at once on another one.
document.addEventListener("vad:dropped", ({ detail }) => {
	const entries = [...detail.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
	const plain = [...detail.files];
	modules.then(async ([{ chosenFiles, filesOf }, , , { chooseTab }]) => {
		chooseTab("batch");
		if (document.documentElement.dataset.batch === "running") return;
		document.dispatchEvent(new CustomEvent("vad:batch", { detail: null }));
		try {
			await add(entries.length ? await filesOf(entries, suffixes, props.most) : chosenFiles(plain, suffixes));
		} catch {
			complain(texts.unreadable);
		}
	});
});
document.addEventListener("vad:options", ({ detail }) => {
	options = Object.fromEntries(names.map((name, i) => [name, detail[i]]));
});

const box = find(".vad-batch-formats");
for (const { name, title } of JSON.parse(props.formats)) {
	const label = box.querySelector("template").content.firstElementChild.cloneNode(true);
	const input = label.querySelector("input");
	input.value = name;
	input.checked = name === "json";
	label.querySelector("i").textContent = title;
	box.append(label);
}
box.addEventListener("change", show);
for (const name of ["channel", "engine"]) {
	const select = find(`[name=${name}]`);
	select.append(...JSON.parse(props[`${name}s`]).map(([label, value]) => new Option(label, value)));
	if (name === "engine") select.value = props.engine;
}
const roots = JSON.parse(props.folders);
server.hidden = !roots.length;
find("datalist").append(...roots.map((root) => new Option(root)));
show();
