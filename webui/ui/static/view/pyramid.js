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
		let index = -1;
		let bytes = null;
		let stride = 0;
		let missing = 0;
		// Between the middles of two columns, or over all columns of a pixel.
		const smooth = msPerPixel < ms;
		const here = [0, 0, 0, 0, 0];
		const take = (column) => {
			const at = Math.floor(column / TILE);
			if (at !== index) {
				index = at;
				bytes = this.tile(level, at);
				stride = Math.min(TILE, size - at * TILE);
			}
			return bytes ? column - at * TILE : -1;
		};
		const read = (at, plane) => bytes[plane * stride + at];
		for (let pixel = 0; pixel < out.width; pixel++) {
			if (out.known[pixel]) continue;
			const from = (range.start + pixel * msPerPixel) / ms;
			const to = from + msPerPixel / ms;
			if (from >= size) continue;
			let found = false;
			if (smooth) {
				const middle = (from + to) / 2 - 0.5;
				const before = Math.max(0, Math.floor(middle));
				const after = Math.min(size - 1, before + 1);
				const share = Math.min(1, Math.max(0, middle - before));
				let at = take(before);
				if (at >= 0) {
					for (let plane = 0; plane < PLANES; plane++) here[plane] = value(plane, read(at, plane));
					at = take(after);
					if (at >= 0) {
						for (let plane = 0; plane < PLANES; plane++) {
							here[plane] += share * (value(plane, read(at, plane)) - here[plane]);
						}
					}
					found = true;
				}
			} else {
				const first = Math.floor(from + 1e-6);
				const last = Math.min(size, Math.max(first + 1, Math.ceil(to - 1e-6)));
				let [low, high, least, most, sum, count] = [255, 0, 255, 0, 0, 0];
				for (let column = first; column < last; column++) {
					const at = take(column);
					if (at < 0) continue;
					low = Math.min(low, read(at, 0));
					high = Math.max(high, read(at, 1));
					least = Math.min(least, read(at, 2));
					most = Math.max(most, read(at, 3));
					sum += read(at, 4);
					count++;
				}
				if (count === last - first) {
					here[0] = SAMPLE[low];
					here[1] = SAMPLE[high];
					here[2] = least / 255;
					here[3] = most / 255;
					here[4] = sum / count / 255;
					found = true;
				}
			}
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

// Of the tile of the whole.
function loudestOf(bytes) {
	const columns = bytes.length / PLANES;
	let size = 0;
	for (let at = 0; at < 2 * columns; at++) size = Math.max(size, Math.abs(SAMPLE[bytes[at]]));
	return size;
}

const value = (plane, byte) => (plane < 2 ? SAMPLE[byte] : byte / 255);
