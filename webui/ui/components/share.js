// The settings of a result to take along: a link, a command line, Python.
const texts = JSON.parse(props.texts);
const fold = element.querySelector(".vad-share-box");
const list = element.querySelector(".vad-share-list");
const note = element.querySelector(".vad-share-note");
const boxes = {};
let result = null;

for (const kind of ["link", "command", "python"]) {
	const line = document.createElement("div");
	const label = document.createElement("b");
	label.textContent = texts[kind];
	const text = document.createElement("pre");
	text.tabIndex = 0;
	text.setAttribute("aria-label", texts[kind]);
	const button = document.createElement("button");
	button.type = "button";
	button.textContent = texts.copy;
	button.setAttribute("aria-label", texts[`copy_${kind}`]);
	button.addEventListener("click", async () => {
		let copied = true;
		try {
			await navigator.clipboard.writeText(text.textContent);
		} catch {
			// Not over plain http, and not without leave: the visitor's own keys copy it then.
			copied = false;
			getSelection().selectAllChildren(text);
		}
		button.textContent = copied ? texts.copied : texts.selected;
		setTimeout(() => (button.textContent = texts.copy), 1500);
	});
	line.append(label, text, button);
	list.append(line);
	boxes[kind] = text;
}

let drop = new AbortController();
async function show() {
	if (!fold.open || !result) return;
	note.hidden = !result.edited;
	drop.abort();
	const { signal } = (drop = new AbortController());
	boxes.link.textContent = new URL(`?${result.query}`, location.href.split(/[?#]/)[0]);
	let given;
	try {
		const query = `${result.query}&language=${props.language}`;
		const address = `${props.root}results/${result.id}/recipe?${query}`;
		const answer = await fetch(new URL(address, document.baseURI), { signal });
		given = answer.ok ? await answer.json() : { command: await answer.text(), python: "" };
	} catch {
		given = { command: texts.unreachable, python: "" };
	}
	if (signal.aborted) return;
	boxes.command.textContent = given.command;
	boxes.python.textContent = given.python;
}

fold.addEventListener("toggle", show);
document.addEventListener("vad:result", ({ detail }) => {
	result = detail;
	show();
});
result = window.vadResult || null;
