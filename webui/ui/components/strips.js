// How the result depends on an option: a curve over its range, asked for once the hand is still.
const texts = JSON.parse(props.texts);
const specs = JSON.parse(props.specs);
const list = element.querySelector(".vad-strips-list");
const [WIDTH, HEIGHT] = [320, 52];
const SVG = "http://www.w3.org/2000/svg";
const percent = (share) => `${Math.round(share * 100)}%`;

function node(tag, name, parent, text) {
	const made = document.createElement(tag);
	made.className = name;
	if (text) made.textContent = text;
	parent.append(made);
	return made;
}

function drawn(tag, name, parent) {
	const made = document.createElementNS(SVG, tag);
	made.setAttribute("class", name);
	parent.append(made);
	return made;
}

class Strip {
	constructor(spec, lib) {
		this.spec = spec;
		this.lib = lib;
		this.asker = lib.patientAsker(300);
		this.key = null; // of the settings that the curve is about
		this.id = "";
		this.sweep = null;
		this.isWaiting = false;
		this.hasFailed = false;
		this.isIdle = false; // the option has no effect
		const box = node("div", "vad-strip", list);
		this.box = box;
		const head = node("div", "vad-strip-head", box);
		node("b", "", head, spec.label);
		this.words = node("span", "vad-strip-words", head);
		this.plot = node("div", "vad-strip-plot", box);
		this.plot.id = `vad-strip-${spec.name}`;
		const svg = drawn("svg", "", this.plot);
		svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
		svg.setAttribute("preserveAspectRatio", "none");
		svg.setAttribute("aria-hidden", "true");
		this.stable = drawn("rect", "is-stable", svg);
		this.area = drawn("path", "is-share", svg);
		this.line = drawn("path", "is-count", svg);
		this.mark = node("i", "vad-strip-mark", this.plot);
		const foot = node("div", "vad-strip-foot", box);
		node("span", "", foot, this.written(spec.min));
		this.button = node("button", "vad-strip-stable", foot);
		this.button.type = "button";
		node("span", "", foot, this.written(spec.max));
		this.listen();
		this.show();
	}

	written(value) {
		return this.spec.unit ? `${value} ${this.spec.unit}` : String(value);
	}

	// A slider for those who do not see it: arrows go from value to value.
	listen() {
		const { plot } = this;
		plot.tabIndex = 0;
		plot.setAttribute("role", "slider");
		plot.setAttribute("aria-valuemin", this.spec.min);
		plot.setAttribute("aria-valuemax", this.spec.max);
		const at = ({ clientX }) => {
			const bounds = plot.getBoundingClientRect();
			return this.lib.valueAt(this.spec, (clientX - bounds.left) / bounds.width);
		};
		plot.addEventListener("pointerdown", (event) => {
			if (!this.sweep || event.button) return;
			plot.setPointerCapture(event.pointerId);
			this.tune(at(event));
		});
		plot.addEventListener("pointermove", (event) => {
			if (!this.sweep) return;
			if (plot.hasPointerCapture(event.pointerId)) this.tune(at(event));
			else if (event.pointerType === "mouse") this.say(at(event));
		});
		plot.addEventListener("pointerleave", () => this.say(this.value));
		plot.addEventListener("keydown", (event) => {
			if (!this.sweep) return;
			const { values } = this.sweep;
			const up = ["ArrowRight", "ArrowUp"].includes(event.key);
			if (up || ["ArrowLeft", "ArrowDown"].includes(event.key))
				this.tune(this.lib.neighbour(values, this.value, up));
			else if (event.key === "Home") this.tune(values[0]);
			else if (event.key === "End") this.tune(values.at(-1));
			else return;
			event.preventDefault();
			event.stopPropagation();
		});
		this.button.addEventListener("click", () => {
			if (!this.isWaiting) this.tune(this.safe);
		});
	}

	tune(value) {
		if (value === this.value) return;
		this.now = null;
		this.place(value);
		const detail = { name: this.spec.name, value };
		document.dispatchEvent(new CustomEvent("vad:tune", { detail }));
	}

	// A result is shown: the mark moves at once, the curve when it is another one.
	follow(result) {
		const query = new URLSearchParams(result.query);
		this.now = this.lib.figuresOf(result);
		this.place(result.options[this.spec.name]);
		const key = `${result.version} ${this.lib.stripKey(result.query, this.spec.name)}`;
		// Dynamic silence puts other values into the place of both options.
		const isIdle = result.options.dynamic_silence;
		if (key === this.key && isIdle === this.isIdle) return;
		this.key = null;
		this.isIdle = isIdle;
		this.hasFailed = false;
		this.asker.drop();
		// The curve of other settings may stay for a moment, faint; not that of another recording.
		const id = `${result.id} ${result.version}`;
		const isOther = id !== this.id;
		this.id = id;
		this.take(isIdle || isOther ? null : this.sweep, !isIdle);
		if (isIdle) return;
		query.set("name", this.spec.name);
		const address = new URL(`${props.root}results/${result.id}/sweep?${query}`, document.baseURI);
		this.asker.ask(
			address,
			(sweep) => {
				this.key = key;
				this.take(sweep, false);
			},
			() => {
				this.hasFailed = true;
				this.take(null, false);
			},
		);
	}

