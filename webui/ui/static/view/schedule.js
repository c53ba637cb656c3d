// The table of dynamic silence as rows, pure: "10000:2000,inf:100" is [[10000, 2000], [Infinity, 100]].
// What cannot be meant is for the server to refuse, in words (webui/vad/schedule.py).

export function readTable(text) {
	const rows = text.split(/[,，]/).map((row) => {
		const [limit, silence] = row.split(/[:：]/).map((part) => part.trim());
		return [limit === "inf" ? Infinity : Number(limit), Number(silence)];
	});
	return rows.every(([limit, silence]) => limit >= 0 && silence >= 0) ? rows : [];
}

export function writeTable(rows) {
	return rows.map(([limit, silence]) => `${limit === Infinity ? "inf" : limit}:${silence}`).join(",");
}

// One more row before the last: its limit a little beyond the one before it, its silence between.
export function withRow(rows) {
	const last = rows.at(-1);
	const before = rows.at(-2);
	const limit = before ? before[0] + 10000 : 10000;
	const silence = before ? Math.round((before[1] + last[1]) / 20) * 10 : last[1];
	return [...rows.slice(0, -1), [limit, silence], last];
}

export const withoutRow = (rows, index) => rows.filter((_, at) => at !== index);

// Whether a row's limit lies beyond that of the row before it, as it must.
export const rises = (rows, index) => index === 0 || rows[index][0] > rows[index - 1][0];
