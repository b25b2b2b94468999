// SPDX-License-Identifier: Apache-2.0
/*
 * The live part: what the feed brings is queued, kept (the last 500) and told in an animation
 * frame, ten times a second at most. It goes on while the history is looked at.
 */
import { LIMIT, MAX_NOTICES, Store } from './store.js';

const FLUSH_EVERY_MS = 100;
export const FRESH_MS = 5000;
const SECOND_MS = 1000;
const FAST = 20;		/* events a second: nobody looks for the newest of them */

export class Live {
	#queue = [];		/* arrived since the last frame */
	#isFrameDue = false;
	#lastFlush = 0;
	#newest = { seq: -1, at: -Infinity };
	#second = { at: -Infinity, n: 0, before: 0 };	/* how many came in it, and in the one before */
	store = new Store();

	/* onFlush({ added, evicted }) */
	constructor({ onFlush }) {
		this.onFlush = onFlush;
	}

	/* A hidden tab gets no frames: nothing older than the table's size need be kept. */
	receive(items) {
		const seq = items.findLast((item) => item.event)?.seq;

		if (seq !== undefined)
			this.#newest = { seq, at: performance.now() };
		this.#count(items.length);
		this.#queue = this.#queue.concat(items).slice(-LIMIT - MAX_NOTICES);
		if (!this.#isFrameDue)
			setTimeout(() => requestAnimationFrame(() => this.flush()),
				this.#lastFlush + FLUSH_EVERY_MS - performance.now());
		this.#isFrameDue = true;
	}

	#count(n) {
		const now = performance.now();

		if (now - this.#second.at >= SECOND_MS)
			this.#second = { at: now, n: 0, before: this.#second.n };
		this.#second.n += n;
	}

	/*
	 * The seq of what came in during the last seconds, which the history may not have yet; or null,
	 * also when they come so fast that it never had the newest.
	 */
	get freshSeq() {
		const isFast = Math.max(this.#second.n, this.#second.before) > FAST;

		return !isFast && performance.now() - this.#newest.at < FRESH_MS ? this.#newest.seq : null;
	}

	/* The first event after a quiet moment is shown at once; a storm, ten times a second. */
	flush() {
		this.#isFrameDue = false;
		this.#lastFlush = performance.now();
		this.onFlush(this.store.append(this.#queue.splice(0)));
	}

	pause() {
		this.flush();
		this.store.pause();
	}

	resume() {
		this.onFlush(this.store.resume());
	}
}
