// Which rows lie where in time, pure. A row begins with its start and end in ms; rows are in order.

// How many rows start at or before a time.
export function countUntil(rows, ms) {
	let low = 0;
	let high = rows.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (rows[middle][0] <= ms) low = middle + 1;
		else high = middle;
	}
	return low;
}

// The row in which a time lies, -1 for none; of overlapping rows the last that has begun.
export function rowAt(rows, ms) {
	const index = countUntil(rows, ms) - 1;
	return index >= 0 && ms < rows[index][1] ? index : -1;
}

// First and one past the last of the rows that a range shows.
export function rowsIn(rows, range) {
	let first = Math.max(0, countUntil(rows, range.start) - 1);
	if (first < rows.length && rows[first][1] <= range.start) first++;
	return [first, countUntil(rows, range.end)];
}
