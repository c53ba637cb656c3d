// What Gradio's sliders do not do by themselves: take what is typed beside them as their
// field then shows it, and tell when they are reset.

const FIELD = "[id^=vad-option-] [data-testid=number-input]";

// The number within a field's range; an empty field is its lower end.
export function within({ value, min, max }) {
	const number = value.trim() === "" ? Number(min) : Number(value);
	return Math.min(Math.max(number, Number(min)), Number(max));
}

const isWithin = (field) => field.value.trim() !== "" && Number(field.value) === within(field);

// `tune(values)` is told the option that was reset.
export function watchSliders(tune) {
	// On the way to 1000 stand 1 and 10: out of the range, which the server would refuse.
	document.addEventListener(
		"input",
		(event) => {
			if (event.target.matches?.(FIELD) && !isWithin(event.target)) event.stopImmediatePropagation();
		},
		true,
	);
	const settle = ({ target }) => {
		if (!target.matches?.(FIELD) || isWithin(target)) return;
		target.value = within(target);
		target.dispatchEvent(new Event("input", { bubbles: true }));
	};
	document.addEventListener("change", settle, true);
	document.addEventListener("keydown", (event) => event.key === "Enter" && settle(event), true);
	document.addEventListener("click", ({ target }) => {
		const control = target.closest?.(".reset-button")?.closest("[id^=vad-option-]");
		if (!control) return;
		const name = control.id.replace("vad-option-", "");
		// Gradio sets the field once this event is over.
		setTimeout(() => tune({ [name]: Number(control.querySelector("input[type=number]").value) }));
	});
}
