// The table of segments. Rows are made as they are scrolled to: three thousand of
// them must not hold up a slider.
const texts = JSON.parse(props.texts);
const find = (selector) => element.querySelector(selector);
const box = find(".vad-segments-box");
const table = find(".vad-table");
const body = find("tbody");
const json = find(".vad-json");
const PAGE = 100;
let result = null;
let marked = -1;

const two = (number) => String(number).padStart(2, "0");
function clock(ms) {
	const s = Math.floor(ms / 1000);
	return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}.${String(ms % 1000).padStart(3, "0")}`;
}

function row([start, end, confidence, reason], index) {
	const line = document.createElement("tr");
	const cell = (text, name) => {
		const node = line.insertCell();
		node.textContent = text;
		if (name) node.className = name;
		return node;
	};
	const play = document.createElement("button");
	play.type = "button";
	play.textContent = index + 1;
	play.setAttribute("aria-label", texts.play.replace("{number}", index + 1));
	play.title = play.getAttribute("aria-label");
	cell("", "is-number").append(play);
	cell(clock(start));
	cell(clock(end));
	cell(((end - start) / 1000).toFixed(2) + texts.seconds);
	const share = cell((confidence * 100).toFixed(1) + "%", "is-share");
	share.style.setProperty("--share", confidence);
	cell(texts["reason_" + reason], `is-word is-${reason}`);
	return line;
}

function more(count) {
	const from = body.rows.length;
	const rows = result.rows.slice(from, from + count);
	body.append(...rows.map((values, i) => row(values, from + i)));
	mark(marked);
}

function mark(index) {
	if (body.rows[marked]) body.rows[marked].classList.remove("is-now");
	marked = index;
	if (body.rows[marked]) body.rows[marked].classList.add("is-now");
}

async function showJson() {
	if (!json.open || !result) return;
	const asked = result;
	let text;
	try {
		const answer = await fetch(new URL(`${asked.files.json}&inline`, document.baseURI));
		text = await answer.text(); // also where the server says why there is none
	} catch {
		text = texts.unreachable;
	}
	// An answer to an earlier position of the sliders may come last.
	if (asked === result) find("pre").textContent = text;
}

function show(next) {
	const rows = Math.max(PAGE, Math.min(body.rows.length, 1000));
	result = next;
	box.hidden = false;
	find(".vad-count").textContent = result.rows.length;
	body.replaceChildren();
	more(rows);
	table.hidden = !result.rows.length;
	const links = Object.entries(result.files).map(([kind, address]) => {
		const link = document.createElement("a");
		link.href = new URL(address, document.baseURI);
		link.textContent = kind.toUpperCase();
		link.setAttribute("download", "");
		link.setAttribute("aria-label", texts.download_kind.replace("{kind}", kind.toUpperCase()));
		return link;
	});
	const nav = find(".vad-downloads");
	nav.replaceChildren(nav.firstElementChild, ...links);
	showJson();
}

table.addEventListener("scroll", () => {
	const left = table.scrollHeight - table.scrollTop - table.clientHeight;
	if (left < 400 && body.rows.length < result.rows.length) more(PAGE);
});
body.addEventListener("click", (event) => {
	const line = event.target.closest("tr");
	if (!line) return;
	const [start_ms, end_ms] = result.rows[line.sectionRowIndex];
	document.dispatchEvent(new CustomEvent("vad:play", { detail: { start_ms, end_ms } }));
});
document.addEventListener("vad:time", ({ detail }) => {
	if (!result) return;
	const index = result.rows.findIndex(([start, end]) => start <= detail && detail < end);
	if (index !== marked) mark(index);
});
json.addEventListener("toggle", showJson);
find(".vad-copy").addEventListener("click", async () => {
	let copied = true;
	try {
		await navigator.clipboard.writeText(find("pre").textContent);
	} catch {
		// Not over plain http, and not without leave: the visitor's own keys copy it then.
		copied = false;
		getSelection().selectAllChildren(find("pre"));
	}
	const button = find(".vad-copy");
	button.textContent = copied ? texts.copied : texts.selected;
	setTimeout(() => (button.textContent = texts.copy), 1500);
});
document.addEventListener("vad:result", ({ detail }) => show(detail));
if (window.vadResult) show(window.vadResult);
