// Which part of the page is shown. The root element bears its name, and the style sheet hides
// the rest by that: nothing is built anew, and what runs in a part that is hidden goes on.

const FIRST = "detect"; // the one that an address without `tab` shows
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export const currentTab = () => document.documentElement.dataset.tab || FIRST;

// The query of an address with another tab in it.
export function withTab(query, name) {
	const given = new URLSearchParams(query);
	if (name === FIRST) given.delete("tab");
	else given.set("tab", name);
	return given.toString();
}

// The number of the tab that a key leads to, -1 for none; the last is followed by the first.
export function tabFor(key, index, count) {
	if (key === "Home") return 0;
	if (key === "End") return count - 1;
	return STEPS[key] ? (index + STEPS[key] + count) % count : -1;
}

// Show one; told to all parts of the page as "vad:tab", with its name.
export function chooseTab(name) {
	if (name === currentTab()) return;
	const query = withTab(location.search, name);
	history.replaceState(null, "", location.pathname + (query && `?${query}`));
	show(name);
}

function show(name) {
	document.documentElement.dataset.tab = name;
	document.dispatchEvent(new CustomEvent("vad:tab", { detail: name }));
}

// What comes next has an address of its own: the browser's Back leads to what is shown now.
export function leaveBehind() {
	history.pushState(null, "", location.href);
}

// `bar` holds the buttons, `panel` what they show.
export function watchTabs(bar, panel) {
	const tabs = [...bar.querySelectorAll("[data-tab]")];
	panel.setAttribute("role", "tabpanel");
	function mark() {
		const name = currentTab();
		for (const tab of tabs) {
			const isShown = tab.dataset.tab === name;
			tab.setAttribute("aria-selected", String(isShown));
			tab.tabIndex = isShown ? 0 : -1;
			if (isShown) panel.setAttribute("aria-labelledby", tab.id);
		}
	}
	// An address can name what is not there.
	if (!tabs.some((tab) => tab.dataset.tab === currentTab())) document.documentElement.dataset.tab = FIRST;
	mark();
	bar.addEventListener("click", ({ target }) => {
		const tab = target.closest("[data-tab]");
		if (tab) chooseTab(tab.dataset.tab);
	});
	bar.addEventListener("keydown", (event) => {
		const index = tabFor(event.key, tabs.indexOf(event.target), tabs.length);
		if (index < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
		event.preventDefault();
		tabs[index].focus();
		chooseTab(tabs[index].dataset.tab);
	});
	document.addEventListener("vad:tab", mark);
	window.addEventListener("popstate", () => {
		const name = new URLSearchParams(location.search).get("tab") || FIRST;
		if (name !== currentTab() && tabs.some((tab) => tab.dataset.tab === name)) show(name);
	});
}
