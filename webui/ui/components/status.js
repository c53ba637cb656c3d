// Progress of a job, or a message. Only texts and a width change, so nothing flickers.
const box = element.querySelector(".vad-status-box");
const title = box.querySelector("strong");
const detail = box.querySelector("span");
const bar = box.querySelector(".vad-status-bar");
const fill = bar.querySelector("i");

function show() {
	const state = props.value ? JSON.parse(props.value) : { kind: "idle" };
	box.hidden = state.kind === "idle";
	box.dataset.kind = state.kind;
	title.setAttribute("role", state.kind === "error" ? "alert" : "status");
	if (title.textContent !== (state.title || "")) title.textContent = state.title || "";
	detail.textContent = state.detail || "";
	const runs = state.kind === "progress";
	bar.hidden = !runs;
	const known = runs && typeof state.fraction === "number";
	bar.classList.toggle("is-open", runs && !known);
	fill.style.width = known ? `${state.fraction * 100}%` : "";
	if (known) bar.setAttribute("aria-valuenow", Math.round(state.fraction * 100));
	else bar.removeAttribute("aria-valuenow");
}
watch("value", show);
show();
