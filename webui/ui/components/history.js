// What was run: searchable, opened again with its options. It comes from the server whenever the
// tab is shown, since commands on this machine add to it too.
const texts = JSON.parse(props.texts);
const find = (selector) => element.querySelector(selector);
const search = find(".vad-history-search");
const note = find(".vad-history-note");
const list = find(".vad-history-list");
const clear = find(".vad-history-clear");
const question = find(".vad-history-question");
const SEARCH_MS = 150;
const STEP = 100;
let most = STEP;
let asked = 0;

const moment = new Intl.DateTimeFormat(props.language === "zh" ? "zh-CN" : "en", { dateStyle: "medium", timeStyle: "short" });

function address() {
	const query = new URLSearchParams({ search: search.value, shown: most, language: props.language });
	return new URL(`${props.root}history?${query}`, document.baseURI);
}

function say(text, isError = false) {
	note.textContent = text;
	note.hidden = !text;
	note.classList.toggle("is-error", isError);
}

function send(event, detail) {
	document.dispatchEvent(new CustomEvent(event, { detail }));
}

async function open(run) {
	if (run.state === "kept" && run.tab === "batch") return openBatch(run);
	const { chooseTab } = await import(new URL(`${props.root}static/view/tabs.js`, document.baseURI));
	send("vad:open", run.query);
	if (run.state === "file") send("vad:pick", { origin: "run", id: String(run.id) });
	chooseTab(run.tab);
}

// By its address, on a page anew: the one here may be sending the files of another batch, and then
// the browser asks before it leaves.
function openBatch(run) {
	const query = new URLSearchParams(location.search);
	for (const [name, value] of new URLSearchParams(run.query)) query.set(name, value);
	location.assign(`${location.pathname}?${query}`);
}

function line(run) {
	const item = find("template").content.firstElementChild.cloneNode(true);
	const put = (selector, text) => (item.querySelector(selector).textContent = text);
	put("b", run.file);
	item.querySelector("b").title = run.file;
	put("time", moment.format(run.time_ms));
	item.querySelector("time").dateTime = new Date(run.time_ms).toISOString();
	put(".vad-history-source", run.source);
	put(".vad-history-about", run.about);
	if (run.missing) {
		const missing = document.createElement("span");
		missing.textContent = run.missing;
		item.querySelector(".vad-history-about").append(missing);
	}
	for (const figure of item.querySelectorAll("[data-figure]")) {
		figure.lastElementChild.textContent = run[figure.dataset.figure];
	}
	const button = item.querySelector("button");
	button.textContent = texts[`open_${run.state}`];
	button.setAttribute("aria-label", `${button.textContent}: ${run.file}`);
	button.addEventListener("click", () => open(run));
	return item;
}

function show({ count, rows }) {
	const hasWords = Boolean(search.value.trim());
	list.hidden = !rows.length;
	find("ol").replaceChildren(...rows.map(line));
	find(".vad-history-more").hidden = rows.length >= count;
	const badge = find(".vad-count");
	badge.textContent = count;
	badge.hidden = !count;
	clear.hidden = !count && !hasWords;
	if (clear.hidden) ask(false);
	say(rows.length ? "" : hasWords ? texts.none : props.kept ? texts.empty : texts.off);
}

async function load() {
	const number = ++asked;
	try {
		const answer = await fetch(address());
		const body = answer.ok ? await answer.json() : await answer.text();
		if (number !== asked) return; // a later one is on its way
		if (answer.ok) show(body);
		else {
			list.hidden = true;
			clear.hidden = false;
			say(body, true);
		}
	} catch {
		say(texts.unreachable, true);
	}
}

// The question takes the button's place.
function ask(isAsked) {
	question.hidden = !isAsked;
	clear.hidden = isAsked || clear.hidden;
}

clear.addEventListener("click", () => {
	ask(true);
	find(".vad-history-no").focus();
});
find(".vad-history-no").addEventListener("click", () => {
	ask(false);
	clear.hidden = false;
	clear.focus();
});
find(".vad-history-yes").addEventListener("click", async () => {
	try {
		const answer = await fetch(address(), { method: "DELETE" });
		if (!answer.ok) say(await answer.text(), true);
	} catch {
		say(texts.unreachable, true);
	}
	ask(false);
	search.value = "";
	load();
});

let typing = 0;
search.addEventListener("input", () => {
	clearTimeout(typing);
	most = STEP;
	typing = setTimeout(load, SEARCH_MS);
});
find(".vad-history-more").addEventListener("click", () => {
	most += STEP;
	load();
});
// A live session follows the sliders, whoever moves them.
import(new URL(`${props.root}static/live/live.js`, document.baseURI)).then(({ live }) => {
	const told = find(".vad-history-live");
	live.addEventListener("change", () => {
		const text = live.isOn ? texts.live : "";
		if (told.textContent !== text) told.textContent = text;
	});
});
document.addEventListener("vad:tab", ({ detail }) => detail === "history" && load());
if (document.documentElement.dataset.tab === "history") load();
