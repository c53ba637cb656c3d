// The segments of the live session, the latest first. Not read out by itself: a screen reader's
// voice would come back through the microphone.
const find = (selector) => element.querySelector(selector);
const texts = JSON.parse(props.texts);
const reasons = JSON.parse(props.reasons);
const body = find("tbody");
const audio = find("audio");
const ROWS = 200;
const SVG = "http://www.w3.org/2000/svg";
const ICONS = { play: "M6 3.5v13L17 10z", stop: "M5 5h10v10H5z", save: "M10 3v9m0 0 3.5-3.5M10 12 6.5 8.5M4 16h12" };

function icon(name) {
	const drawing = document.createElementNS(SVG, "svg");
	drawing.setAttribute("viewBox", "0 0 20 20");
	drawing.setAttribute("aria-hidden", "true");
	const path = document.createElementNS(SVG, "path");
	path.setAttribute("d", ICONS[name]);
	if (name !== "save") path.setAttribute("class", "is-play");
	drawing.append(path);
	return drawing;
}

function cell(line, text, name, small) {
	const made = document.createElement("td");
	made.className = name;
	made.textContent = text;
	if (small) {
		const below = document.createElement("small");
		below.textContent = small;
		made.append(below);
	}
	line.append(made);
	return made;
}

(async () => {
	const from = (name) => import(new URL(`${props.root}static/${name}.js`, document.baseURI));
	const [{ live }, { moment }, { fill }] = await Promise.all(["live/live", "live/words", "view/text"].map(from));
	const lines = new Map(); // rows of the table by what they show
	let playing = null;

	const seconds = (ms) => fill(texts.seconds, { s: (ms / 1000).toFixed(2) });
	const after = (ms) => (ms === null || ms === undefined ? "" : fill(texts.after, { s: seconds(ms) }));
	const addressOf = (segment) => {
		const path = live.clip(segment);
		return path && new URL(`${props.root}${path}`, document.baseURI).href;
	};

	function clips(segment) {
		const group = document.createElement("span");
		group.className = "vad-log-clip";
		const play = document.createElement("button");
		play.type = "button";
		play.dataset.clip = segment.number;
		play.append(icon("play"));
		play.setAttribute("aria-pressed", "false");
		play.setAttribute("aria-label", fill(texts.play, { number: segment.number }));
		const save = document.createElement("a");
		save.href = addressOf(segment);
		save.download = fill(texts.file, { number: segment.number });
		save.setAttribute("aria-label", fill(texts.save, { number: segment.number }));
		save.title = texts.save_short;
		save.append(icon("save"));
		group.append(play, save);
		play.addEventListener("click", () => (playing === play ? audio.pause() : start(play, save.href)));
		return group;
	}

	function mark(button, isOn) {
		button.setAttribute("aria-pressed", String(isOn));
		button.replaceChildren(icon(isOn ? "stop" : "play"));
	}

	function rest() {
		if (playing) mark(playing, false);
		playing = null;
	}

	async function start(button, address) {
		audio.pause();
		rest();
		playing = button;
		mark(button, true);
		audio.src = address;
		try {
			await audio.play();
		} catch (error) {
			// Paused before it began is no failure.
			if (error.name !== "AbortError" && playing === button) {
				rest();
				find(".vad-log-note").textContent = texts.no_clip;
			}
		}
	}
	audio.addEventListener("pause", rest);
	audio.addEventListener("ended", rest);

	function row(segment) {
		const line = document.createElement("tr");
		const isOpen = segment.end_ms === null;
		line.classList.toggle("is-open", isOpen);
		cell(line, segment.number, "is-number");
		cell(line, moment(segment.start_ms), "is-start", after(segment.start_after_ms));
		cell(line, isOpen ? "" : moment(segment.end_ms), "is-end", isOpen ? "" : after(segment.end_after_ms));
		cell(line, isOpen ? "" : seconds(segment.end_ms - segment.start_ms), "is-length");
		cell(line, isOpen ? texts.open : reasons[segment.end_reason], `is-word is-${segment.end_reason ?? "open"}`);
		const last = cell(line, "", "is-clip");
		if (!isOpen && addressOf(segment)) last.append(clips(segment));
		return line;
	}

	// Rows that stay as they are stay in place, so that none is lost under a finger.
	function show() {
		const listed = live.found ? live.found.segments.slice(-ROWS).reverse() : [];
		const known = new Map(lines);
		lines.clear();
		for (const segment of listed) {
			const key = JSON.stringify(segment);
			lines.set(key, known.get(key) ?? row(segment));
		}
		const wanted = [...lines.values()];
		for (const line of [...body.children]) if (!wanted.includes(line)) line.remove();
		wanted.forEach((line, index) => body.children[index] !== line && body.insertBefore(line, body.children[index] ?? null));
		const count = live.found ? live.found.count : 0;
		find(".vad-log-empty").hidden = count > 0;
		find(".vad-log-table").hidden = !count;
		find(".vad-count").hidden = !count;
		find(".vad-count").textContent = count;
		find(".vad-log-note").textContent = count > listed.length ? fill(texts.latest, { count: listed.length }) : "";
	}

	// What is no longer kept can be neither played nor saved.
	let keptFrom = 0;
	function forget() {
		const from_ms = live.status?.kept_from_ms ?? 0;
		if (from_ms === keptFrom) return;
		keptFrom = from_ms;
		for (const [key, line] of lines) {
			const segment = JSON.parse(key);
			if (segment.end_ms !== null && !addressOf(segment)) line.querySelector(".vad-log-clip")?.remove();
		}
	}

	let shown = null;
	live.addEventListener("found", show);
	live.addEventListener("change", () => {
		forget();
		if (live.found === shown) return;
		shown = live.found;
		audio.pause();
		show();
	});
	show();
})();
