// The table of segments. Only the rows in sight exist: three thousand of them must not
// hold up a slider. What is selected is selected in the view as well.
const texts = JSON.parse(props.texts);
const find = (selector) => element.querySelector(selector);
const box = find(".vad-segments-box");
const table = find(".vad-table");
const grid = find("table");
const head = grid.tHead.rows[0];
const body = grid.tBodies[0];
const [above, below] = [grid.tHead.rows[1].cells[0], grid.tFoot.rows[0].cells[0]];
const choice = find(".vad-tracks");
const json = find(".vad-json");
const menus = [...element.querySelectorAll(".vad-more")];
const links = [...element.querySelectorAll(".vad-downloads a[data-kind]")];
const sound = find(".vad-cuts"); // a menu, too
// Times have hours, however short the recording: columns of all tables are alike.
const HOUR_S = 3600;
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

let clock; // from a module, before anything is shown
const time = (ms) => clock(ms / 1000, 0.001, HOUR_S);

// An empty row: a button with its number, and five cells.
function blank() {
	const line = document.createElement("tr");
	const play = document.createElement("button");
	play.type = "button";
	play.tabIndex = -1; // the table is one stop of the Tab key, its rows are reached by arrows
	for (const name of ["is-number", "", "", "", "is-share", "is-word"]) line.insertCell().className = name;
	line.cells[0].append(play);
	return line;
}

function fill(line, [start, end, confidence, reason, edited], index) {
	const [number, from, to, duration, share, word] = line.cells;
	const play = number.firstElementChild;
	line.dataset.index = index;
	line.id = `vad-row-${index}`;
	line.setAttribute("aria-rowindex", index + 2);
	line.classList.toggle("is-edited", Boolean(edited));
	play.textContent = index + 1;
	play.title = texts.play.replace("{number}", index + 1);
	play.setAttribute("aria-label", play.title);
	from.textContent = time(start);
	to.textContent = time(end);
	duration.textContent = ((end - start) / 1000).toFixed(2) + texts.seconds;
	share.textContent = confidence === null ? "–" : (confidence * 100).toFixed(1) + "%";
	share.style.setProperty("--share", confidence ?? 0);
	word.className = `is-word is-${reason}`;
	word.textContent = texts["reason_" + reason] ?? reason;
	if (!edited || reason === "by_hand") return;
	const mark = document.createElement("span");
	mark.className = "vad-by-hand";
	mark.textContent = texts.by_hand;
	word.append(" ", mark);
}

