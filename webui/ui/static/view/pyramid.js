// What the lanes are drawn from: tiles of a pyramid that webui/vad/pyramid.py makes.
//
// A column of level 0 is 10 ms; each further level joins four. The level whose columns
// are just narrower than a pixel is drawn, so the work depends on the width alone.

export const BASE_MS = 10;
export const FACTOR = 4;
export const TILE = 1024;
const PLANES = 5;
const KEPT_TILES = 480; // 5 kB each
const AT_ONCE = 4;

export const columnMs = (level) => BASE_MS * FACTOR ** level;

// Columns of each level; the last one fits into one tile.
export function levelSizes(columns) {
	const sizes = [columns];
	while (sizes.at(-1) > TILE) sizes.push(Math.ceil(sizes.at(-1) / FACTOR));
	return sizes;
}

// The coarsest level whose columns are no wider than a pixel; level 0 if all are wider.
export function chooseLevel(sizes, msPerPixel) {
	let level = 0;
	while (level + 1 < sizes.length && columnMs(level + 1) <= msPerPixel) level++;
	return level;
}

// First and last tile that a range needs, with a column more on each side.
export function tileSpan(sizes, level, range) {
	const last = Math.max(0, sizes[level] - 1);
	const column = (ms) => Math.min(last, Math.max(0, Math.floor(ms / columnMs(level))));
	return [
		Math.floor(column(range.start - columnMs(level)) / TILE),
		Math.floor(column(range.end + columnMs(level)) / TILE),
	];
}

// Samples are companded by the square root of their size; see webui/vad/pyramid.py.
const SAMPLE = Float32Array.from({ length: 256 }, (_, byte) => {
	const root = (byte - 128) / 127;
	return root * Math.abs(root);
});

// What the pixels of a lane show. `known` is 0 where nothing has come yet.
export function newColumns(width) {
	const plane = () => new Float32Array(width);
	return {
		width,
		known: new Uint8Array(width),
		low: plane(),
		high: plane(),
		least: plane(),
		most: plane(),
		mean: plane(),
	};
}

export class Pyramid {
	// `load(level, index)` promises the bytes of a tile; `changed` is told when one came.
	constructor(columns, load, changed) {
		this.sizes = levelSizes(columns);
		this.load = load;
		this.changed = changed;
		this.tiles = new Map();
		this.wanted = [];
		this.coming = new Map();
		// The size of the loudest sample, 0 to 1; 1 until it is known.
		this.loudest = 1;
	}

	get top() {
		return this.sizes.length - 1;
	}

	get isIdle() {
		return !this.coming.size;
	}

	// Nothing more is asked for.
	close() {
		this.wanted = [];
		this.closed = true;
	}

	tile(level, index) {
		const key = `${level}/${index}`;
		const found = this.tiles.get(key);
		if (found) {
			// The latest used stays longest.
			this.tiles.delete(key);
			this.tiles.set(key, found);
		}
		return found;
	}

	// Ask for what a range needs at a scale; what was wanted before and has not been asked for
	// is not wanted any more.
	want(range, msPerPixel) {
		const level = chooseLevel(this.sizes, msPerPixel);
		const [first, last] = tileSpan(this.sizes, level, range);
		this.wanted = [];
		if (!this.tiles.has(`${this.top}/0`)) this.wanted.push([this.top, 0]);
		for (let index = first; index <= last; index++) {
			if (!this.tiles.has(`${level}/${index}`)) this.wanted.push([level, index]);
		}
		this.pump();
	}

	pump() {
		while (!this.closed && this.coming.size < AT_ONCE && this.wanted.length) {
			const [level, index] = this.wanted.shift();
			const key = `${level}/${index}`;
			if (!this.coming.has(key) && !this.tiles.has(key)) this.coming.set(key, this.fetch(level, index, key));
		}
	}

	async fetch(level, index, key) {
		let bytes = null;
		try {
			bytes = new Uint8Array(await this.load(level, index));
		} catch {
			// Asked for again when it is next drawn.
		}
		this.coming.delete(key);
		if (this.closed) return;
		if (bytes && bytes.length) {
			this.tiles.set(key, bytes);
			if (level === this.top) this.loudest = loudestOf(bytes);
			if (this.tiles.size > KEPT_TILES) this.forget();
			this.changed();
		}
		this.pump();
	}

