// Gradio reloads the page when one of its requests meets a network that is down, and with the page
// would go a live session. Its requests wait here instead, until the server answers again.

const LINE = {
	PAUSES_MS: [300, 500, 1000, 2000, 4000],
	MOST_WAITING: 64,
	AWAY: [502, 503, 504], // what a proxy says for a server that is not there
};

class Line {
	isDown = false;
	#waiting = new Map(); // promises of answers, by kind of request
	#asking = null;
	#known;

	// `fetch` as of the browser, `known()` the id of the server's application as the page has it,
	// `changed(isDown)` is told each turn, `renewed()` that another application answers, `lost` the
	// words for whoever waits for what the line has taken along, `later(act, ms)` as setTimeout.
	constructor({ fetch, known, changed, renewed, lost, later = (act, ms) => setTimeout(act, ms) }) {
		Object.assign(this, { browserFetch: fetch, changed, renewed, lost, later });
		this.#known = known;
	}

	// In the place of the browser's own.
	fetch = (input, init) => {
		const address = new URL(input instanceof Request ? input.url : input, location.href);
		const [, root, path] = /^(.*\/gradio_api\/)(.*)$/.exec(address.origin + address.pathname) ?? [];
		const isStream = path === "queue/data";
		const isOwn = address.origin === location.origin && /^(run|queue|api_info|info|cancel|reset)(\/|$)/.test(path ?? "");
		const send = () => this.browserFetch(input, init);
		if (!isOwn || typeof (init?.body ?? "") !== "string") return send();
		const signal = init?.signal ?? (input instanceof Request ? input.signal : null);
		if (isStream) return this.#follow(root, send, signal);
		return this.#ask(root, send, signal, path.startsWith("run/") ? kindOf(path, init?.body) : "");
	};

	// Each with the last of its kind: what a control was set to before is of no use any more.
	async #ask(root, send, signal, kind) {
		const request = { send };
		const known = kind && this.#waiting.get(kind);
		if (known) {
			known.send = send;
			return (await known.answer).clone();
		}
		try {
			const response = await send();
			if (!isAway(response)) return response;
		} catch (error) {
			if (signal?.aborted || !(error instanceof TypeError)) throw error;
		}
		// One that came meanwhile may have begun to wait before this one knew.
		const first = kind && this.#waiting.get(kind);
		if (first) return (await first.answer).clone();
		if (this.#waiting.size >= LINE.MOST_WAITING) return refusal(this.lost);
		const key = kind || Symbol("request");
		request.answer = this.#again(root, request, signal).finally(() => this.#waiting.delete(key));
		this.#waiting.set(key, request);
		return (await request.answer).clone();
	}

	async #again(root, request, signal) {
		for (;;) {
			await this.#back(root);
			signal?.throwIfAborted();
			const { send } = request;
			try {
				const response = await send();
				// While it was on its way another one of its kind came: that one is to be answered.
				if (send === request.send && !isAway(response)) return response;
			} catch (error) {
				if (signal?.aborted || !(error instanceof TypeError)) throw error;
			}
		}
	}

	// Answers of work that takes long come as a stream. The server drops the work with it: whoever
	// waits is told, and can begin anew.
	async #follow(root, send, signal) {
		const response = await this.#ask(root, send, signal, "");
		if (!response.ok || !response.body) return response;
		const reader = response.body.getReader();
		const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
		const body = new ReadableStream({
			pull: async (stream) => {
				try {
					const { done, value } = await reader.read();
					if (done) return stream.close();
					const text = decoder.decode(value, { stream: true });
					// A session that is new to the server needs no new page.
					stream.enqueue(encoder.encode(text.replace('"session_not_found":true', '"session_not_found":false')));
				} catch (error) {
					if (signal?.aborted) return stream.error(error);
					this.#back(root);
					stream.enqueue(encoder.encode(event({ msg: "unexpected_error", message: this.lost, success: false })));
					stream.enqueue(encoder.encode(event({ msg: "close_stream" })));
					stream.close();
				}
			},
			cancel: (reason) => reader.cancel(reason),
		});
		return new Response(body, { status: response.status, headers: response.headers });
	}

	// Fulfilled when the server answers; one asks for all.
	#back(root) {
		this.#asking ??= this.#poll(root).finally(() => (this.#asking = null));
		return this.#asking;
	}

	async #poll(root) {
		this.#turn(true);
		for (let tries = 0; ; tries++) {
			const pause = LINE.PAUSES_MS[Math.min(tries, LINE.PAUSES_MS.length - 1)];
			await new Promise((done) => this.later(done, pause));
			try {
				const response = await this.browserFetch(`${root}app_id`, { cache: "no-store" });
				if (isAway(response)) continue;
				this.#turn(false);
				if (response.ok && (await response.json()).app_id !== this.#known()) this.renewed();
				return;
			} catch {
				// Still away: that is what is asked here.
			}
		}
	}

	#turn(isDown) {
		if (isDown === this.isDown) return;
		this.isDown = isDown;
		this.changed(isDown);
	}
}

const isAway = ({ status, headers }) =>
	LINE.AWAY.includes(status) && !(headers.get("content-type") ?? "").includes("json");

const event = (message) => `data: ${JSON.stringify(message)}\n\n`;

function refusal(words) {
	return new Response(JSON.stringify({ error: words, detail: words }), {
		status: 503,
		headers: { "content-type": "application/json" },
	});
}

function kindOf(path, body) {
	const { fn_index, trigger_id } = JSON.parse(body || "{}");
	return `${path} ${fn_index} ${trigger_id}`;
}
