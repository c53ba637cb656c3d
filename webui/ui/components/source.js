// Where recordings come from: a chosen or dropped file, the microphone, or a demo.
// Each ends in the event "picked" with the id under which the server has it.
const texts = JSON.parse(props.texts);
const find = (selector) => element.querySelector(selector);
const drop = find(".vad-drop");
const input = find("input[type=file]");
const upload = find(".vad-upload");
const problem = find(".vad-source-error");

function complain(message) {
	problem.textContent = message || "";
	problem.hidden = !message;
}

function pick(origin, id) {
	trigger("picked", { origin, id });
}
// Another part of the page knows a recording.
document.addEventListener("vad:pick", ({ detail }) => pick(detail.origin, detail.id));

let sending = null;
function send(blob, name) {
	complain("");
	if (sending) sending.abort();
	const request = (sending = new XMLHttpRequest());
	const query = new URLSearchParams({ name, language: props.language });
	request.open("PUT", new URL(`${props.root}uploads?${query}`, document.baseURI));
	const bar = find("progress");
	const show = (on) => {
		upload.hidden = !on;
		drop.classList.toggle("is-busy", on);
	};
	find(".vad-upload-name").textContent = name;
	bar.value = 0;
	show(true);
	request.upload.onprogress = (event) => {
		if (event.lengthComputable) bar.value = event.loaded / event.total;
	};
	request.onloadend = () => {
		if (sending !== request) return;
		sending = null;
		show(false);
		if (request.status === 201) pick("upload", JSON.parse(request.responseText).id);
		else if (request.status) complain(request.responseText);
	};
	request.onerror = () => complain(texts.unreachable);
	request.send(blob);
}
find(".vad-upload-stop").addEventListener("click", () => {
	const request = sending;
	sending = null;
	upload.hidden = true;
	drop.classList.remove("is-busy");
	if (request) request.abort();
});

