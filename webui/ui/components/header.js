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