	take(sweep, isWaiting) {
		this.sweep = sweep;
		this.isWaiting = isWaiting;
		this.box.classList.toggle("is-waiting", isWaiting);
		this.show();
	}

	// The hand moves: what is not asked yet can wait.
	wait() {
		this.asker.drop();
	}

	place(value) {
		this.value = value;
		this.plot.setAttribute("aria-valuenow", value);
		this.plot.setAttribute("aria-valuetext", this.written(value));
		this.mark.style.left = `${this.lib.shareOf(this.spec, value) * 100}%`;
		this.say(value);
	}

	// What the result is like at a value, in words.
	say(value) {
		if (!this.sweep) return;
		const { values, counts, shares } = this.sweep;
		const index = this.lib.nearest(this.spec, values, value);
		// Of the present value it is known what it gives; of others, by the nearest that was tried.
		const { count, share } =
			(value === this.value && this.now) || { count: counts[index], share: shares[index] };
		const told = { value: this.written(value), count, share: percent(share) };
		this.words.textContent = this.lib.fill(texts.at, told);
		// What is drawn while other settings are waited for is not read out.
		if (value === this.value && !this.isWaiting)
			this.plot.setAttribute("aria-valuetext", this.words.textContent);
	}

	show() {
		const { sweep, spec } = this;
		this.plot.setAttribute("aria-disabled", String(!sweep));
		this.button.setAttribute("aria-disabled", String(this.isWaiting));
		if (this.value !== undefined) this.plot.setAttribute("aria-valuetext", this.written(this.value));
		this.plot.setAttribute("aria-label", this.lib.fill(texts.strip, { name: spec.label }));
		this.mark.hidden = !sweep;
		this.button.hidden = !sweep || !sweep.plateau;
		if (!sweep) {
			if (this.isIdle) this.words.textContent = texts.no_effect;
			else this.words.textContent = this.hasFailed ? texts.failed : texts.later;
			for (const drawing of [this.line, this.area]) drawing.removeAttribute("d");
			this.stable.setAttribute("width", 0);
			return;
		}
		const most = Math.max(1, ...sweep.counts);
		const path = (heights) =>
			this.lib
				.curve(spec, sweep.values, heights, WIDTH, HEIGHT - 3)
				.map(([x, y]) => `${x.toFixed(1)} ${(y + 2).toFixed(1)}`)
				.join("L");
		this.line.setAttribute("d", `M${path(sweep.counts.map((count) => count / most))}`);
		this.area.setAttribute("d", `M0 ${HEIGHT}L${path(sweep.shares)}L${WIDTH} ${HEIGHT}Z`);
		this.showStable();
		// Not read out while it is about other settings.
		if (this.isWaiting) this.plot.setAttribute("aria-label", this.lib.fill(texts.strip, { name: spec.label }));
		this.say(this.value);
	}

	showStable() {
		const { sweep, spec } = this;
		this.stable.setAttribute("width", 0);
		if (!sweep.plateau) {
			const none = this.lib.fill(texts.strip_none, { name: spec.label });
			this.plot.setAttribute("aria-label", none);
			return;
		}
		const [first, last, middle] = sweep.plateau;
		const [low, high] = [sweep.values[first], sweep.values[last]];
		this.safe = sweep.values[middle];
		const left = this.lib.shareOf(spec, low) * WIDTH;
		this.stable.setAttribute("x", left);
		this.stable.setAttribute("width", this.lib.shareOf(spec, high) * WIDTH - left);
		this.stable.setAttribute("height", HEIGHT);
		const told = {
			name: spec.label,
			low: this.written(low),
			high: this.written(high),
			value: this.written(this.safe),
			count: sweep.counts[middle],
		};
		this.button.textContent = this.lib.fill(texts.stable, told);
		const words = this.lib.fill(texts.set_stable, told);
		this.button.title = words;
		this.button.setAttribute("aria-label", words);
		this.plot.setAttribute("aria-label", this.lib.fill(texts.strip_stable, told));
	}
}

(async () => {
	const from = (name) => import(new URL(`${props.root}static/view/${name}`, document.baseURI));
	const [strip, ask, text] = await Promise.all(["strip.js", "ask.js", "text.js"].map(from));
	const strips = specs.map((spec) => new Strip(spec, { ...strip, ...ask, ...text }));
	const follow = (result) => strips.forEach((each) => each.follow(result));
	document.addEventListener("vad:result", ({ detail }) => follow(detail));
	const moved = ({ target }) => {
		if (target.closest?.(".vad-tuning")) strips.forEach((each) => each.wait());
	};
	document.addEventListener("input", moved, true);
	if (window.vadResult) follow(window.vadResult);
})();
