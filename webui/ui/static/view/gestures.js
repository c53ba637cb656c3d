// Pointers and wheel on the lanes, told as places: press, move, drop, hover, pinch, wheel.

const CLICK_PX = 4;
const PIXELS_PER_LINE = 16;

// How many px a wheel turned, whatever unit the browser counts in.
export function wheelPixels(event) {
	const unit = event.deltaMode === 1 ? PIXELS_PER_LINE : event.deltaMode === 2 ? 400 : 1;
	return { x: event.deltaX * unit, y: event.deltaY * unit };
}

// `handler` has press(event) -> null or a grip {move(event), drop(event, isClick), cancel(event)},
// hover(event), leave(), clickTwice(event), pinchStart([x, x]) and pinch([x, x]) with the x of two pointers, and
// wheel(event, {x, y}) -> whether the wheel was used.
export function watchGestures(element, handler) {
	const down = new Map();
	let grip = null;
	let origin = null;
	let isClick = false;
	let isPinch = false;

	const xs = () => [...down.values()].map((event) => event.clientX);
	const end = (event, isKept) => {
		down.delete(event.pointerId);
		const held = grip;
		grip = null;
		if (isPinch) {
			if (!down.size) isPinch = false;
			return;
		}
		if (held && isKept) held.drop(event, isClick);
		else if (held) held.cancel(event);
	};

	element.addEventListener("pointerdown", (event) => {
		if (event.button > 0) return;
		down.set(event.pointerId, event);
		element.setPointerCapture(event.pointerId);
		if (down.size === 2) {
			// The second finger: what the first had begun is taken back.
			if (grip) grip.cancel(event);
			grip = null;
			isPinch = true;
			handler.leave();
			handler.pinchStart(xs());
			return;
		}
		if (isPinch) return;
		origin = event;
		isClick = true;
		grip = handler.press(event);
	});
	element.addEventListener("pointermove", (event) => {
		if (down.has(event.pointerId)) down.set(event.pointerId, event);
		if (isPinch) {
			if (down.size === 2) handler.pinch(xs());
			return;
		}
		if (!grip) {
			handler.hover(event);
			return;
		}
		const far = Math.hypot(event.clientX - origin.clientX, event.clientY - origin.clientY);
		if (isClick && far < CLICK_PX) return;
		isClick = false;
		grip.move(event);
	});
	element.addEventListener("pointerup", (event) => end(event, true));
	element.addEventListener("pointercancel", (event) => end(event, false));
	element.addEventListener("dblclick", (event) => handler.clickTwice(event));
	element.addEventListener("pointerleave", (event) => {
		if (!down.size && event.pointerType !== "touch") handler.leave();
	});
	element.addEventListener(
		"wheel",
		(event) => {
			if (handler.wheel(event, wheelPixels(event))) event.preventDefault();
		},
		{ passive: false },
	);
}
