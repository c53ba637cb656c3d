// Shows a result: what it is, its figures, and the view.
const find = (selector) => element.querySelector(selector);
const box = find(".vad-result-box");
const texts = JSON.parse(props.texts);
let view = null;
let shown = null;

function fill(list, items, make) {
	list.replaceChildren(...items.map(make));
}

function child(tag, text, name) {
	const node = document.createElement(tag);
	node.textContent = text;
	if (name) node.className = name;
	return node;
}

function show() {
	const result = props.value ? JSON.parse(props.value) : null;
	box.hidden = !result;
	find(".vad-welcome").hidden = Boolean(result);
	if (!result) return;
	heard(result.options);
	if (shown && result.number < shown.number) {
		// It was asked for before the one that is shown, and came late. The later one may not have
		// known the control that this one has just set: decided once more, with all as they are.
		if (result.id === shown.id) setTimeout(() => tune({}));
		return;
	}
	shown = result;
	find(".vad-file").textContent = result.file;
	find(".vad-about").textContent = result.about;
	fill(find(".vad-notices"), result.notices, (text) => child("li", text));
	fill(find(".vad-tiles"), result.tiles, (tile) => {
		const item = document.createElement("div");
		item.append(child("dt", tile.label), child("dd", tile.value));
		if (tile.note) item.append(child("dd", tile.note, "vad-tile-note"));
		return item;
	});
	const empty = find(".vad-empty");
	empty.hidden = !result.empty;
	empty.textContent = result.empty || "";
	// What the table shows, and all else that knows of one track only.
	result.rows = result.tracks[0].rows;
	if (view) view.show(result);
	keepAddress();
	window.vadResult = result;
	document.dispatchEvent(new CustomEvent("vad:result", { detail: result }));
}

// Options that other parts set, by name. One question at a time, so that no answer overtakes
// another; what is set meanwhile is asked together, and after a second without an answer anyhow.
const ANSWER_MS = 1000;
let wanted = null;
let asked = null;
let waiting = 0;
function tune(values) {
	wanted = { ...wanted, ...values };
	if (!asked) ask();
}

function ask() {
	[asked, wanted] = [wanted, null];
	if (!asked) return;
	waiting = setTimeout(ask, ANSWER_MS);
	trigger("tune", { values: asked });
}

// Called with the options of each answer: is it the one that is waited for?
function heard(options) {
	if (!asked || Object.entries(asked).some(([name, value]) => options[name] !== value)) return;
	clearTimeout(waiting);
	ask();
}

// The page's address names the result, so that a reload keeps it. A browser takes only so many
// changes in a minute: not each one of a moving slider.
const ADDRESS_MS = 300;
let keptAt = -Infinity;
let keeping = 0;
function keepAddress() {
	clearTimeout(keeping);
	const wait = keptAt + ADDRESS_MS - performance.now();
	if (wait > 0) {
		keeping = setTimeout(keepAddress, wait);
		return;
	}
	keptAt = performance.now();
	const query = new URLSearchParams(shown.query);
	const now = new URLSearchParams(location.search);
	for (const name of ["tab", "batch"]) if (now.has(name)) query.set(name, now.get(name));
	history.replaceState(null, "", `${location.pathname}?${query}`);
}

// The view; its modules come once for all parts of the page.
async function open() {
	const from = (name) => import(new URL(`${props.root}static/view/${name}.js`, document.baseURI));
	const [module, { clock, span, tickStep }, { letGo }, { Spectrogram }, { watchSliders }] =
		await Promise.all(["view", "axis", "keys", "spectrogram", "sliders"].map(from));
	watchSliders((values) => shown && tune(values));
	const words = {
		captions: { wave: texts.waveform, probability: texts.probability, spectrogram: texts.spectrogram },
		level: texts.level,
		quiet: texts.quiet,
		probability: texts.probability_at,
		segment: texts.segment_at,
		end_silence: texts.end_silence,
		end_silence_any: texts.end_silence_any,
		pause_after: texts.pause_after,
		end_max_length: texts.end_max_length,
		end_split: texts.end_split,
		end_of_audio: texts.end_of_audio,
		by_hand: texts.end_by_hand,
		start_back: texts.start_back,
		start_after: texts.start_after,
		start_first: texts.start_first,
		start_by_hand: texts.start_by_hand,
		padding: texts.padding,
		threshold: texts.threshold_at,
		threshold_idle: texts.threshold_idle,
		wheel: texts.wheel,
		span(range, duration) {
			const step = tickStep(span(range) / 1000, 4000);
			const time = (ms) => clock(ms / 1000, Math.min(1, step), duration / 1000);
			return `${time(range.start)} – ${time(range.end)}`;
		},
	};
	module.view.attach(find(".vad-figure"), { words });
	view = module.view;
	for (const button of element.querySelectorAll("[data-act]")) {
		button.addEventListener("click", () => view[button.dataset.act]());
	}
	letGo(find(".vad-view-buttons"));
	new Spectrogram(view, {
		button: find(".vad-spectrum"),
		notes: find(".vad-spectrum-notes"),
		language: props.language,
		words: {
			zoom: texts.spectrogram_zoom,
			wait: texts.spectrogram_wait,
			failed: texts.spectrogram_failed,
		},
	});
	if (shown) view.show(shown);
}
open();
document.addEventListener("vad:tune", ({ detail: { name, value } }) => shown && tune({ [name]: value }));

// Another part of the page has a result, to be opened as if the address named it.
document.addEventListener("vad:open", ({ detail }) => trigger("measured", { query: detail }));
watch("value", show);
show();
trigger("measured", { query: location.search });
// Back and forward, between the results of a batch.
window.addEventListener("popstate", () => {
	const named = new URLSearchParams(location.search).get("r");
	if (named && named !== shown?.id) trigger("measured", { query: location.search });
});