find(".vad-choose").addEventListener("click", () => input.click());
drop.addEventListener("click", (event) => {
	if (!event.target.closest("button, input, .vad-upload")) input.click();
});
input.addEventListener("change", () => {
	if (input.files.length) send(input.files[0], input.files[0].name);
	input.value = "";
});
// A file may be dropped anywhere on the page, also while another tab is shown.
const tabs = import(new URL(`${props.root}static/view/tabs.js`, document.baseURI));
const carriesFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
let depth = 0;
const hover = (on) => {
	drop.classList.toggle("is-over", on);
	document.documentElement.classList.toggle("has-files", on);
};
document.addEventListener("dragenter", (event) => {
	if (carriesFile(event)) hover(++depth > 0);
});
document.addEventListener("dragleave", (event) => {
	if (carriesFile(event)) hover((depth = Math.max(0, depth - 1)) > 0);
});
document.addEventListener("dragover", (event) => {
	if (carriesFile(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
	if (!carriesFile(event)) return;
	event.preventDefault();
	hover((depth = 0) > 0);
	// Several are a batch, and so is whatever is dropped on that tab; a folder is no file.
	const entry = event.dataTransfer.items[0]?.webkitGetAsEntry?.();
	if (event.dataTransfer.files.length > 1 || entry?.isDirectory || document.documentElement.dataset.tab === "batch") {
		document.dispatchEvent(new CustomEvent("vad:dropped", { detail: event.dataTransfer }));
		return;
	}
	tabs.then(({ chooseTab }) => chooseTab("detect"));
	const file = event.dataTransfer.files[0];
	if (file) send(file, file.name);
});

// The microphone: samples as they are, without the browser's echo, noise and gain
// processing, which would change what is to be analysed.
const button = find(".vad-record");
const word = find(".vad-record-word");
const time = find(".vad-record-time");
const meter = find(".vad-meter i");
const WORKLET = `
registerProcessor("vad-tap", class extends AudioWorkletProcessor {
	process(inputs) {
		if (inputs[0].length) this.port.postMessage(inputs[0][0].slice());
		return true;
	}
});`;

function wavFile(chunks, rate) {
	const samples = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
	const head = new DataView(new ArrayBuffer(44));
	const write = (at, word) => [...word].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
	write(0, "RIFF");
	head.setUint32(4, 36 + 2 * samples, true);
	write(8, "WAVEfmt ");
	head.setUint32(16, 16, true);
	head.setUint16(20, 1, true);
	head.setUint16(22, 1, true);
	head.setUint32(24, rate, true);
	head.setUint32(28, 2 * rate, true);
	head.setUint16(32, 2, true);
	head.setUint16(34, 16, true);
	write(36, "data");
	head.setUint32(40, 2 * samples, true);
	return new Blob([head.buffer, ...chunks], { type: "audio/wav" });
}

let recording = null;
async function start() {
	complain("");
	let stream;
	try {
		stream = await navigator.mediaDevices.getUserMedia({
			audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
		});
	} catch (error) {
		complain(error.name === "NotAllowedError" ? texts.microphone_denied : texts.microphone_missing);
		return;
	}
	let context;
	try {
		context = new AudioContext();
		recording = await tape(stream, context);
	} catch {
		release(stream, context);
		complain(texts.microphone_failed);
		return;
	}
	button.setAttribute("aria-pressed", "true");
	word.textContent = texts.stop_recording;
	element.classList.add("is-recording");
}

async function tape(stream, context) {
	const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
	try {
		await context.audioWorklet.addModule(url);
	} finally {
		URL.revokeObjectURL(url);
	}
	const tap = new AudioWorkletNode(context, "vad-tap");
	const chunks = [];
	let level = 0;
	let count = 0;
	tap.port.onmessage = ({ data }) => {
		const chunk = new Int16Array(data.length);
		for (let i = 0; i < data.length; i++) {
			const sample = Math.max(-1, Math.min(1, data[i]));
			chunk[i] = sample * 32767;
			level = Math.max(level, Math.abs(sample));
		}
		chunks.push(chunk);
		count += chunk.length;
	};
	context.createMediaStreamSource(stream).connect(tap);
	await context.resume();
	const clock = setInterval(() => {
		const seconds = Math.floor(count / context.sampleRate);
		time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
		// -60 dB to 0 dB
		meter.style.width = `${Math.max(0, 1 + Math.log10(level + 1e-6) / 3) * 100}%`;
		level *= 0.6;
	}, 80);
	// Unplugged, or leave taken back: what is recorded by then is kept.
	stream.getAudioTracks().forEach((track) => track.addEventListener("ended", toggle));
	return { stream, context, chunks, clock };
}

function release(stream, context) {
	stream.getTracks().forEach((track) => {
		track.removeEventListener("ended", toggle);
		track.stop();
	});
	if (context && context.state !== "closed") context.close().catch(() => {});
}

async function stop() {
	const { stream, context, chunks, clock } = recording;
	recording = null;
	clearInterval(clock);
	// What the tap has posted already is still delivered.
	await new Promise((resolve) => setTimeout(resolve, 60));
	const rate = context.sampleRate;
	release(stream, context);
	button.setAttribute("aria-pressed", "false");
	word.textContent = texts.record;
	time.textContent = "0:00";
	meter.style.width = "0";
	element.classList.remove("is-recording");
	if (!chunks.length) {
		complain(texts.microphone_failed);
		return;
	}
	const now = new Date();
	const two = (number) => String(number).padStart(2, "0");
	const stamp = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())} ${two(now.getHours())}.${two(now.getMinutes())}.${two(now.getSeconds())}`;
	send(wavFile(chunks, rate), `${texts.recording_name} ${stamp}.wav`);
}

async function toggle() {
	if (button.disabled) return;
	button.disabled = true;
	try {
		await (recording ? stop() : start());
	} finally {
		button.disabled = false;
	}
	// Unplugged while it began.
	if (recording && recording.stream.getAudioTracks().every((track) => track.readyState === "ended")) toggle();
}
button.addEventListener("click", toggle);
if (!window.isSecureContext || !navigator.mediaDevices) {
	button.disabled = true;
	element.classList.add("is-insecure");
	find(".vad-record-note").textContent = texts.insecure;
}

const demos = find(".vad-demos");
JSON.parse(props.demos).forEach(({ name, label }) => {
	const chip = document.createElement("button");
	chip.type = "button";
	chip.textContent = label;
	chip.addEventListener("click", () => {
		complain("");
		pick("demo", name);
	});
	demos.append(chip);
	demos.hidden = false;
});