(async () => {
	const from = (name) => import(new URL(`${props.root}static/view/${name}.js`, document.baseURI));
	const [axis, { letGo }, { rowAt }, { rowFor, scrollFor, windowOf }] = await Promise.all(
		["axis", "keys", "lookup", "rows"].map(from),
	);
	({ clock } = axis);
	let shown = null;
	let tracks = [];
	let track = 0;
	let rows = [];
	let first = 0;
	let height = 0;
	let selected = -1;
	let now = -1;

	const headHeight = () => head.offsetHeight;
	const lineOf = (index) => body.rows[index - first];

	function mark() {
		for (const line of body.rows) {
			const index = Number(line.dataset.index);
			line.setAttribute("aria-selected", index === selected);
			line.classList.toggle("is-now", index === now);
		}
		if (lineOf(selected)) grid.setAttribute("aria-activedescendant", `vad-row-${selected}`);
		else grid.removeAttribute("aria-activedescendant");
	}

	function draw() {
		const [from, behind] = windowOf(rows.length, height, table.scrollTop, table.clientHeight);
		while (body.rows.length > behind - from) body.lastElementChild.remove();
		while (body.rows.length < behind - from) body.append(blank());
		first = from;
		for (let i = from; i < behind; i++) fill(body.rows[i - from], rows[i], i);
		above.style.height = `${from * height}px`;
		below.style.height = `${(rows.length - behind) * height}px`;
		mark();
	}

	// Rows are of one height, which depends on the width of the page.
	function measure() {
		if (!body.rows.length) return;
		const found = body.rows[0].getBoundingClientRect().height;
		if (!found || found === height) return;
		height = found;
		draw();
	}

	function take(next) {
		rows = next;
		find(".vad-count").textContent = rows.length;
		grid.setAttribute("aria-rowcount", rows.length + 1);
		table.hidden = !rows.length;
		now = -1;
		if (selected >= rows.length) selected = -1;
		draw();
		measure();
	}

	function reveal(index) {
		const to = scrollFor(index, height, table.scrollTop, table.clientHeight, headHeight());
		if (to === table.scrollTop) return;
		table.scrollTop = to;
		draw();
	}

	function showTracks() {
		choice.hidden = tracks.length < 2;
		const buttons = tracks.map(({ name }, number) => {
			const button = document.createElement("button");
			button.type = "button";
			button.textContent = name;
			button.setAttribute("aria-pressed", number === track);
			button.addEventListener("click", () => chooseTrack(number));
			return button;
		});
		choice.replaceChildren(...(choice.hidden ? [] : buttons));
	}

	function chooseTrack(number) {
		track = number;
		selected = -1;
		[...choice.children].forEach((button, i) => button.setAttribute("aria-pressed", i === track));
		take(tracks[track].rows);
	}

	async function showJson() {
		if (!json.open || !shown) return;
		const asked = shown;
		let text;
		try {
			const answer = await fetch(new URL(`${asked.files.json}&inline`, document.baseURI));
			text = await answer.text(); // also where the server says why there is none
		} catch {
			text = texts.unreachable;
		}
		// An answer to an earlier position of the sliders may come last.
		if (asked === shown) find("pre").textContent = text;
	}

	function show(next) {
		const isOther = !shown || shown.id !== next.id || shown.version !== next.version;
		shown = next;
		tracks = shown.tracks.map(({ name, rows }) => ({ name, rows }));
		if (isOther || !tracks[track]) track = 0;
		if (isOther) {
			selected = -1;
			table.scrollTop = 0;
		}
		box.hidden = false;
		showTracks();
		take(tracks[track].rows);
		for (const link of links) link.href = new URL(shown.files[link.dataset.kind], document.baseURI);
		linkSound();
		showJson();
	}

	// The sound of the segments, as chosen in the menu; without the recording there is none.
	function linkSound() {
		sound.hidden = !shown?.audio;
		if (sound.hidden) return;
		const kind = sound.querySelector("[name=vad-cuts-kind]:checked").value;
		const rate = sound.querySelector("[name=vad-cuts-rate]").checked ? "16k" : "source";
		const pause = sound.querySelector("[type=number]");
		for (const link of sound.querySelectorAll("a")) {
			const url = new URL(shown.files[link.dataset.sound === "cuts" ? "cuts" : "speech"], document.baseURI);
			url.searchParams.set("kind", kind);
			url.searchParams.set("rate", rate);
			const ms = pause.validity.valid && pause.value ? Number(pause.value) : pause.defaultValue;
			if (link.dataset.sound === "pauses") url.searchParams.set("max_pause_ms", ms);
			link.href = url;
		}
	}

	// The other formats lie over the table: whoever turns to something else sees it again.
	function letClose(menu) {
		document.addEventListener("click", ({ target }) => {
			if (target.closest("a") || !menu.contains(target)) menu.open = false;
		});
		menu.addEventListener("focusout", ({ relatedTarget }) => {
			if (relatedTarget && !menu.contains(relatedTarget)) menu.open = false;
		});
		menu.addEventListener("keydown", (event) => {
			if (event.key !== "Escape" || !menu.open) return;
			menu.open = false;
			menu.firstElementChild.focus();
		});
	}

	// Rows by hand in place of those of a track.
	function replace(number, next) {
		tracks[number].rows = next;
		if (track === number) take(next);
	}

	function choose(index) {
		const [start_ms, end_ms] = rows[index];
		tell("vad:select", { index, track, from: "table" });
		tell("vad:show", { start_ms, end_ms });
	}

	table.addEventListener("scroll", draw, { passive: true });
	new ResizeObserver(() => {
		measure();
		draw();
	}).observe(table);
	body.addEventListener("click", (event) => {
		const line = event.target.closest("tr");
		if (!line) return;
		const index = Number(line.dataset.index);
		// Not the button in the row: Space is to pause, and arrows to go on from here.
		grid.focus({ preventScroll: true });
		choose(index);
		tell("vad:play", { start_ms: rows[index][0], end_ms: rows[index][1] });
	});
	grid.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.metaKey || event.altKey) return;
		const many = Math.max(1, Math.floor((table.clientHeight - headHeight()) / height) - 1);
		const index = rowFor(event.key, selected, rows.length, many);
		if (index < 0) return;
		event.preventDefault();
		choose(index);
	});
	document.addEventListener("vad:time", ({ detail }) => {
		const index = rowAt(rows, detail);
		if (index === now) return;
		now = index;
		mark();
	});
	document.addEventListener("vad:select", ({ detail }) => {
		const number = detail.track ?? 0;
		if (detail.index >= 0 && number !== track && tracks[number]) chooseTrack(number);
		selected = number === track ? detail.index : -1;
		if (rows[selected]) reveal(selected);
		mark();
	});
	document.addEventListener("vad:edited", ({ detail }) => replace(detail.track ?? 0, detail.rows));
	document.addEventListener("vad:detected", () => shown.tracks.forEach(({ rows }, number) => replace(number, rows)));
	letGo(choice);
	json.addEventListener("toggle", showJson);
	for (const link of links) {
		const kind = link.textContent.trim();
		link.setAttribute("aria-label", texts.download_kind.replace("{kind}", kind));
	}
	menus.forEach(letClose);
	sound.addEventListener("input", linkSound);
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
})();
