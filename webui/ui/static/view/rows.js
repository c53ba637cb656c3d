// A long table of which only the rows in sight exist: pure, in pixels.

// Which rows to have, [first, behind the last], for a part of the table that is in sight;
// some more on both sides, so that scrolling does not show a gap.
export function windowOf(count, rowHeight, top, height, spare = 12) {
	if (!count || !(rowHeight > 0)) return [0, Math.min(count, 2 * spare)];
	const first = Math.max(0, Math.floor(top / rowHeight) - spare);
	const behind = Math.min(count, Math.ceil((top + height) / rowHeight) + spare);
	return [Math.min(first, Math.max(0, count - 2 * spare)), Math.max(behind, Math.min(count, first + 2 * spare))];
}

// Where to scroll to so that a row is in sight below a head, as little as needed.
export function scrollFor(index, rowHeight, top, height, head) {
	const from = index * rowHeight;
	if (from < top) return from;
	return Math.max(top, from + rowHeight - (height - head));
}

// Which row a key goes to; `many` is a page of them.
export function rowFor(key, index, count, many) {
	const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + many, PageUp: index - many, Home: 0, End: count - 1 }[key];
	if (to === undefined || !count) return -1;
	return Math.min(Math.max(to, 0), count - 1);
}
