// Editing by hand: the toolbar, its keys, and what the hand does on the canvas.
const find = (selector) => element.querySelector(selector);
const box = find(".vad-edit-box");
const note = find(".vad-edit-note");
const texts = JSON.parse(props.texts);
const from = (name) => import(new URL(`${props.root}static/view/${name}.js`, document.baseURI));
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
// A slider has arrows of its own, but nothing to undo.
const WRITES = "input:not([type=range]), textarea, select, [contenteditable], [role=combobox], [role=listbox], [role=menu]";
const NUDGE_MS = 10;

(async () => {
	const [{ clock }, { Editor }, { editTool }, edits, { letGo }, { currentTab }, { view, tools }] =
		await Promise.all(["axis", "editor", "edittool", "edits", "keys", "tabs", "view"].map(from));
	let result = null;
	let isOn = false;
	let nowMs = 0;
	let selected = { track: 0, index: -1, side: "end" };

	async function send(id, channel, state) {
		const query = new URLSearchParams({ channel, language: props.language });
		const address = new URL(`${props.root}results/${id}/edits?${query}`, document.baseURI);
		const body = state && JSON.stringify({ spans: state.rows.map((row) => row.slice(0, 2)), options: state.base });
		let answer;
		try {
			answer = await fetch(address, { method: state ? "PUT" : "DELETE", body });
		} catch {
			throw new Error(texts.unreachable);
		}
		if (!answer.ok) throw new Error(await answer.text());
		return answer.json();
	}

	// The same result in other windows of this browser is to follow, not to be overwritten by them.
	const windows = new BroadcastChannel("vad-edits");
	windows.addEventListener("message", ({ data }) => result?.id === data && trigger("refresh", {}));

	function stored() {
		trigger("refresh", {});
		windows.postMessage(result.id);
	}

	const editor = new Editor({ send, stored, changed: draw });

	const rows = () => (result ? editor.rows(selected.track) : []);
	const chosen = () => rows()[selected.index];

	function telling(track) {
		const { canUndo, canRedo } = editor;
		tell("vad:edited", { rows: editor.rows(track), track, canUndo, canRedo });
	}

	// `by` "view" leaves the visible range where it is.
	function select(track, index, side = selected.side, by = "view") {
		selected = { track, index, side };
		tell("vad:select", { track, index, from: by });
		draw();
	}

	// What is done is shown at once; the server says later what it keeps of it.
	function take(track, operation, by) {
		const done = editor.apply(track, operation);
		if (!done) return;
		telling(track);
		select(track, done.index, selected.side, by);
	}

	// An undone or redone state may be of another channel; what is detected comes from the server.
	function step(name) {
		if (!editor[name === "undo" ? "canUndo" : "canRedo"]) return;
		const before = result.tracks.map((_, track) => editor.rows(track));
		editor[name]();
		for (const [track, old] of before.entries()) if (editor.rows(track) !== old) telling(track);
	}

	const span = () => [nowMs, nowMs + edits.NEW_MS];
	const operations = {
		add: (all, options) => edits.add(all, ...span(), options),
		remove: (all) => edits.remove(all, selected.index),
		split: (all) => edits.split(all, nowMs),
		merge: (all) => edits.mergeNext(all, selected.index),
	};
	const can = (operation) => Boolean(result && operation(rows(), { durationMs: result.duration_ms }));
	const move = (side, ms) => (all, options) => {
		const row = all[selected.index];
		return row ? edits.moveEdge(all, selected.index, side, row[side === "start" ? 0 : 1] + ms, options) : null;
	};
	const commands = {
		undo: () => step("undo"),
		redo: () => step("redo"),
		save: () => editor.save(),
		detected: () => editor.detected(),
	};

	function act(name) {
		if (commands[name]) commands[name]();
		else take(selected.track, operations[name], name === "add" ? "keys" : "view");
	}

	function nudge(side, ms) {
		selected.side = side;
		take(selected.track, move(side, ms));
	}

	function able(button, yes) {
		const value = yes ? "false" : "true";
		if (button.getAttribute("aria-disabled") !== value) button.setAttribute("aria-disabled", value);
	}

	// In minutes at least, and to the ms.
	const time = (ms) => clock(ms / 1000, 0.001, Math.max(60, ms / 1000));

	// What of the toolbar is of use depends on the playhead, many times a second.
	function drawTools() {
		for (const [name, operation] of Object.entries(operations)) able(find(`[data-do="${name}"]`), can(operation));
		able(find('[data-do="undo"]'), editor.canUndo);
		able(find('[data-do="redo"]'), editor.canRedo);
	}

	function drawEdges() {
		const row = chosen();
		find(".vad-edit-hint").hidden = Boolean(row);
		find(".vad-edit-chosen").hidden = !row;
		if (row) find(".vad-edit-chosen").textContent = texts.chosen.replace("{number}", selected.index + 1);
		for (const part of element.querySelectorAll(".vad-edit-edge")) {
			const { side } = part.dataset;
			part.hidden = !row;
			if (!row) continue;
			const name = part.querySelector("[data-edge]");
			name.lastElementChild.textContent = time(row[side === "start" ? 0 : 1]);
			name.setAttribute("aria-pressed", side === selected.side);
			for (const button of part.querySelectorAll("[data-by]")) able(button, can(move(side, Number(button.dataset.by))));
		}
	}

	function drawNote() {
		const { problem } = editor;
		const { byHand, all } = editor.count();
		const edited = texts.note.replace("{by_hand}", byHand).replace("{all}", all);
		const text = problem ? texts.not_kept.replace("{reason}", problem) : editor.isEdited ? edited : texts.untouched;
		note.hidden = !(isOn || problem || editor.isEdited);
		note.classList.toggle("is-edited", editor.isEdited);
		note.classList.toggle("is-problem", Boolean(problem));
		if (note.firstElementChild.textContent !== text) note.firstElementChild.textContent = text;
		find('[data-do="save"]').hidden = !problem;
		find('[data-do="detected"]').classList.toggle("is-away", !editor.isEdited);
	}

	function draw() {
		if (!result) return;
		find(".vad-edit-toggle").setAttribute("aria-pressed", isOn);
		find(".vad-edit-tools").hidden = !isOn;
		find(".vad-edit-edges").hidden = !isOn;
		drawNote();
		if (!isOn) return;
		drawTools();
		drawEdges();
	}

	function switchTo(on) {
		isOn = on;
		draw();
		view.redraw();
	}

	function show(next) {
		if (!result || result.id !== next.id) {
			isOn = false;
			selected = { track: 0, index: -1, side: "end" };
		}
		result = next;
		box.hidden = false;
		for (const { track } of editor.open(result)) telling(track);
		draw();
	}

	tools.unshift(
		editTool({
			get isOn() {
				return isOn && Boolean(result);
			},
			get durationMs() {
				return result.duration_ms;
			},
			rows: (track) => editor.rows(track),
			draft(track, drafted) {
				view.draft = drafted && { track, rows: drafted };
				view.redraw();
			},
			commit: (track, done) => take(track, () => done),
			select,
			seek: (ms) => tell("vad:seek", ms),
		}),
	);

	box.addEventListener("click", ({ target }) => {
		const button = target.closest("button");
		if (!button || button.getAttribute("aria-disabled") === "true") return;
		const { edge, by } = button.dataset;
		if (button.dataset.do) act(button.dataset.do);
		else if (by) nudge(button.parentElement.dataset.side, Number(by));
		else if (edge) select(selected.track, selected.index, edge);
		else switchTo(!isOn);
	});
	letGo(box);

	function onKey(event) {
		const key = event.key.toLowerCase();
		const control = event.ctrlKey || event.metaKey;
		const isRange = event.target.matches?.("input[type=range]");
		if (control && !event.altKey && (key === "z" || (key === "y" && !event.shiftKey))) {
			act(key === "y" || event.shiftKey ? "redo" : "undo");
			return true;
		}
		if (control || isRange || !chosen()) return false;
		if (event.shiftKey && (key === "arrowleft" || key === "arrowright")) {
			nudge(selected.side, key === "arrowleft" ? -NUDGE_MS : NUDGE_MS);
			return true;
		}
		if (event.shiftKey || event.altKey) return false;
		if (key === "delete" || key === "backspace") act("remove");
		else if (key === "s" || key === "e") select(selected.track, selected.index, key === "s" ? "start" : "end");
		else return false;
		return true;
	}
	// Before the view takes the arrows for its own.
	document.addEventListener(
		"keydown",
		(event) => {
			if (!isOn || !result || currentTab() !== "detect" || event.defaultPrevented || event.isComposing) return;
			if (event.target instanceof Element && event.target.closest(WRITES)) return;
			if (onKey(event)) {
				event.preventDefault();
				event.stopPropagation();
			}
		},
		true,
	);
	document.addEventListener("vad:time", ({ detail }) => {
		nowMs = detail;
		if (isOn && result) drawTools();
	});
	document.addEventListener("vad:select", ({ detail: { index, track = 0 } }) => {
		selected = { ...selected, track, index };
		draw();
	});
	document.addEventListener("vad:result", ({ detail }) => show(detail));
	if (window.vadResult) show(window.vadResult);
})();
