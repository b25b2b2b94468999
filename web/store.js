// SPDX-License-Identifier: Apache-2.0
/*
 * The last rows, oldest first: events { id, seq, event, raw } and notices { id, notice }.
 * While paused, what comes in is held back and counted.
 */
export const LIMIT = 500;
export const MAX_NOTICES = 50;

export class Store {
	#nextId = 1;
	#held = [];
	#nHeld = 0;
	items = [];
	paused = false;

	get nHeld() {
		return this.#nHeld;
	}

	/* -> { added, evicted }: what the view has to show and to forget. */
	append(items) {
		for (const item of items)
			item.id = this.#nextId++;
		if (!this.paused)
			return this.#take(items);
		this.#held.push(...items);
		this.#held.splice(0, this.#held.length - LIMIT - MAX_NOTICES);
		this.#nHeld += items.filter((item) => item.event).length;
		return { added: [], evicted: [] };
	}

	#take(items) {
		const added = new Set(items);

		this.items.push(...items);
		const evicted = this.items.splice(0, this.#nTooMany());
		for (const item of evicted)
			added.delete(item);
		return { added: [...added], evicted };
	}

	/* How many of the oldest must go; a notice goes after the event that it follows. */
	#nTooMany() {
		let nEvents = this.items.filter((item) => item.event).length;
		let n = 0;

		while (nEvents > LIMIT || this.items.length - n > LIMIT + MAX_NOTICES)
			nEvents -= this.items[n++].event ? 1 : 0;
		return n;
	}

	pause() {
		this.paused = true;
	}

	resume() {
		const held = this.#held;

		this.#held = [];
		this.#nHeld = 0;
		this.paused = false;
		return this.#take(held);
	}
}
