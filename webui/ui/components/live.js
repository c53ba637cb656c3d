// The microphone's card: what is chosen, how it goes, and the last seconds as a picture.
const find = (selector) => element.querySelector(selector);
const texts = JSON.parse(props.texts);
const box = find(".vad-live-box");
const button = find(".vad-live-start");
const select = find("select");
const note = find(".vad-live-note");
const problem = find(".vad-live-problem");
const openButton = find(".vad-live-open");
const historyButton = find(".vad-live-open.is-history");
// Of a session that cannot tell its result, which is found there.
const ELSEWHERE = ["gone", "behind"];
const from = (name) => import(new URL(`${props.root}static/${name}.js`, document.baseURI));
const isInsecure = !window.isSecureContext || !navigator.mediaDevices || !window.AudioWorkletNode;

function set(node, text) {
	if (node.textContent !== text) node.textContent = text;
}

// What the controls say before the modules are there is not lost.
const names = JSON.parse(props.options);
const controls = { options: JSON.parse(props.defaults), engine: props.engine };
let follow = () => {};
document.addEventListener("vad:options", ({ detail }) => {
	controls.options = Object.fromEntries(names.map((name, index) => [name, detail[index]]));
	follow();
});
document.addEventListener("vad:engine", ({ detail }) => {
	controls.engine = detail;
	follow();
});

(async () => {
	const [{ live }, { noteLeft, wasLeft }, { devices }, { Stage }, { facts, moodOf, queryOf }] = await Promise.all(
		["live/live", "live/left", "live/microphone", "live/stage", "live/words"].map(from),
	);
	const [{ clock }, { fill }, { chooseTab }] = await Promise.all(["view/axis", "view/text", "view/tabs"].map(from));
	const isLeft = wasLeft();
	const chosen = () => {
		const given = { device: select.value };
		for (const name of ["echo", "noise", "gain"]) given[name] = find(`[name=${name}]`).checked;
		return given;
	};

	function connect() {
		const address = new URL(`${props.root}stream`, document.baseURI);
		address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
		return new WebSocket(address);
	}

	async function listDevices() {
		const now = select.value;
		const listed = await devices();
		const options = listed.map(({ id, label }) => new Option(label, id));
		select.replaceChildren(select.options[0], ...options);
		select.value = listed.some(({ id }) => id === now) ? now : "";
	}

	function words() {
		const seconds = Math.round(live.waiting_s);
		if (live.isOn && live.connection === "lost") return [fill(texts.lost, { s: seconds }), true];
		if (live.silent && !live.silent.over_s) return [texts.silent, true];
		if (live.silent) return [fill(texts.silent_over, { s: Math.round(live.silent.over_s) }), true];
		if (live.runs && live.loading) return [fill(texts.loading, { what: live.loading }), false];
		if (live.runs && live.back) return [texts.back, false];
		if (live.runs) return [texts.running, false];
		if (live.result) return [texts.saved, false];
		if (isLeft && live.state === "idle") return [texts.left, true];
		return [isInsecure ? fill(texts.insecure, { port: location.port || "80" }) : texts.hint, isInsecure];
	}

	function complaint() {
		if (live.isOn || !live.problem) return "";
		return live.problem.text ?? texts[`problem_${live.problem.code}`];
	}

	function show() {
		const { state } = live;
		const mood = moodOf(live);
		box.dataset.state = state;
		box.dataset.mood = mood;
		box.classList.toggle("has-sound", Boolean(live.track));
		// What is on the page is all that there is of it: not to be lost to a reload by itself.
		document.documentElement.toggleAttribute("data-live", live.isOn || Boolean(live.track && !live.result));
		document.getElementById("vad-tab-live")?.classList.toggle("is-on", live.isOn);
		set(find(".vad-live-state span"), texts[`state_${mood}`]);
		button.disabled = isInsecure || state === "opening" || state === "stopping";
		button.setAttribute("aria-pressed", String(live.runs || state === "stopping"));
		set(button.lastElementChild, live.runs || state === "stopping" ? texts.stop : texts.start);
		const wrong = complaint();
		problem.hidden = !wrong;
		set(problem, wrong);
		const [text, isWarning] = words();
		note.hidden = Boolean(wrong);
		note.classList.toggle("is-warning", isWarning);
		set(note, text);
		openButton.hidden = !live.result || live.isOn;
		historyButton.hidden = !(isLeft && live.state === "idle") && !(wrong && ELSEWHERE.includes(live.problem.code));
		for (const [name, { value, note: small = "" }] of Object.entries(facts(live, texts))) {
			set(find(`[data-fact=${name}]`), value);
			set(find(`[data-note=${name}]`), small);
		}
		const { track, found, runs, options } = live;
		const thres = options.dynamic_silence ? props.dynamic_thres : options.speech_noise_thres;
		stage.show({ track, found, runs, thres });
	}

	const meter = find(".vad-live-meter");
	const time = find(".vad-live-time");
	// With each picture: what moves with the sound.
	function moved(track) {
		const level = live.runs && track ? track.needle() : 0;
		meter.firstElementChild.style.transform = `translateX(${(level - 1) * 100}%)`;
		meter.classList.toggle("is-loud", level > 0.99);
		set(time, clock(track ? Math.floor(track.head_ms / 1000) : 0, 1, Math.max(60, track ? track.head_ms / 1000 : 0)));
	}
	const stage = new Stage(find(".vad-live-stage"), find("canvas"), moved);

	button.addEventListener("click", async () => {
		if (live.runs) {
			live.stop();
			return;
		}
		await live.start({ choice: chosen(), connect, language: props.language });
		if (live.runs) listDevices();
	});
	box.addEventListener("change", ({ target }) => {
		if (target.name === "past") live.setPast(target.checked);
		else live.change(chosen());
	});
	function openResult() {
		document.dispatchEvent(new CustomEvent("vad:open", { detail: queryOf(live, names) }));
		chooseTab("detect");
	}
	openButton.addEventListener("click", openResult);
	historyButton.addEventListener("click", () => chooseTab("history"));
	live.addEventListener("change", show);
	// Not where something went wrong: that is to be read first.
	live.addEventListener("end", () => live.result && !live.problem && openResult());
	window.addEventListener("beforeunload", (event) => live.isOn && event.preventDefault());
	// A page that is kept in the browser's memory may come back, and goes on where it was.
	window.addEventListener("pagehide", ({ persisted }) => {
		if (persisted) return;
		if (live.isOn && live.track?.samples) noteLeft();
		live.leave();
	});
	document.addEventListener("visibilitychange", () => document.hidden || live.wake());
	window.addEventListener("online", () => live.wake());
	if (!isInsecure) {
		navigator.mediaDevices.addEventListener("devicechange", listDevices);
		listDevices();
	}
	follow = () => {
		live.engine = controls.engine;
		live.tune(controls.options);
	};
	follow();
})();
