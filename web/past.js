// SPDX-License-Identifier: Apache-2.0
/*
 * The history, asked: a page of events, then the next ones as the reader comes to the end;
 * counts over time; counts of each facet. The server takes one question after the other from
 * one client, so they are asked one after the other, the visible first. A new question ends
 * those before it.
 */
import { getFacets, getHistogram, getPage, getStats, Refused, SignedOut } from './api.js';
import { FACETS } from './filter.js';
import { FRESH_MS } from './live.js';
import { addTimes, filterParams } from './question.js';
import { bucketOf, timesOf } from './view.js';

const PAGE = 100;
const RETRIES = 5;
const RETRY_MS = 60;		/* then twice as long each time */
const MAKING_MS = 3000;
const REST_MS = 300;
const LAG_MS = 250;
const LAG_TRIES = 10;
export const MAX_ROWS = 1000;

function delay(ms, signal) {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(resolve, ms);

		signal.addEventListener('abort', () => {
			clearTimeout(timer);
			reject(signal.reason);
		}, { once: true });
	});
}

/* -> Map(value -> count) */
function countsOf(answer, facet) {
	if (facet === 'severity')
		return new Map(Object.entries(answer.severity ?? {}));
	return new Map((answer[facet] ?? []).map(({ value, count }) => [String(value), Number(count)]));
}

export class Past {
	#controller = null;
	#params = null;
	#next = null;
	#isAsking = false;
	#newestSeq = -1;
	#sinceMs = 0;
	nRows = 0;

	/*
	 * onState(state, sentence): asking, ready, off, making, failed, signed-out
	 * onItems(items, { isFirst, hasMore, isFull }); onHistogram(answer, times);
	 * onFacets({ facet: Map })
	 */
	constructor({ onState, onItems, onHistogram, onFacets }) {
		Object.assign(this, { onState, onItems, onHistogram, onFacets });
	}

	get isActive() {
		return this.#controller !== null;
	}

	/* What stands in the list, as the question of an export; null before there is one. */
	get exportParams() {
		return this.#params === null ? null : new URLSearchParams(this.#params);
	}

	/* Has this live event come after what the list was asked for? */
	isNewer({ seq, event }) {
		return seq > this.#newestSeq && Date.parse(event.time) >= this.#sinceMs;
	}

	stop() {
		this.#controller?.abort();
		this.#controller = null;
	}

	/*
	 * freshSeq: an event that came in just now, and is to be in the answer; or null
	 * isTyping: the list is wanted now, what is counted only when the letters have come to rest
	 */
	ask(view, freshSeq, isTyping = false) {
		this.stop();
		this.#controller = new AbortController();
		void this.#run(view, freshSeq, isTyping, this.#controller.signal);
	}

	/* The next page, when the end of the list comes into sight. */
	async more() {
		const signal = this.#controller?.signal;

		if (!signal || this.#isAsking || this.#next === null || this.nRows >= MAX_ROWS)
			return;
		await this.#guard(signal, () => this.#takePage(signal, this.#next));
	}

	async #run(view, freshSeq, isTyping, signal) {
		const nowSeconds = Date.now() / 1000;
		const times = timesOf(view.range, nowSeconds);

		this.nRows = 0;
		this.#next = null;
		this.#params = null;
		this.#newestSeq = -1;
		this.#sinceMs = nowSeconds * 1000 - FRESH_MS;
		this.onState('asking', '');
		await this.#guard(signal, async () => {
			this.#params = filterParams(view.filter);
			if (this.#params === null) {
				this.onItems([], { isFirst: true, hasMore: false, isFull: false });
				this.onHistogram({ since: null, until: null, bucket: 0, buckets: [] }, times);
			} else {
				addTimes(this.#params, times);
				this.#params.set('order', view.order);
				if (freshSeq !== null)
					await this.#catchUp(signal, freshSeq);
				await this.#takePage(signal, view.before, true);
				if (isTyping)
					await delay(REST_MS, signal);
				await this.#takeHistogram(signal, times, nowSeconds);
			}
			await this.#takeFacets(signal, view.filter, times);
		});
	}

	async #guard(signal, work) {
		this.#isAsking = true;
		try {
			await work();
			if (!signal.aborted)
				this.onState('ready', '');
		} catch (error) {
			if (!signal.aborted)
				this.#fail(error);
		} finally {
			if (this.#controller?.signal === signal)
				this.#isAsking = false;
		}
	}

	#fail(error) {
		if (error instanceof SignedOut)
			this.onState('signed-out', '');
		else if (error instanceof Refused && error.status === 404)
			this.onState('off', error.message);
		else
			this.onState('failed', error instanceof TypeError ? 'The server cannot be reached.' : error.message);
	}

	/* The server is busy with others for a moment, or still makes the history. */
	async #patiently(signal, ask) {
		for (let n = 0;; n++) {
			try {
				return await ask();
			} catch (error) {
				const isBusy = error instanceof Refused && (error.status === 429 ||
					error.status === 503 && error.title.startsWith('Too many'));
				const isMaking = error instanceof Refused && error.status === 503 &&
					/being made|no history yet/.test(error.title);

				if (!isMaking && (!isBusy || n >= RETRIES))
					throw error;
				if (isMaking)
					this.onState('making', await this.#progress(signal));
				await delay(isMaking ? MAKING_MS : RETRY_MS * 2 ** n, signal);
			}
		}
	}

	/* The history follows the log, a moment behind. */
	async #catchUp(signal, seq) {
		for (let n = 0; n < LAG_TRIES; n++) {
			const { next_seq: next } = await this.#patiently(signal, () => getStats(signal));

			if (!(next <= seq))
				return;
			await delay(LAG_MS, signal);
		}
	}

	async #progress(signal) {
		try {
			const { events } = await getStats(signal);

			return `${Number(events).toLocaleString('en')} events so far.`;
		} catch {
			return '';
		}
	}

	async #takePage(signal, cursor, isFirst = false) {
		const params = this.exportParams;

		params.set('limit', String(PAGE));
		if (cursor !== null)
			params.set('cursor', String(cursor));
		const { items, next } = await this.#patiently(signal, () => getPage(params, signal));
		if (signal.aborted)
			return;
		this.#next = next;
		this.nRows += items.length;
		if (isFirst && items.length > 0) {
			this.#newestSeq = items[0].seq;
			this.#sinceMs = 0;
		}
		for (const item of items)
			item.id = `h${item.seq}`;
		this.onItems(items, { isFirst, hasMore: next !== null, isFull: next !== null && this.nRows >= MAX_ROWS });
	}

	async #takeHistogram(signal, times, nowSeconds) {
		const params = this.exportParams;
		const bucket = bucketOf(times, nowSeconds);

		params.delete('order');
		if (bucket !== null)
			params.set('bucket', String(bucket));
		const answer = await this.#patiently(signal, () => getHistogram(params, signal));
		if (!signal.aborted)
			this.onHistogram(answer, times);
	}

	/* A facet with a choice is counted without it: what would the others give? */
	async #takeFacets(signal, filter, times) {
		const chosen = FACETS.filter((facet) => filter[facet].length + filter.without[facet].length > 0);
		const counts = {};

		for (const except of [null, ...chosen]) {
			const params = filterParams(filter, except);
			const answer = params === null ? {} : await this.#patiently(signal, () =>
				getFacets(addTimes(params, times), signal));

			for (const facet of except === null ? FACETS : [except])
				counts[facet] = countsOf(answer, facet);
		}
		if (!signal.aborted)
			this.onFacets(counts);
	}
}
