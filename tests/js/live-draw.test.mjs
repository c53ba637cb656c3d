// The picture of the last seconds: its times come and go as a whole, beside the name of the lane.

import assert from "node:assert/strict";
import { test } from "node:test";
import { draw, layOut, PX_PER_S } from "../../webui/ui/static/live/draw.js";

globalThis.Path2D ??= class {
	roundRect() {}
};
const WIDTH = 400;
const NAMED = 60;
const GLYPH = 6;

// The times that are drawn: {label, left, alpha}.
function times(head_ms) {
	const drawn = [];
	const context = {
		canvas: { width: WIDTH, height: 300 },
		globalAlpha: 1,
		measureText: (text) => ({ width: GLYPH * String(text).length }),
		fillText(label, left, top) {
			if (top < 20) drawn.push({ label, left, alpha: this.globalAlpha });
		},
		createLinearGradient: () => ({ addColorStop() {} }),
		clearRect() {},
		fillRect() {},
		fill() {},
	};
	const scene = { track: null, found: null, head_ms, scored_ms: head_ms, level: 0.8, loudest: 1, look: {}, named_px: NAMED };
	draw(context, scene, layOut(WIDTH, true), 1);
	return drawn;
}

test("no time is cut by an edge or covered by the name", () => {
	let seen = 0;
	for (let head_ms = 0; head_ms < 60_000; head_ms += 40) {
		for (const { label, left, alpha } of times(head_ms)) {
			assert.ok(left > NAMED && left + GLYPH * label.length < WIDTH, `${label} at ${left}`);
			assert.ok(alpha > 0 && alpha <= 1);
			seen += alpha === 1;
		}
	}
	assert.ok(seen > 1000);
});

test("a time comes and goes little by little", () => {
	const step_ms = 1000 / PX_PER_S;
	let before = 0;
	for (let head_ms = 10_000; head_ms < 25_000; head_ms += step_ms) {
		const alpha = times(head_ms).find(({ label }) => label === "0:10")?.alpha ?? 0;
		assert.ok(Math.abs(alpha - before) < 0.1, `${before} to ${alpha}`);
		before = alpha;
	}
});
