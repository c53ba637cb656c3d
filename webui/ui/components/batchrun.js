// How a batch stands: it goes on without this page, which finds it again by the address.
const find = (selector) => element.querySelector(selector);
const texts = JSON.parse(props.texts);
const from = (name) => import(new URL(`${props.root}static/${name}.js`, document.baseURI));
const root = document.documentElement;
const box = find(".vad-batch-now");
const error = find(".vad-batch-error");
const only = find(".vad-batch-only");
const pages = find(".vad-batch-pages");
const question = find(".vad-batch-question");
const menu = find(".vad-batch-sound");
const POLL_MS = 600;
const HIDDEN_POLL_MS = 5000;
const ROWS = 100;
const CONFLICT = 409;

function complain(text) {
	error.textContent = text;
	error.hidden = !text;
}

(async () => {
	const [{ Sender, post, put }, { Table }, { fill }, { chooseTab, leaveBehind }] = await Promise.all(
		["batch/send", "batch/table", "view/text", "view/tabs"].map(from),
	);
	let id = "";
	let held = []; // the files that this page has of it, by the numbers of their rows
	let sender = null;
	let shown = null;
	let first = 0;
	let filter = "";
	let timer = 0;
	let asked = 0;

	const address = (path, query = {}) =>
		new URL(`${props.root}${path}?${new URLSearchParams({ language: props.language, ...query })}`, document.baseURI);
	const isOver = () => shown && !["running", "stopping"].includes(shown.state);
	const table = new Table(
		find("ol"),
		() => find("template").content.firstElementChild.cloneNode(true),
		{ sending: texts.sending, open: texts.open },
		open,
	);

	function keepAddress() {
		const query = new URLSearchParams(location.search);
		if (id) query.set("batch", id);
		else query.delete("batch");
		history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
	}

	function mark() {
		const runs = Boolean(id) && !isOver();
		if (id) root.dataset.batch = runs ? "running" : "over";
		else delete root.dataset.batch;
		document.getElementById("vad-tab-batch")?.classList.toggle("is-on", runs);
	}

	function showFilters() {
		for (const { state, word, count } of shown.kinds) {
			let chip = only.querySelector(`[data-state="${state}"]`);
			if (!chip) {
				chip = document.createElement("button");
				chip.type = "button";
				chip.dataset.state = state;
				chip.addEventListener("click", () => {
					[filter, first] = [state, 0];
					ask();
				});
				only.append(chip);
			}
			const text = `${word} ${count.toLocaleString()}`;
			if (chip.textContent !== text) chip.textContent = text;
			chip.hidden = Boolean(state) && !count && filter !== state;
			chip.setAttribute("aria-pressed", filter === state);
		}
	}

	function showPages() {
		pages.hidden = shown.matching <= ROWS;
		const last = Math.min(first + ROWS, shown.matching);
		const values = { first: (first + 1).toLocaleString(), last: last.toLocaleString(), count: shown.matching.toLocaleString() };
		pages.querySelector("span").textContent = fill(texts.page, values);
		find(".vad-batch-back").disabled = !first;
		find(".vad-batch-on").disabled = last >= shown.matching;
	}

	function show() {
		box.dataset.state = shown.state;
		const title = find("h2");
		if (title.textContent !== shown.title) title.textContent = shown.title;
		find(".vad-batch-about").textContent = [shown.files, shown.pace].filter(Boolean).join(" · ");
		find(".vad-batch-made").textContent = shown.made;
		const bar = find(".vad-batch-bar");
		bar.setAttribute("aria-valuenow", Math.round(shown.fraction * 100));
		bar.firstElementChild.style.width = `${shown.fraction * 100}%`;
		complain(shown.error);
		const hasResults = shown.is_kept && shown.results > 0;
		const lacks = shown.lacks_files && !held.length;
		find(".vad-batch-stop").hidden = shown.state !== "running";
		find(".vad-batch-go").hidden = !shown.can_go_on || lacks;
		find(".vad-batch-lacking").hidden = !lacks;
		find(".vad-batch-new").hidden = find(".vad-batch-delete").hidden = !isOver();
		if (!isOver()) askDelete(false);
		else if (!question.hidden) find(".vad-batch-delete").hidden = true;
		find(".vad-batch-alone").hidden = Boolean(isOver()) || lacks;
		const labels = find(".vad-batch-labels");
		labels.hidden = menu.hidden = !hasResults || !isOver();
		labels.href = address(`batches/${id}/labels.zip`);
		for (const link of menu.querySelectorAll("a")) link.href = address(`batches/${id}/sound.zip`, { ...link.dataset });
		showFilters();
		showPages();
		find(".vad-batch-list").hidden = !shown.rows.length;
		table.show(shown.rows, sender?.fractions ?? new Map());
		mark();
	}

	// The batch is gone: what was shown of it is, too.
	function forget(text) {
		leave();
		complain(text);
		box.dataset.state = "gone";
		find("h2").textContent = texts.gone;
		find(".vad-batch-about").textContent = find(".vad-batch-made").textContent = "";
		root.dataset.batch = "over";
		for (const part of [".vad-batch-stop", ".vad-batch-go", ".vad-batch-labels", ".vad-batch-delete", ".vad-batch-list", ".vad-batch-pages", ".vad-batch-alone", ".vad-batch-lacking"]) find(part).hidden = true;
		menu.hidden = true;
		only.replaceChildren();
		find(".vad-batch-new").hidden = false;
	}

	async function ask() {
		clearTimeout(timer);
		if (!id) return;
		const number = ++asked;
		const query = { first, only: filter };
		if (sender?.isBusy) query.sending = 1;
		try {
			const answer = await fetch(address(`batches/${id}`, query));
			if (number !== asked) return;
			if (answer.status === 404) return forget(await answer.text());
			const value = await answer.json();
			if (number !== asked) return;
			if (first && first >= value.matching) {
				first = Math.max(0, Math.ceil(value.matching / ROWS - 1) * ROWS);
				return ask();
			}
			shown = value;
			if (isOver()) sender?.stop();
			show();
		} catch {
			complain(texts.unreachable);
		}
		const isSeen = root.dataset.tab === "batch" && !isOver();
		// Another page may go on with one that was stopped.
		if (!isOver() || shown.can_go_on) timer = setTimeout(ask, isSeen ? POLL_MS : HIDDEN_POLL_MS);
	}

	function leave() {
		sender?.stop();
		asked += 1;
		clearTimeout(timer);
		[id, held, sender, shown, first, filter] = ["", [], null, null, 0, ""];
		keepAddress();
		mark();
	}

	function send(files) {
		if (!files.length) return;
		sender = new Sender(files, { id, address, put, post });
		sender.run().then(ask);
	}

	function take(given, files) {
		leave();
		complain("");
		only.replaceChildren();
		[id, box.dataset.state] = [given, "running"];
		held = files.map((each, n) => ({ ...each, n }));
		send(held);
		keepAddress();
		mark();
		ask();
	}

	async function open(n) {
		const { ok, text } = await post(address(`batches/${id}/files/${n}/open`));
		if (!ok) {
			complain(text || texts.unreachable);
			return;
		}
		leaveBehind();
		document.dispatchEvent(new CustomEvent("vad:open", { detail: JSON.parse(text).query }));
		chooseTab("detect");
	}

	function askDelete(isAsked) {
		question.hidden = !isAsked;
		find(".vad-batch-delete").hidden = isAsked || !isOver();
	}

	find(".vad-batch-stop").addEventListener("click", async () => {
		sender?.stop();
		await post(address(`batches/${id}/stop`));
		ask();
	});
	find(".vad-batch-go").addEventListener("click", async () => {
		const { ok, status, text } = await post(address(`batches/${id}/go_on`));
		if (ok) {
			const { unsent } = JSON.parse(text);
			send(held.filter(({ n }) => unsent.includes(n)));
		}
		await ask();
		// Where another page was faster, what is shown now says so.
		if (!ok && (status !== CONFLICT || isOver())) complain(text || texts.unreachable);
	});
	find(".vad-batch-new").addEventListener("click", leave);
	find(".vad-batch-delete").addEventListener("click", () => {
		askDelete(true);
		find(".vad-batch-no").focus();
	});
	find(".vad-batch-no").addEventListener("click", () => askDelete(false));
	find(".vad-batch-yes").addEventListener("click", async () => {
		await post(address(`batches/${id}`), {}, "DELETE");
		question.hidden = true;
		leave();
	});
	find(".vad-batch-back").addEventListener("click", () => {
		first = Math.max(0, first - ROWS);
		ask();
	});
	find(".vad-batch-on").addEventListener("click", () => {
		first += ROWS;
		ask();
	});
	document.addEventListener("click", ({ target }) => {
		if (target.closest("a") || !menu.contains(target)) menu.open = false;
	});
	menu.addEventListener("keydown", (event) => {
		if (event.key !== "Escape" || !menu.open) return;
		menu.open = false;
		menu.firstElementChild.focus();
	});
	document.addEventListener("vad:batch", ({ detail }) => (detail ? take(detail.id, detail.files) : leave()));
	document.addEventListener("vad:tab", ({ detail }) => detail === "batch" && !isOver() && ask());
	// Closed, or loaded anew: what was not sent will not be.
	window.addEventListener("pagehide", () => sender?.isBusy && navigator.sendBeacon(address(`batches/${id}/left`)));
	window.addEventListener("beforeunload", (event) => sender?.isBusy && event.preventDefault());
	const named = () => new URLSearchParams(location.search).get("batch");
	// Back and forward; not away from files that this page sends.
	window.addEventListener("popstate", () => {
		if (named() === (id || null)) return;
		if (sender?.isBusy) keepAddress();
		else if (named()) take(named(), []);
		else leave();
	});
	if (named()) take(named(), []);
})();
