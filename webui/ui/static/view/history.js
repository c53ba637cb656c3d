// Undo and redo: the states a person went through, the oldest forgotten first.

export class History {
	// `present` is the state to begin with; at most `limit` states before it are kept.
	constructor(present, limit = 100) {
		this.limit = limit;
		this.reset(present);
	}

	// Begin again: nothing to undo, nothing to redo.
	reset(present) {
		this.past = [];
		this.present = present;
		this.future = [];
	}

	get canUndo() {
		return this.past.length > 0;
	}

	get canRedo() {
		return this.future.length > 0;
	}

	// Go on to a new state; what was undone before can't be redone any more.
	push(state) {
		this.past.push(this.present);
		if (this.past.length > this.limit) this.past.shift();
		this.present = state;
		this.future = [];
		return state;
	}

	// Put a completed form of the present state in its place: no step of its own.
	amend(state) {
		this.present = state;
		return state;
	}

	undo() {
		if (this.canUndo) {
			this.future.push(this.present);
			this.present = this.past.pop();
		}
		return this.present;
	}

	redo() {
		if (this.canRedo) {
			this.past.push(this.present);
			this.present = this.future.pop();
		}
		return this.present;
	}
}
