// The tab that the address names is there from the first paint on.
document.documentElement.dataset.tab = new URLSearchParams(location.search).get("tab") || "detect";
// Gradio's own words and numbers follow the page's language, not the browser's.
for (const [name, value] of [["language", "[[locale]]"], ["languages", ["[[locale]]"]]]) {
	Object.defineProperty(navigator, name, { get: () => value, configurable: true });
}

const texts = [[words]];
const SHOWN_AFTER_MS = 400; // a moment is not worth a word
let lineTimer = 0;
let isRenewed = false;

// What is said of the line, over the page: one sentence, and a button where there is a choice.
function sayOfLine(text, button) {
	document.querySelector(".vad-line")?.remove();
	if (!text) return;
	const box = Object.assign(document.createElement("div"), { className: "vad-line" });
	box.setAttribute("role", "status");
	box.append(Object.assign(document.createElement("span"), { textContent: text }));
	if (button) box.append(button);
	// Where the page's style sheet holds.
	(document.querySelector(".gradio-container") ?? document.body).append(box);
}

function sayRenewed() {
	const button = Object.assign(document.createElement("button"), { type: "button", textContent: texts.reload });
	button.addEventListener("click", () => location.reload());
	sayOfLine(texts.renewed, button);
}

window.fetch = new Line({
	fetch: window.fetch.bind(window),
	known: () => window.gradio_config.app_id,
	lost: texts.broken,
	changed: (isDown) => {
		document.documentElement.toggleAttribute("data-line-down", isDown);
		document.dispatchEvent(new CustomEvent("vad:line", { detail: isDown }));
		clearTimeout(lineTimer);
		if (isDown) lineTimer = setTimeout(() => sayOfLine(texts.down), SHOWN_AFTER_MS);
		else if (isRenewed) sayRenewed();
		else sayOfLine("");
	},
	// Another server: nothing of this page is known to it. Where a live session was on, what is on
	// the page may be all that is left of it; its owner decides.
	renewed: () => {
		isRenewed = true;
		if (!document.documentElement.hasAttribute("data-live")) location.reload();
		else sayRenewed();
	},
}).fetch;
