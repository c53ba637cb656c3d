// Sends the files of a batch, two at a time; each is scored as soon as it has arrived.

const AT_ONCE = 2;
const FULL = 507; // there is no room until others are scored
const RETRY_MS = 3000;
const TRIES = 5;

export class Sender {
	// `files`: [{n (of its row), name, file}]; `put(address, file, on)` and `post(address, body)` send.
	constructor(files, { id, address, put, post, wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }) {
		this.left = [...files];
		this.fractions = new Map(); // of those on their way
		this.isStopped = false;
		Object.assign(this, { id, address, put, post, wait });
	}

	get isBusy() {
		return !this.isStopped && (this.left.length > 0 || this.fractions.size > 0);
	}

	async run() {
		await Promise.all(Array.from({ length: AT_ONCE }, () => this.#lane()));
	}

	stop() {
		this.isStopped = true;
		this.left = [];
		this.fractions.clear();
	}

	async #lane() {
		while (!this.isStopped && this.left.length) {
			const one = this.left.shift();
			this.fractions.set(one.n, 0);
			await this.#send(one);
			this.fractions.delete(one.n);
		}
	}

	async #send({ n, name, file }) {
		const query = { name: name.slice(name.lastIndexOf("/") + 1) };
		for (let tries = 0; !this.isStopped; ) {
			const on = (fraction) => this.fractions.has(n) && this.fractions.set(n, fraction);
			const { status, text } = await this.put(this.address("uploads", query), file, on);
			if (this.isStopped) return;
			if (status === 201) {
				await this.post(this.address(`batches/${this.id}/files/${n}`), { upload: JSON.parse(text).id });
				return;
			}
			// Full: what waits before it makes room. No status: the connection was lost.
			tries += 1;
			const isHopeless = status && status !== FULL;
			if (isHopeless || tries > TRIES) {
				await this.post(this.address(`batches/${this.id}/files/${n}`), { problem: text || "-" });
				return;
			}
			await this.wait(RETRY_MS * tries);
		}
	}
}

// Bytes over XMLHttpRequest, which tells how far they are; never rejects.
export function put(address, file, on) {
	return new Promise((resolve) => {
		const request = new XMLHttpRequest();
		request.open("PUT", address);
		request.upload.onprogress = (event) => event.lengthComputable && on(event.loaded / event.total);
		request.onloadend = () => resolve({ status: request.status, text: request.responseText });
		request.send(file);
	});
}

// JSON; never rejects: { ok, status, text }.
export async function post(address, body = {}, method = "POST") {
	try {
		const answer = await fetch(address, { method, body: JSON.stringify(body) });
		return { ok: answer.ok, status: answer.status, text: await answer.text() };
	} catch {
		return { ok: false, status: 0, text: "" };
	}
}
