// Settings kept as A beside the present ones: what differs, and each difference played.
const texts = JSON.parse(props.texts);
const find = (selector) => element.querySelector(selector);
const box = find(".vad-compare-box");
const panel = find(".vad-compare-panel");
const items = find("ol");
const all = find(".vad-compare-all");
const PAGE = 100;
// A boundary cannot be judged without what is on either side of it.
const AROUND_MS = 400;
const SEEN_MS = 1500;
let kept = null;
let duration_ms = 0;
let channels = [];
let place = -1;
let until = Infinity; // end of the difference that is played, in a row of them
let own = false;
let timer = 0;

let axis, text; // modules, here before anything is shown
const seconds = (ms) => text.fill(texts.seconds, { s: (ms / 1000).toFixed(2) });
const time = (ms) => axis.clock(ms / 1000, 0.01, Math.max(60, duration_ms / 1000));
const send = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

function entry([start, end, side, kind, track], index) {
	const item = document.createElement("li");
	const button = document.createElement("button");
	button.type = "button";
	const part = (name, words) => {
		const node = document.createElement("span");
		node.className = name;
		node.textContent = words;
		button.append(node, " ");
	};
	part(`vad-compare-side is-${side}`, side.toUpperCase());
	part("vad-compare-time", time(start));
	part("vad-compare-length", end > start ? seconds(end - start) : "");
	const what = texts[`kind_${kind}_${side}`];
	part("vad-compare-kind", channels.length > 1 ? `${channels[track]} · ${what}` : what);
	button.addEventListener("click", () => play(index));
	item.append(button);
	return item;
}

function more(count) {
	const from = items.children.length;
	items.append(...kept.differences.slice(from, from + count).map((d, i) => entry(d, from + i)));
}

function mark(index) {
	items.children[place]?.firstChild.removeAttribute("aria-current");
	place = index;
	while (kept && items.children.length <= index && items.children.length < kept.differences.length)
		more(PAGE);
	const item = items.children[index];
	if (!item) return;
	item.firstChild.setAttribute("aria-current", "true");
	// The list scrolls, the page does not.
	const [above, below] = [item.offsetTop, item.offsetTop + item.offsetHeight];
	if (above < items.scrollTop) items.scrollTop = above;
	if (below > items.scrollTop + items.clientHeight) items.scrollTop = below - items.clientHeight;
}

function around([start, end], ms) {
	return { start_ms: Math.max(0, start - ms), end_ms: Math.min(duration_ms, end + ms) };
}

function play(index, in_row = false) {
	if (!in_row) stop();
	const difference = kept.differences[index];
	mark(index);
	send("vad:show", around(difference, SEEN_MS));
	own = true;
	const heard = around(difference, AROUND_MS);
	send("vad:play", heard);
	own = false;
	if (in_row) until = heard.end_ms;
}

function stop() {
	clearTimeout(timer);
	until = Infinity;
	all.setAttribute("aria-pressed", "false");
	all.textContent = texts.all;
}

function step(by) {
	const { length } = kept.differences;
	if (length) play((place + by + length) % length);
}

all.addEventListener("click", () => {
	if (all.getAttribute("aria-pressed") === "true") {
		stop();
		send("vad:stop");
		return;
	}
	stop();
	all.setAttribute("aria-pressed", "true");
	all.textContent = texts.stop;
	play(place + 1 < kept.differences.length ? Math.max(0, place) : 0, true);
});
find(".vad-compare-next").addEventListener("click", () => step(1));
find(".vad-compare-back").addEventListener("click", () => step(place < 0 ? 0 : -1));
items.addEventListener("scroll", () => {
	const left = items.scrollHeight - items.scrollTop - items.clientHeight;
	if (left < 200 && items.children.length < kept.differences.length) more(PAGE);
});
document.addEventListener("vad:time", ({ detail }) => {
	if (detail < until - 40) return;
	until = Infinity;
	timer = setTimeout(() => {
		if (all.getAttribute("aria-pressed") !== "true") return;
		if (place + 1 < kept.differences.length) play(place + 1, true);
		else stop();
	}, 600);
});
// Whatever else is played ends the row.
document.addEventListener("vad:play", () => own || stop());

function line(label, a, b) {
	const row = document.createElement("tr");
	const head = document.createElement("th");
	head.scope = "row";
	head.textContent = label;
	row.append(head);
	for (const value of [a, b]) row.insertCell().textContent = value;
	return row;
}

function show(result) {
	const before = kept && kept.differences[place];
	box.hidden = false;
	kept = result.kept;
	duration_ms = result.duration_ms;
	channels = result.tracks.map(({ name }) => name);
	panel.hidden = find(".vad-compare-actions").hidden = !kept;
	find(".vad-compare-hint").hidden = find(".vad-compare-keep").hidden = Boolean(kept);
	if (!kept) {
		place = -1;
		return stop();
	}
	const [a, b] = kept.speech_ms;
	find("tbody").replaceChildren(
		...kept.options.map((each) => line(...each)),
		line(texts.segments, ...kept.counts),
		line(texts.speech, seconds(a), seconds(b)),
	);
	find(".vad-compare-sum").textContent = kept.count
		? text.fill(texts.sum, { count: kept.count, a: seconds(kept.only_ms[0]), b: seconds(kept.only_ms[1]) })
		: texts.none;
	const listed = kept.differences.length;
	const rest = find(".vad-compare-listed");
	rest.hidden = listed === kept.count;
	rest.textContent = text.fill(texts.listed, { listed });
	find(".vad-compare-steps").hidden = items.hidden = !kept.count;
	items.replaceChildren();
	more(PAGE);
	// The one that was looked at stays so, where it is still there.
	mark(before ? kept.differences.findIndex((each) => String(each) === String(before)) : -1);
	if (place < 0) stop();
}

find(".vad-compare-keep").addEventListener("click", () => trigger("kept"));
for (const name of ["restored", "swapped", "dropped"])
	find(`[data-event="${name}"]`).addEventListener("click", () => trigger(name));

(async () => {
	const from = (name) => import(new URL(`${props.root}static/view/${name}.js`, document.baseURI));
	[axis, text] = await Promise.all(["axis", "text"].map(from));
	document.addEventListener("vad:result", ({ detail }) => show(detail));
	if (window.vadResult) show(window.vadResult);
})();
