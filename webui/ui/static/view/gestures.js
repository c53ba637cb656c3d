// Pointers and wheel on the lanes, told as places: press, move, drop, hover, pinch, wheel.

const CLICK_PX = 4;
const PIXELS_PER_LINE = 16;

// How many px a wheel turned, whatever unit the browser counts in.
export function wheelPixels(event) {
	const unit = event.deltaMode === 1 ? PIXELS_PER_LINE : event.deltaMode === 2 ? 400 : 1;
	return { x: event.deltaX * unit, y: event.deltaY * unit };
}

// `handler` has press(event) -> null or a grip {move(event), drop(event, isClick), cancel(event)},
// hover(event), leave(), clickTwice(event), pinchStart([x, x]) and pinch([x, x]) with the x of two
// pointers, and wheel(event, {x, y}) -> whether the wheel was used.
export function watchGestures(element, handler) {
	const pointers = new Pointers(handler);
	element.addEventListener("pointerdown", (event) => {
		if (event.button > 0) return;
		element.setPointerCapture(event.pointerId);
		pointers.press(event);
	});
	element.addEventListener("pointermove", (event) => pointers.move(event));
	element.addEventListener("pointerup", (event) => pointers.end(event, true));
	element.addEventListener("pointercancel", (event) => pointers.end(event, false));
	element.addEventListener("pointerleave", (event) => pointers.leave(event));
	element.addEventListener("dblclick", (event) => handler.clickTwice(event));
	element.addEventListener(
		"wheel",
		(event) => {
			if (handler.wheel(event, wheelPixels(event))) event.preventDefault();
		},
		{ passive: false },
	);
}

// The pointers that are down, and what they hold.
class Pointers {
	down = new Map();
	grip = null;
	origin = null;
	isClick = false;
	isPinch = false;

	constructor(handler) {
		this.handler = handler;
	}

	get xs() {
		return [...this.down.values()].map((event) => event.clientX);
	}

	press(event) {
		const { down, handler } = this;
		down.set(event.pointerId, event);
		if (down.size === 2) {
			// The second finger: what the first had begun is taken back.
			if (this.grip) this.grip.cancel(event);
			this.grip = null;
			this.isPinch = true;
			handler.leave();
			handler.pinchStart(this.xs);
			return;
		}
		if (this.isPinch) return;
		this.origin = event;
		this.isClick = true;
		this.grip = handler.press(event);
	}

	move(event) {
		const { down, grip, handler, origin } = this;
		if (down.has(event.pointerId)) down.set(event.pointerId, event);
		if (this.isPinch) {
			if (down.size === 2) handler.pinch(this.xs);
			return;
		}
		if (!grip) {
			handler.hover(event);
			return;
		}
		const far = Math.hypot(event.clientX - origin.clientX, event.clientY - origin.clientY);
		if (this.isClick && far < CLICK_PX) return;
		this.isClick = false;
		grip.move(event);
	}

	end(event, isKept) {
		this.down.delete(event.pointerId);
		const { grip } = this;
		this.grip = null;
		if (this.isPinch) {
			if (!this.down.size) this.isPinch = false;
			return;
		}
		if (grip && isKept) grip.drop(event, this.isClick);
		else if (grip) grip.cancel(event);
	}

	leave(event) {
		if (!this.down.size && event.pointerType !== "touch") this.handler.leave();
	}
}
