// The rows of a batch, written into what is there: nothing flickers, and the focus stays.

const FIGURES = ["length", "segments", "share"];

export class Table {
	// `list` gets the rows, `blank` makes an empty one, `open(n)` opens one.
	constructor(list, blank, words, open) {
		Object.assign(this, { list, blank, words, open });
	}

	show(rows, sending) {
		while (this.list.children.length > rows.length) this.list.lastElementChild.remove();
		while (this.list.children.length < rows.length) this.list.append(this.#make());
		rows.forEach((row, i) => this.#fill(this.list.children[i], row, sending.get(row.n)));
	}

	#make() {
		const line = this.blank();
		line.querySelector("button").addEventListener("click", () => this.open(Number(line.dataset.n)));
		return line;
	}

	#fill(line, row, sent) {
		const put = (selector, text) => {
			const node = line.querySelector(selector);
			if (node.textContent !== text) node.textContent = text;
			return node;
		};
		const isSending = row.state === "unsent" && sent !== undefined;
		const slash = row.name.lastIndexOf("/") + 1;
		line.dataset.n = row.n;
		line.dataset.state = isSending ? "sending" : row.state;
		put("b", row.name.slice(slash)).title = row.name;
		put(".vad-batch-folder", row.name.slice(0, slash)).hidden = !slash;
		put(".vad-batch-note", row.note).hidden = !row.note;
		const fraction = isSending ? sent : row.fraction;
		put(".vad-batch-word", isSending ? `${this.words.sending} ${Math.floor(sent * 100)}%` : row.word);
		const bar = line.querySelector(".vad-batch-part");
		bar.hidden = fraction === null;
		bar.firstElementChild.style.width = `${(fraction ?? 0) * 100}%`;
		for (const name of FIGURES) put(`[data-figure=${name}] span`, row[name] ?? "–");
		const button = line.querySelector("button");
		button.hidden = row.state !== "done";
		const label = `${this.words.open}: ${row.name}`;
		if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
	}
}
