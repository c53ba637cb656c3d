// What a person made of a result: its history, and keeping the server in step with it.
// Touches no page. A state is {channel: {rows, base}}; a channel that is not in it shows
// what is detected. `base` are the options whose regions the rows began from.

import { countEdited } from "./edits.js";
import { History } from "./history.js";

const UNDO_STEPS = 100;

export class Editor {
	// send(channel, state or undefined) stores the rows of a channel, or takes them away; it
	// answers {number}: results with a smaller number don't know of it yet. stored() is called
	// when the server has everything, changed() whenever there is something to show.
	constructor({ send, stored, changed }) {
		Object.assign(this, { send, stored, changed });
		this.result = null;
		this.history = new History({}, UNDO_STEPS);
		this.known = {}; // what the server has, by channel
		this.number = 0;
		this.problem = "";
		this.isSending = false;
	}

	// A result came from the server. Answers the tracks on which other rows are to be shown:
	// what was done here lately, and the server did not know when it made this result.
	open(result) {
		const isNew = !this.result || this.result.id !== result.id;
		this.result = result;
		if (isNew) {
			this.known = {};
			this.number = 0;
			this.problem = "";
			this.history.reset({});
		}
		const own = [];
		let state = this.history.present;
		for (const [track, { channel, edited, rows, base }] of result.tracks.entries()) {
			const mine = state[channel];
			if (mine !== this.known[channel] || result.number < this.number) {
				if (mine) own.push({ track, rows: mine.rows });
				continue;
			}
			this.known[channel] = edited ? { rows, base } : undefined;
			if (edited || mine) state = replaced(state, channel, this.known[channel]);
		}
		if (state !== this.history.present) this.accept(state, isNew);
		this.changed();
		return own;
	}

	// The same rows in the server's words are no step; other ones, from another window, are.
	accept(state, isNew) {
		if (isNew) this.history.reset(state);
		else if (sameRegions(state, this.history.present)) this.history.amend(state);
		else this.history.push(state);
	}

	rows(track) {
		const { channel, rows } = this.result.tracks[track];
		const mine = this.history.present[channel];
		return mine ? mine.rows : rows;
	}

	// operation(rows, {durationMs}) answers {rows, index} or null; so does this.
	apply(track, operation) {
		const done = operation(this.rows(track), { durationMs: this.result.duration_ms });
		if (!done) return null;
		const { channel } = this.result.tracks[track];
		const mine = this.history.present[channel];
		const base = mine ? mine.base : this.result.options;
		this.history.push(replaced(this.history.present, channel, { rows: done.rows, base }));
		this.save();
		return done;
	}

	undo() {
		this.history.undo();
		this.save();
	}

	redo() {
		this.history.redo();
		this.save();
	}

	// Back to what is detected, on all channels; a step like any other.
	detected() {
		if (!this.isEdited) return;
		this.history.push({});
		this.save();
	}

	get isEdited() {
		return this.channels().some((channel) => this.history.present[channel]);
	}

	get canUndo() {
		return this.history.canUndo;
	}

	get canRedo() {
		return this.history.canRedo;
	}

	// Regions on the channels that are edited: {byHand, all}.
	count() {
		const edited = this.channels().map((channel) => this.history.present[channel]);
		return edited.filter(Boolean).reduce(
			({ byHand, all }, { rows }) => ({
				byHand: byHand + countEdited(rows),
				all: all + rows.length,
			}),
			{ byHand: 0, all: 0 },
		);
	}

	channels() {
		return this.result ? this.result.tracks.map(({ channel }) => channel) : [];
	}

	// Send what the server does not have yet: one thing at a time, always the latest.
	async save() {
		this.changed();
		if (this.isSending) return;
		this.isSending = true;
		this.problem = "";
		const { id } = this.result;
		let sent = false;
		for (;;) {
			const channel = this.channels().find(
				(name) => this.history.present[name] !== this.known[name],
			);
			if (!channel || this.result.id !== id) break;
			const state = this.history.present[channel];
			try {
				const { number } = await this.send(id, channel, state);
				sent = true;
				if (this.result.id !== id) break;
				this.known[channel] = state;
				this.number = number;
			} catch (error) {
				if (this.result.id === id) this.problem = error.message;
				break;
			}
		}
		this.isSending = false;
		this.changed();
		if (sent && !this.problem && this.result.id === id) this.stored();
	}
}

function replaced(state, channel, value) {
	const next = { ...state, [channel]: value };
	if (!value) delete next[channel];
	return next;
}

function sameRegions(one, other) {
	const names = Object.keys(one);
	return (
		names.length === Object.keys(other).length &&
		names.every((name) => other[name] && sameSpans(one[name].rows, other[name].rows))
	);
}

function sameSpans(one, other) {
	return (
		one.length === other.length &&
		one.every((row, i) => row[0] === other[i][0] && row[1] === other[i][1])
	);
}
