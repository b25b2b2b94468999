// SPDX-License-Identifier: Apache-2.0
/*
 * What is muted (`lksm mute`): live, it is left out until the reader wants to see it, as the
 * commands do that watch; the history has all. The server says which mutes there are; what
 * stands in them, and in events, is hostile: a pattern is matched in steps that are bounded. What
 * the commands would show is never hidden here: where we cannot be as exact as they, it is shown.
 */
import { getMutes, SignedOut } from './api.js';
import { setText } from './dom.js';
import * as prefs from './prefs.js';

const FIELDS = ['type', 'rule', 'source'];
const RETRY_MS = 3000;
const MAX_VALUE = 255;		/* bytes of what is compared with a pattern, as the commands do */
const CLASS = /\[.*\[[:.=]/s;	/* [[:alpha:]], which fnmatch(3) knows and we do not */
const ENDS_TEXT = /\0|\p{Surrogate}/u;	/* no text to the commands: a NUL, half a pair */

const encoder = new TextEncoder();

/* A character for each byte of its UTF-8: of these the commands know, ? is one of them. */
function bytesOf(text) {
	return String.fromCharCode(...encoder.encode(text));
}

/* Behind the character of a set at `i`, of which a backslash takes away the meaning. */
function skipOne(pattern, i) {
	return pattern[i] === '\\' ? i + 2 : i + 1;
}

function beginOfSet(pattern, at) {
	return at + (/[!^]/.test(pattern[at + 1] ?? '') ? 2 : 1);
}

/* Where a [set] that begins at `at` ends, or -1: it is a plain bracket. */
function endOfSet(pattern, at) {
	let i = skipOne(pattern, beginOfSet(pattern, at));

	while (i < pattern.length && pattern[i] !== ']')
		i = skipOne(pattern, i);
	return i < pattern.length ? i : -1;
}

function isInSet(pattern, at, end, char) {
	const first = beginOfSet(pattern, at);
	let isIn = false;

	for (let i = first, next; i < end; i = next) {
		next = skipOne(pattern, i);
		const low = pattern[next - 1];
		const isRange = pattern[next] === '-' && next + 1 < end;

		next = isRange ? skipOne(pattern, next + 1) : next;
		isIn ||= isRange ? char >= low && char <= pattern[next - 1] : char === low;
	}
	return isIn !== (first === at + 2);
}

/* One character of the text: where the pattern goes on behind it, or -1. */
function matchOne(pattern, at, char) {
	const end = pattern[at] === '[' ? endOfSet(pattern, at) : -1;

	if (at >= pattern.length)
		return -1;
	if (end >= 0)
		return isInSet(pattern, at, end, char) ? end + 1 : -1;
	if (pattern[at] === '[' && pattern.endsWith('-'))
		return -1;	/* a range without an end is none, nor a plain bracket */
	if (pattern[at] === '?')
		return at + 1;
	if (pattern[at] === '\\')
		return pattern[at + 1] === char ? at + 2 : -1;
	return pattern[at] === char ? at + 1 : -1;
}

/* fnmatch(3) without a special meaning of / and .; after a miss, the last * takes one more. */
function matchBytes(pattern, text) {
	let at = 0, i = 0, star = -1, from = 0;

	while (i < text.length) {
		const next = pattern[at] === '*' ? -1 : matchOne(pattern, at, text[i]);

		if (next >= 0) {
			at = next;
			i++;
		} else if (pattern[at] === '*') {
			star = ++at;
			from = i;
		} else if (star >= 0) {
			at = star;
			i = ++from;
		} else {
			return false;
		}
	}
	return /^\**$/.test(pattern.slice(at));
}

export function matchWord(pattern, text) {
	if (!/[*?[]/.test(pattern))
		return pattern === text;
	if (text.length > MAX_VALUE || CLASS.test(pattern) || ENDS_TEXT.test(text))
		return false;
	const bytes = bytesOf(text);

	return bytes.length <= MAX_VALUE && matchBytes(bytesOf(pattern), bytes);
}

/*
 * What the commands compare, data.KEY as the line has it, or null. JSON.parse() makes the same of
 * 71 and 71.0, and one value of two: so it has to stand there as it is, and once (and perhaps
 * once more outside data).
 */
function textOf(key, { event, raw }) {
	const value = event.data[key];
	const behind = raw.split(`"${key}": `).slice(1);
	const isAsItStands = (rest) => !/^[-\d]/.test(rest) || rest.startsWith(`${value},`) || rest.startsWith(`${value}}`);

	if (behind.length !== 1 + Object.hasOwn(event, key))
		return null;
	if (typeof value === 'number')
		return behind.every(isAsItStands) ? String(value) : null;
	return ['string', 'boolean'].includes(typeof value) ? String(value) : null;
}

function matchDatum(item, assignment) {
	const { data } = item.event;
	const equals = assignment.indexOf('=');
	const key = assignment.slice(0, equals);
	const text = data !== null && typeof data === 'object' && Object.hasOwn(data, key) ? textOf(key, item) : null;

	return text !== null && matchWord(assignment.slice(equals + 1), text);
}

/* Has the event all that the mute says? What it has not, no word stands for. */
export function isTaken(mute, item) {
	return FIELDS.every((field) => !mute[field]?.length || typeof item.event[field] === 'string' &&
			mute[field].some((word) => matchWord(word, item.event[field]))) &&
		(mute.data ?? []).every((assignment) => matchDatum(item, assignment));
}

export class Mutes {
	#list = [];
	#protected = new Set();
	#known = new WeakMap();		/* item -> is it muted? */
	#expires = Infinity;		/* by our clock */
	#aheadMs = 0;			/* of our clock is the server's, by which they end */
	#retry = 0;			/* the timer */
	#isAsking = false;
	#isStale = false;		/* they changed while they were asked for */

	/* button: says how many there are; onChange(): another event may be shown, or hidden */
	constructor({ button, onChange }) {
		this.button = button;
		this.onChange = onChange;
	}

	/* Asked for once more if events say that they changed. */
	note(items) {
		if (items.some(({ event }) => event?.source === 'lksm' && /^mutes?_/.test(event.type)))
			void this.load();
	}

	async load() {
		this.#isStale = true;
		if (this.#isAsking)
			return;
		this.#isAsking = true;
		clearTimeout(this.#retry);
		try {
			while (this.#isStale) {
				this.#isStale = false;
				this.take(await getMutes());
			}
		} catch (error) {
			this.#forget(error);
		} finally {
			this.#isAsking = false;
		}
	}

	/* Those that were known may be removed by now: until it is known again, nothing is hidden. */
	#forget(error) {
		this.take({ mutes: [], protected: [] });
		if (!(error instanceof SignedOut))	/* who signs in asks again */
			this.#retry = setTimeout(() => void this.load(), RETRY_MS);
	}

	take(answer, nowMs = Date.now()) {
		const before = JSON.stringify([this.#list, [...this.#protected]]);

		/* of a second that has begun it says the beginning: rather is one over too early */
		this.#aheadMs = Number.isFinite(answer.nowMs) ? answer.nowMs + 1000 - nowMs : 0;
		this.#list = Array.isArray(answer.mutes) ? answer.mutes : [];
		this.#protected = new Set(answer.protected);
		this.#forgetOver(nowMs);
		if (JSON.stringify([this.#list, [...this.#protected]]) !== before)
			this.onChange();
	}

	#forgetOver(nowMs) {
		this.#list = this.#list.filter(({ until }) => until === undefined || Date.parse(until) > nowMs + this.#aheadMs);
		this.#expires = Math.min(Infinity, ...this.#list.map(({ until }) => Date.parse(until ?? '')).filter((ms) => !Number.isNaN(ms))) - this.#aheadMs;
		this.#known = new WeakMap();
	}

	/* Some have ended since: then others are in force, too. */
	checkTime(nowMs = Date.now()) {
		if (nowMs < this.#expires)
			return;
		this.#forgetOver(nowMs);
		this.onChange();
	}

	has(item) {
		if (this.#list.length === 0 || !item.event)
			return false;
		if (!this.#known.has(item))
			this.#known.set(item, !this.#protected.has(item.event.type) &&
				this.#list.some((mute) => isTaken(mute, item)));
		return this.#known.get(item);
	}

	/* Muted, and not to be seen by the reader's choice. */
	hides(item) {
		return !prefs.isShowingMuted() && this.has(item);
	}

	toggle() {
		prefs.toggleMuted();
		this.onChange();
	}

	/* -> how many of these are hidden */
	count(items, isLive) {
		const n = items.filter((item) => this.has(item)).length;
		const isShowing = prefs.isShowingMuted();

		this.button.hidden = !isLive || n === 0;
		this.button.setAttribute('aria-pressed', String(isShowing));
		setText(this.button, `${n} muted ${isShowing ? 'shown' : 'hidden'}`);
		return isShowing ? 0 : n;
	}
}
