// That this tab was left while a session ran: told once, on the page that comes next.

const KEY = "fsmn-vad-live-left";

// Browsers may be set to keep nothing: then nothing is told.
function storage() {
	try {
		return window.sessionStorage;
	} catch {
		return null;
	}
}

export const noteLeft = () => storage()?.setItem(KEY, "1");

export function wasLeft() {
	const kept = storage();
	const is = Boolean(kept?.getItem(KEY));
	kept?.removeItem(KEY);
	return is;
}
