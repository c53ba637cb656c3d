// Where the values of an option lie on a strip, and which one a place means. No DOM here.

// scale is {min, max, step, is_log}.
const place = ({ is_log }, value) => (is_log ? Math.log(value) : value);

// Share of the strip's width, 0 to 1.
export function shareOf(scale, value) {
	const [low, high] = [place(scale, scale.min), place(scale, scale.max)];
	return Math.min(1, Math.max(0, (place(scale, value) - low) / (high - low)));
}

// The value at a share of the strip's width, in steps of the option.
export function valueAt(scale, share) {
	const [low, high] = [place(scale, scale.min), place(scale, scale.max)];
	const at = low + Math.min(1, Math.max(0, share)) * (high - low);
	return rounded(scale, scale.is_log ? Math.exp(at) : at);
}

function rounded({ min, max, step }, value) {
	const stepped = min + Math.round((value - min) / step) * step;
	return Number(Math.min(max, Math.max(min, stepped)).toFixed(6));
}

// Index of the value that was tried and lies nearest.
export function nearest(scale, values, value) {
	const at = shareOf(scale, value);
	let best = 0;
	values.forEach((each, index) => {
		const [now, before] = [shareOf(scale, each), shareOf(scale, values[best])];
		if (Math.abs(now - at) < Math.abs(before - at)) best = index;
	});
	return best;
}

// The next value that was tried, above or below the present one, which need not be among them.
export function neighbour(values, value, is_up) {
	if (is_up) return values.find((each) => each > value) ?? values.at(-1);
	return values.findLast((each) => each < value) ?? values[0];
}

// Corners of the curve through heights (0 to 1, upwards) on a strip of the given size.
export function curve(scale, values, heights, width, height) {
	return values.map((value, index) => [
		shareOf(scale, value) * width,
		(1 - heights[index]) * height,
	]);
}

// What of a result's address makes a strip: all but the swept option itself and the options of A.
export function stripKey(query, name) {
	const rest = new URLSearchParams(query);
	rest.delete(name);
	rest.delete("a");
	rest.sort();
	return rest.toString();
}

// Count and share of speech of a result as a sweep counts them: summed and averaged over the
// tracks. Null where they are not what the options detect.
export function figuresOf({ tracks, duration_ms, edited }) {
	if (edited || !duration_ms) return null;
	const speech = tracks.map(({ rows }) =>
		rows.reduce((sum, [start, end]) => sum + end - start, 0),
	);
	return {
		count: tracks.reduce((sum, { rows }) => sum + rows.length, 0),
		share: speech.reduce((sum, ms) => sum + ms, 0) / tracks.length / duration_ms,
	};
}
