// Memory and the model's state. Texts change in place, so nothing flickers and a
// screen reader is not told every two seconds.
const box = element.querySelector(".vad-system-box");
const bar = element.querySelector(".vad-system-bar");
const message = element.querySelector(".vad-system-message");
const panel = element.closest(".vad-panel");

function set(node, text) {
	if (node.textContent !== text) node.textContent = text;
}

// Why the button is off, at the button itself; Gradio has no title for one.
function explain(reason) {
	set(box.querySelector("#vad-clear-reason"), reason);
	const button = document.getElementById("vad-clear");
	if (!button || button.title === reason) return;
	button.title = reason;
	if (reason) button.setAttribute("aria-describedby", "vad-clear-reason");
	else button.removeAttribute("aria-describedby");
}

function show() {
	if (!props.value) return;
	const state = JSON.parse(props.value);
	box.dataset.state = state.state;
	box.querySelectorAll("[data-text]").forEach((node) => set(node, state.texts[node.dataset.text] || ""));
	box.querySelectorAll("[data-share]").forEach((node) => {
		node.style.setProperty("--share", state.shares[node.dataset.share]);
	});
	box.querySelector("path.is-page").setAttribute("d", state.trend.page);
	box.querySelector("path.is-engine").setAttribute("d", state.trend.engine);
	explain(state.clear_reason);
	if ("message" in state) {
		message.hidden = !state.message;
		set(message, state.message || "");
	} else if (state.state === "loading") {
		// What was said of an unloaded model no longer holds.
		message.hidden = true;
	}
}
bar.addEventListener("click", () => {
	const open = panel.classList.toggle("is-open");
	bar.setAttribute("aria-expanded", open);
});
watch("value", show);
show();
