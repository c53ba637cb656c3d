// Hearing: the controls under the view, the keys, and what the table and the view ask to play.
const find = (selector) => element.querySelector(selector);
const box = find(".vad-player-box");
const audio = find("audio");
const note = find(".vad-sound-note");
const bar = note.querySelector("progress");
const texts = JSON.parse(props.texts);
const from = (name) => import(new URL(`${props.root}static/view/${name}.js`, document.baseURI));
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

(async () => {
	const [{ Sound }, { Player }, { neighbour, sameRow }, { actionOf, letGo }, { view }] =
		await Promise.all(["sound", "player", "plan", "keys", "view"].map(from));
	const sound = new Sound(audio, props.language);
	const player = new Player(audio, sound);
	let result = null;
	let tracks = [];
	// What is selected, and its span, by which it is found again among new rows.
	let selected = { index: -1, track: 0, span: null };

	function showSound() {
		const { state } = sound;
		const says = { gone: texts.gone, lost: texts.lost, unplayable: texts.unplayable, converting: texts.converting };
		const text = state === "failed" ? sound.message || texts.failed : says[state] || "";
		audio.hidden = Boolean(text);
		note.hidden = !text;
		if (note.firstElementChild.textContent !== text) note.firstElementChild.textContent = text;
		bar.hidden = state !== "converting";
		if (sound.fraction) bar.value = sound.fraction;
		else bar.removeAttribute("value");
		element.querySelectorAll("button, .vad-modes input, select").forEach((node) => (node.disabled = state === "gone"));
	}

	function showPlayer() {
		const plays = player.isPlaying || player.isWanted;
		const button = find('[data-action="toggle"]');
		const name = plays ? texts.pause : texts.play;
		button.classList.toggle("is-playing", plays);
		button.setAttribute("aria-label", name);
		button.title = `${name} (${texts.key_space})`;
		find('[data-action="loop"]').setAttribute("aria-pressed", player.loops);
	}

	const rowsOf = (track) => tracks[track] || [];

	function takeRows(next) {
		tracks = next;
		player.take(tracks, result.duration_ms);
		if (!selected.span) return;
		const index = sameRow(rowsOf(selected.track), selected.span);
		if (index !== selected.index) tell("vad:select", { index, track: selected.track, from: "keys" });
		else selected.span = rowsOf(selected.track)[index].slice(0, 2);
	}

	function show(next) {
		const isOther = !result || result.audio !== next.audio;
		result = next;
		box.hidden = false;
		if (isOther) {
			player.reset();
			if (selected.span) tell("vad:select", { index: -1, track: 0, from: "keys" });
		}
		// The lanes come first: a browser reads a megabyte of sound before anybody plays it.
		sound.open(result.audio, result.duration_ms, view.drawn);
		takeRows(result.tracks.map((track) => track.rows));
	}

	function playSelected() {
		if (selected.span) tell("vad:play", { start_ms: selected.span[0], end_ms: selected.span[1] });
		return Boolean(selected.span);
	}

	function go(direction) {
		const { track } = selected;
		const rows = rowsOf(track);
		const index = neighbour(rows, selected.index, player.positionMs, direction);
		if (index < 0) return;
		const [start_ms, end_ms] = rows[index];
		tell("vad:select", { index, track, from: "keys" });
		tell("vad:show", { start_ms, end_ms });
		if (player.isPlaying) tell("vad:play", { start_ms, end_ms });
		else player.seek(start_ms);
	}

	const actions = {
		toggle: () => player.toggle(),
		next: () => go(1),
		previous: () => go(-1),
		play: playSelected,
		loop() {
			player.setLoops(!player.loops);
			if (player.loops && !player.isPlaying) playSelected();
		},
	};
	const keys = { " ": "toggle", Enter: "play", n: "next", "]": "next", p: "previous", "[": "previous", l: "loop" };

	document.addEventListener("keydown", (event) => {
		const action = result?.audio ? actionOf(event, keys) : "";
		// Without a segment selected, Enter stays what it is elsewhere.
		if (action && actions[action]() !== false) event.preventDefault();
	});
	box.addEventListener("click", (event) => {
		const button = event.target.closest("[data-action]");
		if (button) actions[button.dataset.action]();
	});
	box.addEventListener("change", ({ target }) => {
		if (target.name === "vad-mode") player.setMode(target.value);
		else player.setRate(Number(target.value));
	});
	letGo(box);
	document.addEventListener("pointerdown", ({ target }) => {
		if (!target.closest(".vad-keys")) find(".vad-keys").open = false;
	});

	sound.addEventListener("change", showSound);
	player.addEventListener("change", showPlayer);
	player.addEventListener("time", ({ detail }) => tell("vad:time", detail));
	document.addEventListener("vad:tab", () => (player.isPlaying || player.isWanted) && player.toggle());
	document.addEventListener("vad:result", ({ detail }) => show(detail));
	document.addEventListener("vad:play", ({ detail }) => player.playSpan(detail.start_ms, detail.end_ms));
	document.addEventListener("vad:seek", ({ detail }) => player.seek(detail));
	document.addEventListener("vad:select", ({ detail: { index, track = 0 } }) => {
		const row = rowsOf(track)[index];
		selected = { index: row ? index : -1, track, span: row ? row.slice(0, 2) : null };
	});
	document.addEventListener("vad:edited", ({ detail: { rows, track = 0 } }) => {
		takeRows(tracks.map((own, number) => (number === track ? rows : own)));
	});
	document.addEventListener("vad:detected", () => takeRows(result.tracks.map((track) => track.rows)));
	showSound();
	showPlayer();
	if (window.vadResult) show(window.vadResult);
})();
