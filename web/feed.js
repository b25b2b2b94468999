// SPDX-License-Identifier: Apache-2.0
/*
 * Keeps the page fed: events arrive in order, each once, across lost connections and restarts
 * of the server. Each round asks for the last events (which also closes what a lost connection
 * left open) and then follows the live stream for as long as it lasts; without a stream, rounds
 * follow each other every two seconds.
 *
 *	connecting ─► live ─► reconnecting ─► live …	polling: events can be had, a stream cannot
 *	signed-out: until start() is called again
 */
import { getEvents, openStream, Refused, SignedOut } from './api.js';
import { isSameLog, parseLine } from './lines.js';
import { createParser } from './sse.js';

const POLL_MS = 2000;
const FIRST_RETRY_MS = 250;
const SILENCE_MS = 45000;	/* three of the server's heartbeats */
const SHORT_LIFE_MS = 1000;	/* a stream that ends sooner is as good as none */
const MAX_SKIPPED = 15;
const REMEMBERED = 500;

function delay(ms, signal) {
	return new Promise((resolve) => {
		const end = () => {
			clearTimeout(timer);
			signal.removeEventListener('abort', end);
			resolve();
		};
		const timer = setTimeout(end, ms);

		signal.addEventListener('abort', end);
	});
}

export class Feed {
	#controller = null;
	#lastSeq = null;
	#raws = new Map();	/* seq -> its line, of the last events: to know the log again */
	#skip = 0;		/* polls until the stream is tried again … */
	#nextSkip = 1;		/* … and how many after it fails once more */

	/* onItems([{ seq, event, raw } | { notice }]), onState(state, detail) */
	constructor({ onItems, onState }) {
		this.onItems = onItems;
		this.onState = onState;
	}

	start() {
		this.stop();
		this.#controller = new AbortController();
		this.#skip = 0;
		void this.#run(this.#controller.signal);
	}

	stop() {
		this.#controller?.abort();
	}

	async #run(signal) {
		this.onState('connecting', '');
		while (!signal.aborted) {
			let pause = POLL_MS;

			try {
				await this.#takeSnapshot(signal);
				pause = await this.#tryStream(signal);
			} catch (error) {
				if (signal.aborted)
					return;
				if (error instanceof SignedOut) {
					this.onState('signed-out', '');
					return;
				}
				this.#skip = 0;
				this.onState('reconnecting', error instanceof Refused ? error.message :
					'the server cannot be reached');
			}
			await delay(pause, signal);
		}
	}

	/* -> how long to wait before the next round */
	async #tryStream(signal) {
		if (this.#skip > 0) {
			this.#skip--;
			this.onState('polling', '');
			return POLL_MS;
		}
		const begun = performance.now();
		try {
			await this.#follow(signal);
		} catch (error) {
			if (error instanceof SignedOut || signal.aborted)
				throw error;
			if (error instanceof Refused)
				return this.#fallBack(error.message);
		}
		if (performance.now() - begun < SHORT_LIFE_MS)
			return this.#fallBack('the stream does not last');
		this.#nextSkip = 1;
		this.onState('reconnecting', 'the connection was lost');
		return FIRST_RETRY_MS;
	}

	#fallBack(why) {
		this.onState('polling', why);
		this.#skip = this.#nextSkip;
		this.#nextSkip = Math.min(this.#nextSkip * 2, MAX_SKIPPED);
		return POLL_MS;
	}

	async #takeSnapshot(signal) {
		const items = await getEvents(signal);

		if (!isSameLog(items, this.#lastSeq, (seq) => this.#raws.get(seq)))
			this.onItems([this.#beginAnew()]);
		if (this.#lastSeq !== null && items.length > 0 && items[0].seq > this.#lastSeq + 1)
			this.onItems([{ notice: { kind: 'gap', first: this.#lastSeq + 1, last: items[0].seq - 1,
				count: items[0].seq - this.#lastSeq - 1 } }]);
		this.#deliver(items);
	}

	/* Numbers mean nothing from one log to the next. */
	#beginAnew() {
		this.#lastSeq = null;
		this.#raws.clear();
		return { notice: { kind: 'new-log' } };
	}

	#deliver(items, isStream = false) {
		const fresh = [];

		for (const item of items) {
			if (item.event) {
				if (this.#lastSeq !== null && item.seq <= this.#lastSeq) {
					/* The stream goes back for another log only; a snapshot always does. */
					if (!isStream || this.#raws.get(item.seq) === item.raw)
						continue;
					fresh.push(this.#beginAnew());
				}
				this.#lastSeq = item.seq;
				this.#raws.set(item.seq, item.raw);
			}
			fresh.push(item);
		}
		for (const seq of this.#raws.keys()) {
			if (this.#raws.size <= REMEMBERED)
				break;
			this.#raws.delete(seq);
		}
		if (fresh.length > 0)
			this.onItems(fresh);
	}

	async #follow(signal) {
		const own = new AbortController();
		const body = await openStream(this.#lastSeq, AbortSignal.any([signal, own.signal]));
		let timer = null;
		const heard = () => {
			clearTimeout(timer);
			timer = setTimeout(() => own.abort(), SILENCE_MS);
		};

		try {
			/* Nothing was there before: something may have come while the stream opened. */
			if (this.#lastSeq === null)
				await this.#takeSnapshot(signal);
			this.onState('live', '');
			heard();
			await this.#read(body.getReader(), heard);
		} finally {
			clearTimeout(timer);
			own.abort();
		}
	}

	async #read(reader, heard) {
		const decoder = new TextDecoder();
		const push = createParser();

		for (;;) {
			const { done, value } = await reader.read();

			if (done)
				return;
			heard();
			this.#deliver(push(decoder.decode(value, { stream: true })).map(toItem)
				.filter((item) => item !== null), true);
		}
	}
}

function toItem(message) {
	if (message.type === 'message')
		return parseLine(message.data);
	if (message.type !== 'gap')
		return null;
	try {
		const { first, last, count } = JSON.parse(message.data);

		return { notice: { kind: 'gap', first: Number(first), last: Number(last), count: Number(count) } };
	} catch {
		return null;
	}
}
