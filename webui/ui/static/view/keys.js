import { currentTab } from "./tabs.js";

// Which keys are the page's: those that the focused control has no use for itself.

const WRITES = "input, textarea, select, [contenteditable], [role=combobox], [role=listbox], [role=menu], dialog";
// These take arrows alone, and the last two the space bar.
const PICKS = "input[type=range], input[type=radio], input[type=checkbox]";
const PRESSES = "button, a[href], summary, audio, [role=button], [role=switch], input[type=radio], input[type=checkbox]";

// The name of the action of a key, or "" if the key belongs to what has the focus or to another tab.
export function actionOf(event, actions) {
	if (currentTab() !== "detect") return "";
	if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return "";
	const { target } = event;
	const at = (names) => target instanceof Element && target.closest(names);
	if (at(WRITES) && !at(PICKS)) return "";
	const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
	if ((key === " " || key === "Enter") && at(PRESSES)) return "";
	return actions[key] ?? "";
}

// After a click or a tap within `box` the keys are the page's again: Space plays, and does not
// press the button once more. Whoever came by keys stays where they are.
export function letGo(box) {
	const leave = (kinds) => {
		const focused = document.activeElement;
		if (box.contains(focused) && focused.matches(kinds) && !focused.matches(":focus-visible")) focused.blur();
	};
	box.addEventListener("click", ({ pointerType }) => {
		if (!pointerType) return;
		leave("button, input");
		// A label hands the focus on after its own click.
		setTimeout(() => leave("button, input"));
	});
	box.addEventListener("change", () => leave("select"));
}
