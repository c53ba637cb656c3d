// Memory and the model's state. Texts change in place, so nothing flickers and a
// screen reader is not told every two seconds.
const box = element.querySelector(".vad-system-box");
const bar = element.querySelector(".vad-system-bar");
const message = element.querySelector(".vad-system-message");
const panel = element.closest(".vad-panel");
let toldIn = "";
let unloadedAt = null;

function set(node, text) {
	if (node.textContent !== text) node.textContent = text;
}

// As many children as there are items, each filled from its own; those that are there stay.
function fill(parent, items, make, write) {
	while (parent.children.length > items.length) parent.lastChild.remove();
	while (parent.children.length < items.length) parent.append(make());
	items.forEach((item, index) => write(parent.children[index], item));
}

function tags(name, ...children) {
	const node = document.createElement(name);
	node.append(...children.map((child) => document.createElement(child)));
	return node;
}

// The first of a kind is the fullest shade, the others fade.
function stack(parent, parts) {
	const seen = {};
	fill(parent, parts, () => tags("i"), (node, part) => {
		const nth = (seen[part.kind] = (seen[part.kind] ?? -1) + 1);
		node.className = `is-${part.kind}`;
		node.title = part.label;
		node.style.setProperty("--share", part.share);
		node.style.setProperty("--shade", `${Math.max(34, 100 - 17 * nth)}%`);
	});
	parent.setAttribute("aria-description", parts.map((part) => part.label).join("; "));
}

function pairs(list, rows) {
	fill(list, rows, () => tags("div", "dt", "dd"), (node, row) => {
		[...node.children].forEach((child, index) => set(child, row[index]));
		node.title = row[2] || "";
	});
}

function showProcess(node, process) {
	node.dataset.kind = process.kind;
	const [heading, figures, parts] = node.children;
	set(heading, process.name);
	pairs(figures, process.figures);
	pairs(parts, process.parts);
}

function makeProcess() {
	const node = tags("div", "h4", "dl", "dl");
	node.className = "vad-process";
	node.lastChild.className = "is-parts";
	return node;
}

// Why the button is off, at the button itself; Gradio has no title for one.
function explain(reason) {
	set(box.querySelector("#vad-clear-reason"), reason);
	const button = document.getElementById("vad-clear");
	if (!button || button.title === reason) return;
	button.title = reason;
	if (reason) button.setAttribute("aria-describedby", "vad-clear-reason");
	else button.removeAttribute("aria-describedby");
}

function showDetails(state) {
	fill(box.querySelector(".vad-processes"), state.processes, makeProcess, showProcess);
	const row = () => tags("div", "dt", "dd", "small");
	fill(box.querySelector('[data-list="facts"]'), state.facts, row, (node, fact) => {
		[...node.children].forEach((child, index) => set(child, fact[index]));
	});
	const cache = () => tags("div", "dt", "dd", "small", "i");
	fill(box.querySelector('[data-list="caches"]'), state.caches, cache, (node, kept) => {
		[kept.name, kept.size, kept.most].forEach((text, index) => set(node.children[index], text));
		node.title = kept.help;
		node.lastChild.style.setProperty("--share", kept.share);
	});
}

function show() {
	if (!props.value) return;
	const state = JSON.parse(props.value);
	box.dataset.state = state.state;
	box.querySelectorAll("[data-text]").forEach((node) => set(node, state.texts[node.dataset.text] || ""));
	box.querySelectorAll("[data-stack]").forEach((node) => stack(node, state[node.dataset.stack]));
	box.querySelectorAll("[data-row]").forEach((node) => { node.hidden = !state.has[node.dataset.row]; });
	box.querySelector("path.is-page").setAttribute("d", state.trend.page);
	box.querySelector("path.is-engine").setAttribute("d", state.trend.engine);
	showDetails(state);
	explain(state.clear_reason);
	const { unloaded } = state;
	const phase = state.state === "busy" ? "ready" : state.state;
	if ("message" in state) {
		message.hidden = !state.message;
		message.classList.toggle("is-error", state.is_error);
		set(message, state.message || "");
		toldIn = phase;
	} else if (unloaded && unloaded.at_s !== unloadedAt) {
		// Once: what is done afterwards has something to say, too.
		message.hidden = false;
		message.classList.remove("is-error");
		set(message, unloaded.text);
		toldIn = phase;
	} else if (phase !== toldIn) {
		// What was said of a model that was loaded, or was not, no longer holds.
		message.hidden = true;
	}
	if (unloaded) unloadedAt = unloaded.at_s;
}
bar.addEventListener("click", () => {
	const open = panel.classList.toggle("is-open");
	bar.setAttribute("aria-expanded", open);
});
// Without a connection nothing is known of the model.
const texts = JSON.parse(props.texts);
let isAway = document.documentElement.hasAttribute("data-line-down");
function showLine() {
	if (isAway) {
		box.dataset.state = "away";
		for (const node of box.querySelectorAll('[data-text="state"]')) set(node, texts.away);
		for (const node of box.querySelectorAll(':is([data-text="detail"], [data-text="idle"])')) set(node, "");
	} else show();
}
document.addEventListener("vad:line", ({ detail }) => {
	isAway = detail;
	showLine();
});
watch("value", show);
show();
if (isAway) showLine();
