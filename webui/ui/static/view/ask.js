// Questions that may wait: asked once nothing has moved for a while, dropped by a newer one.
export function patientAsker(delay_ms) {
	let timer = 0;
	let control = null;
	function drop() {
		clearTimeout(timer);
		if (control) control.abort();
		control = null;
	}
	// Calls then(answer) with the JSON, never for a question that was dropped.
	function ask(address, then, failed = () => {}) {
		drop();
		const own = (control = new AbortController());
		timer = setTimeout(async () => {
			try {
				const answer = await fetch(address, { signal: own.signal });
				if (!answer.ok) throw new Error(await answer.text());
				const value = await answer.json();
				if (!own.signal.aborted) then(value);
			} catch (error) {
				if (!own.signal.aborted) failed(error);
			}
		}, delay_ms);
	}
	return { ask, drop };
}
