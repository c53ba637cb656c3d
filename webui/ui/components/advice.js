// A word about a result that is odd, and changes that were tried; asked once the hand is still.
const texts = JSON.parse(props.texts);
const box = element.querySelector(".vad-advice-box");
const words = element.querySelector(".vad-advice-text");

// `advice` is null where nothing is odd, undefined while that is not known.
function tell(advice, edited = false) {
	box.replaceChildren(words);
	box.classList.toggle("is-odd", Boolean(advice));
	// Why there is nothing stands above already.
	if (advice) words.textContent = advice.oddity === "empty" ? "" : advice.text;
	// Of what a person edited, nothing is said.
	else words.textContent = advice === null && !edited ? texts.usual : "";
	for (const { name, value, text } of advice ? advice.changes : []) {
		const button = document.createElement("button");
		button.type = "button";
		button.textContent = text;
		button.setAttribute("aria-label", texts.try.replace("{change}", text));
		button.addEventListener("click", () => {
			document.dispatchEvent(new CustomEvent("vad:tune", { detail: { name, value } }));
		});
		box.append(button);
	}
}

(async () => {
	const module = new URL(`${props.root}static/view/ask.js`, document.baseURI);
	const asker = (await import(module)).patientAsker(300);
	let about = "";
	const follow = (result) => {
		const query = new URLSearchParams(result.query);
		query.set("language", props.language);
		// What was said of another result is not true of this one.
		const edited = result.tracks.map((track) => track.edited);
		const now = `${result.version} ${edited} ${query}`;
		if (now !== about) tell();
		about = now;
		const address = `${props.root}results/${result.id}/advice?${query}`;
		const then = (advice) => tell(advice, result.edited);
		asker.ask(new URL(address, document.baseURI), then);
	};
	document.addEventListener("vad:result", ({ detail }) => follow(detail));
	if (window.vadResult) follow(window.vadResult);
})();
