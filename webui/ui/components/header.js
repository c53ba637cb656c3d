// The switch keeps the result that is open: its address says which one it is.
const links = element.querySelectorAll("[data-language]");
links.forEach((link) => {
	if (link.dataset.language === props.language) link.setAttribute("aria-current", "page");
	link.href = `${props.root}?lang=${link.dataset.language}`;
	link.addEventListener("click", () => {
		const query = new URLSearchParams(location.search);
		query.set("lang", link.dataset.language);
		link.href = `${props.root}?${query}`;
	});
});

// Gradio names the parts of its sliders in English, whatever the page's language.
const texts = JSON.parse(props.texts);
const PARTS = { "number-input": texts.number, "range-input": texts.slider, "reset-button": texts.reset };
function rename(tuning) {
	for (const [part, text] of Object.entries(PARTS)) {
		tuning.querySelectorAll(`[data-testid="${part}"]`).forEach((node) => {
			const name = node.closest(".block").querySelector('[data-testid="block-info"]').textContent;
			node.setAttribute("aria-label", text.replace("{name}", name));
		});
	}
}
// The tabs; what they show is mounted later than this.
const first = import(new URL(`${props.root}static/view/tabs.js`, document.baseURI));
const mounting = setInterval(() => {
	const panel = document.getElementById("vad-panel");
	if (!panel) return;
	clearInterval(mounting);
	first.then(({ watchTabs }) => watchTabs(element.querySelector(".vad-tabs"), panel));
}, 20);
// The sliders are mounted later than this; the advanced ones when their fold opens.
const waiting = setInterval(() => {
	const tuning = document.querySelector(".vad-tuning");
	if (!tuning) return;
	clearInterval(waiting);
	rename(tuning);
	new MutationObserver(() => rename(tuning)).observe(tuning, { childList: true, subtree: true });
}, 50);