	forget() {
		const oldest = this.tiles.keys();
		let key = oldest.next().value;
		if (key === `${this.top}/0`) key = oldest.next().value;
		this.tiles.delete(key);
	}

	// Fill `out` with what the pixels of a range show, from tiles that are here: where the
	// right level is missing, a coarser one stands in.
	fill(range, out) {
		const msPerPixel = (range.end - range.start) / out.width;
		const best = chooseLevel(this.sizes, msPerPixel);
		out.known.fill(0);
		for (let level = best; level <= this.top; level++) {
			const left = this.fillFrom(level, range, msPerPixel, out);
			if (!left) return;
		}
	}

	fillFrom(level, range, msPerPixel, out) {
		const ms = columnMs(level);
		const size = this.sizes[level];
		const reader = new Reader(this, level);
		const here = [0, 0, 0, 0, 0];
		let missing = 0;
		for (let pixel = 0; pixel < out.width; pixel++) {
			if (out.known[pixel]) continue;
			const from = (range.start + pixel * msPerPixel) / ms;
			const to = from + msPerPixel / ms;
			if (from >= size) continue;
			// Between the middles of two columns, or over all columns of a pixel.
			const found =
				msPerPixel < ms
					? readBetween(reader, (from + to) / 2 - 0.5, here)
					: readOver(reader, from, to, here);
			if (!found) {
				missing++;
				continue;
			}
			out.known[pixel] = 1;
			out.low[pixel] = here[0];
			out.high[pixel] = here[1];
			out.least[pixel] = here[2];
			out.most[pixel] = here[3];
			out.mean[pixel] = here[4];
		}
		return missing;
	}
}

// The bytes of one column after the other, from the tiles of a level that are here.
class Reader {
	constructor(pyramid, level) {
		this.pyramid = pyramid;
		this.level = level;
		this.size = pyramid.sizes[level];
		this.index = -1;
		this.bytes = null;
		this.stride = 0;
		this.at = 0;
	}

	// Whether the column is here.
	goTo(column) {
		const index = Math.floor(column / TILE);
		if (index !== this.index) {
			this.index = index;
			this.bytes = this.pyramid.tile(this.level, index);
			this.stride = Math.min(TILE, this.size - index * TILE);
		}
		this.at = column - index * TILE;
		return Boolean(this.bytes);
	}

	byte(plane) {
		return this.bytes[plane * this.stride + this.at];
	}
}

// Into `here`, what lies at a place between the middles of two columns; whether it is known.
function readBetween(reader, middle, here) {
	const before = Math.max(0, Math.floor(middle));
	const after = Math.min(reader.size - 1, before + 1);
	const share = Math.min(1, Math.max(0, middle - before));
	if (!reader.goTo(before)) return false;
	for (let plane = 0; plane < PLANES; plane++) here[plane] = value(plane, reader.byte(plane));
	if (!reader.goTo(after)) return true;
	for (let plane = 0; plane < PLANES; plane++) {
		here[plane] += share * (value(plane, reader.byte(plane)) - here[plane]);
	}
	return true;
}

// Into `here`, what the columns from one place to another come to; whether all are known.
function readOver(reader, from, to, here) {
	const first = Math.floor(from + 1e-6);
	const last = Math.min(reader.size, Math.max(first + 1, Math.ceil(to - 1e-6)));
	let [low, high, least, most, sum] = [255, 0, 255, 0, 0];
	for (let column = first; column < last; column++) {
		if (!reader.goTo(column)) return false;
		low = Math.min(low, reader.byte(0));
		high = Math.max(high, reader.byte(1));
		least = Math.min(least, reader.byte(2));
		most = Math.max(most, reader.byte(3));
		sum += reader.byte(4);
	}
	// None at the end of the level: nothing is known there.
	if (last <= first) return false;
	here[0] = SAMPLE[low];
	here[1] = SAMPLE[high];
	here[2] = least / 255;
	here[3] = most / 255;
	here[4] = sum / (last - first) / 255;
	return true;
}

// Of the tile of the whole.
function loudestOf(bytes) {
	const columns = bytes.length / PLANES;
	let size = 0;
	for (let at = 0; at < 2 * columns; at++) size = Math.max(size, Math.abs(SAMPLE[bytes[at]]));
	return size;
}

const value = (plane, byte) => (plane < 2 ? SAMPLE[byte] : byte / 255);
