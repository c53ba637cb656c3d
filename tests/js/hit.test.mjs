import assert from "node:assert/strict";
import { test } from "node:test";

import { coverage } from "../../webui/ui/static/view/draw.js";
import {
	edgeAt,
	hitTest,
	layOut,
	levelAt,
	thresholdY,
} from "../../webui/ui/static/view/hit.js";

// Two that touch, one apart; 10 s at 1000 px: 10 ms a pixel.
const ROWS = [[1000, 3000, 0.9, "max_length"], [3000, 4000, 0.9, "silence"], [6000, 8000, 0.8, "silence"]];
const RANGE = { start: 0, end: 10_000 };
const WIDTH = 1000;
const edge = (x, tolerance = 5) => edgeAt(ROWS, RANGE, WIDTH, x, tolerance);
const lay = (marks) => layOut(WIDTH, { narrow: false, tracks: 1, spectrogram: false, kept: false, ...marks });
const scene = (tracks = 1) => ({ range: RANGE, level: 0.8, tracks: Array(tracks).fill({ rows: ROWS }) });
const middle = ({ top, bottom }) => (top + bottom) / 2;

test("each pixel is covered by as much as lies in it", () => {
	const share = coverage(ROWS, RANGE, 40); // 250 ms a pixel
	assert.equal(share.reduce((sum, part) => sum + part) * 250, 5000);
	assert.deepEqual([...share.slice(3, 6)], [0, 1, 1]);
	const fine = coverage([[10, 15], [17, 18]], { start: 0, end: 100 }, 10);
	assert.ok(Math.abs(fine[1] - 0.6) < 1e-6);
	const part = coverage(ROWS, { start: 2000, end: 3500 }, 10);
	assert.deepEqual([...part].map((each) => Math.round(each * 100)), Array(10).fill(100));
});

test("a boundary is taken within reach of it, from both sides", () => {
	assert.deepEqual(edge(96), { index: 0, side: "start" });
	assert.deepEqual(edge(104), { index: 0, side: "start" });
	assert.equal(edge(94), null);
	assert.equal(edge(106), null);
	assert.deepEqual(edge(803), { index: 2, side: "end" });
	assert.deepEqual(edge(790, 14), { index: 2, side: "end" });
});

test("where two segments touch the side of the point decides", () => {
	assert.deepEqual(edge(297), { index: 0, side: "end" });
	assert.deepEqual(edge(302), { index: 1, side: "start" });
});

test("a narrow segment keeps a middle", () => {
	const rows = [[5000, 5120, 0.9, "silence"]]; // 12 px
	const at = (x) => edgeAt(rows, RANGE, WIDTH, x, 14);
	assert.deepEqual(at(503), { index: 0, side: "start" });
	assert.equal(at(506), null);
	assert.deepEqual(at(509), { index: 0, side: "end" });
	assert.deepEqual(at(490), { index: 0, side: "start" });
});

test("each lane is hit where it is", () => {
	const layout = lay();
	const [lanes] = layout.tracks;
	const at = (x, y, tolerance) => hitTest(layout, scene(), { x, y }, tolerance);
	assert.equal(at(50, middle(layout.ruler)).kind, "ruler");
	assert.deepEqual(at(200, middle(lanes.wave)), { kind: "lane", index: 0, side: null, track: 0, lane: "wave" });
	assert.deepEqual(at(200, middle(lanes.strip)), { kind: "segment", index: 0, side: null, track: 0, lane: "strip" });
	assert.equal(at(500, middle(lanes.strip)).kind, "lane");
	assert.equal(at(600, middle(lanes.strip)).kind, "edge");
	const line = thresholdY(lanes.probability, 0.8);
	assert.equal(at(500, line + 4).kind, "threshold");
	assert.equal(at(500, line + 7).kind, "lane");
	assert.equal(at(500, line + 12, 14).kind, "threshold");
	// The line is above the boundaries: it can be taken everywhere.
	assert.equal(at(600, line).kind, "threshold");
	assert.equal(at(500, layout.height + 1), null);
	assert.equal(at(500, -1), null);
});

test("of two tracks each has lanes of its own", () => {
	const layout = lay({ tracks: 2, kept: true, spectrogram: true });
	assert.equal(layout.tracks.length, 2);
	assert.ok(layout.tracks.every(({ kept }) => kept));
	const hit = hitTest(layout, scene(2), { x: 200, y: middle(layout.tracks[1].strip) });
	assert.deepEqual([hit.track, hit.kind, hit.index], [1, "segment", 0]);
});

test("lanes lie one below the other, never over each other, within the height", () => {
	for (const narrow of [false, true]) {
		for (const tracks of [1, 2]) {
			for (const spectrogram of [false, true]) {
				for (const kept of [false, true]) {
					const layout = lay({ narrow, tracks, spectrogram, kept });
					const boxes = [layout.ruler];
					for (const lanes of layout.tracks) {
						for (const name of ["wave", "strip", "kept", "spectrogram", "probability"]) {
							if (lanes[name]) boxes.push(lanes[name]);
						}
					}
					assert.equal(boxes.length, 1 + tracks * (3 + spectrogram + kept));
					boxes.slice(1).forEach((box, at) => assert.ok(box.top >= boxes[at].bottom));
					assert.ok(boxes.at(-1).bottom <= layout.height);
				}
			}
		}
	}
});

test("a level and its height are the same place, and never outside of the lane", () => {
	const lane = { top: 100, bottom: 180 };
	for (const level of [0, 0.25, 0.8, 1]) assert.ok(Math.abs(levelAt(lane, thresholdY(lane, level)) - level) < 1e-12);
	assert.equal(levelAt(lane, 20), 1);
	assert.equal(levelAt(lane, 500), 0);
});
