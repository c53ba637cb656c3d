// The tab that the address names is there from the first paint on.
document.documentElement.dataset.tab = new URLSearchParams(location.search).get("tab") || "detect";
// Gradio's own words and numbers follow the page's language, not the browser's.
for (const [name, value] of [["language", "[[locale]]"], ["languages", ["[[locale]]"]]]) {
	Object.defineProperty(navigator, name, { get: () => value, configurable: true });
}
