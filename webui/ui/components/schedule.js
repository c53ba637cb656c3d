// The table of dynamic silence, row by row; its value is the table as text, like that of a text box.
// It stands in a fold, where Gradio loses a component's props: what it needs is in the template.
const find = (selector) => element.querySelector(selector);
const body = find("tbody");
const MOST_ROWS = 32;
const SVG = "http://www.w3.org/2000/svg";

const told = find(".vad-schedule-box").dataset;
const texts = JSON.parse(told.texts);

(async () => {
	const module = new URL(`${told.root}static/view/schedule.js`, document.baseURI);
	const { readTable, rises, withRow, withoutRow, writeTable } = await import(module);
	let rows = [];

	function change(next) {
		rows = next;
		mark();
		props.value = writeTable(rows);
		trigger("input");
	}

	function mark() {
		[...body.rows].forEach((line, index) => {
			const limit = line.cells[0].querySelector("input");
			if (limit) limit.setAttribute("aria-invalid", String(!rises(rows, index)));
		});
	}

	function field(cell, index, column, label) {
		const input = document.createElement("input");
		input.type = "number";
		input.inputMode = "numeric";
		input.min = 0;
		input.step = column ? 10 : 1000;
		input.value = rows[index][column];
		input.setAttribute("aria-label", label.replace("{number}", index + 1));
		input.addEventListener("change", () => {
			const next = rows.map((row) => [...row]);
			next[index][column] = Math.max(0, Math.round(Number(input.value)));
			input.value = next[index][column];
			change(next);
		});
		cell.append(input);
	}

	function remover(cell, index) {
		const button = document.createElement("button");
		button.type = "button";
		button.setAttribute("aria-label", texts.remove.replace("{number}", index + 1));
		button.title = button.getAttribute("aria-label");
		const cross = document.createElementNS(SVG, "svg");
		cross.setAttribute("viewBox", "0 0 12 12");
		cross.setAttribute("aria-hidden", "true");
		const path = document.createElementNS(SVG, "path");
		path.setAttribute("d", "m2.5 2.5 7 7m0-7-7 7");
		cross.append(path);
		button.append(cross);
		button.addEventListener("click", () => {
			change(withoutRow(rows, index));
			draw();
			(body.rows[index].querySelector("button") ?? find(".vad-schedule-add")).focus();
		});
		cell.append(button);
	}

	function draw() {
		const last = rows.length - 1;
		const lines = rows.map((_, index) => {
			const line = document.createElement("tr");
			const limit = line.insertCell();
			if (index < last) field(limit, index, 0, texts.row_limit);
			else {
				limit.className = "vad-schedule-longer";
				limit.textContent = last ? texts.longer : texts.always;
			}
			field(line.insertCell(), index, 1, texts.row_silence);
			const end = line.insertCell();
			if (index < last) remover(end, index);
			return line;
		});
		body.replaceChildren(...lines);
		find(".vad-schedule-add").hidden = rows.length >= MOST_ROWS;
		mark();
	}

	function show() {
		const value = props.value || told.usual;
		if (value === writeTable(rows)) return;
		const next = readTable(value);
		if (!next.length) return;
		rows = next;
		draw();
	}

	find(".vad-schedule-add").addEventListener("click", () => {
		change(withRow(rows));
		draw();
		body.rows[rows.length - 2].querySelector("input").select();
	});
	find(".vad-schedule-reset").addEventListener("click", () => {
		change(readTable(told.usual));
		draw();
	});
	watch("value", show);
	show();
})();
