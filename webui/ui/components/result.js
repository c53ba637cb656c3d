// Shows a result: what it is, its figures, the picture, and the recording itself.
const find = (selector) => element.querySelector(selector);
const box = find(".vad-result-box");
const audio = find("audio");
const canvas = find(".vad-canvas");
const playhead = find(".vad-playhead");
const texts = JSON.parse(props.texts);
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

// The player gives way to a word why there is none.
function silent(text) {
	audio.hidden = true;
	playhead.hidden = true;
	find(".vad-unplayable").textContent = text;
	find(".vad-unplayable").hidden = false;
}

function show() {
	const result = props.value ? JSON.parse(props.value) : null;
	box.hidden = !result;
	find(".vad-welcome").hidden = Boolean(result);
	if (!result) return;
	if (!shown || shown.audio !== result.audio) {
		playhead.hidden = true;
		if (result.audio) {
			audio.src = new URL(result.audio, document.baseURI);
			audio.hidden = false;
			find(".vad-unplayable").hidden = true;
		} else {
			audio.removeAttribute("src");
			silent(texts.audio_gone);
		}
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
	find(".vad-threshold").textContent = result.threshold;
	// Drawn by the server, with no word of the user's in it.
	find(".vad-picture").innerHTML = result.figure;
	place();
	const query = new URLSearchParams(result.query);
	history.replaceState(null, "", `${location.pathname}?${query}`);
	window.vadResult = result;
	document.dispatchEvent(new CustomEvent("vad:result", { detail: result }));
}

// The recording under the picture.
const share = () => (audio.currentTime * 1000) / shown.lanes.duration_ms;
function place() {
	const { left, right } = shown.lanes;
	playhead.style.left = `${(left + Math.min(1, share()) * (right - left)) * 100}%`;
}
let stopAt = Infinity;
function follow() {
	if (audio.currentTime >= stopAt) {
		audio.pause();
		stopAt = Infinity;
	}
	place();
	document.dispatchEvent(new CustomEvent("vad:time", { detail: audio.currentTime * 1000 }));
	if (!audio.paused) requestAnimationFrame(follow);
}
audio.addEventListener("play", () => {
	playhead.hidden = false;
	follow();
});
audio.addEventListener("seeked", () => {
	playhead.hidden = false;
	place();
});
audio.addEventListener("pause", () => (stopAt = Infinity));
audio.addEventListener("error", async () => {
	const address = audio.src;
	if (!address) return;
	silent(texts.unplayable);
	// It may be the file that is gone, not the browser that cannot play it.
	const answer = await fetch(address, { headers: { range: "bytes=0-0" } }).catch(() => null);
	if (answer && answer.status === 404 && audio.src === address) silent(texts.audio_gone);
});
canvas.addEventListener("click", (event) => {
	if (!shown || audio.hidden) return;
	const { left, right, duration_ms } = shown.lanes;
	const bounds = canvas.getBoundingClientRect();
	const at = ((event.clientX - bounds.left) / bounds.width - left) / (right - left);
	audio.currentTime = (Math.max(0, Math.min(1, at)) * duration_ms) / 1000;
});
document.addEventListener("vad:play", ({ detail }) => {
	if (audio.hidden) return;
	audio.currentTime = detail.start_ms / 1000;
	audio.play().then(
		() => (stopAt = detail.end_ms / 1000),
		() => {},
	);
});

// The server draws for the width that is there. The first call also says which
// result the page's address names, so that a reload keeps it.
let width = 0;
let timer = 0;
function measure() {
	// The box may be hidden still; its frame has the same width.
	const now = Math.round(element.clientWidth);
	if (now < 200 || Math.abs(now - width) < 12) return;
	const query = width ? "" : location.search;
	width = now;
	trigger("measured", { width, query });
}
new ResizeObserver(() => {
	clearTimeout(timer);
	timer = setTimeout(measure, width ? 200 : 0);
}).observe(element);
watch("value", show);
show();
