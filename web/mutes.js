// SPDX-License-Identifier: Apache-2.0
/*
 * What is muted (`lksm mute`): live, it is left out until the reader wants to see it, as the
 * commands do that watch; the history has all. The server says which mutes there are; what
 * stands in them, and in events, is hostile: a pattern is matched in steps that are bounded.
 */
import { getMutes } from './api.js';
import { setText } from './dom.js';
import * as prefs from './prefs.js';

const FIELDS = ['type', 'rule', 'source'];
const MAX_VALUE = 255;		/* of what is compared with a pattern, as the commands do */

/* Where a [set] that begins at `at` ends, or -1: it is a plain bracket. */
function endOfSet(pattern, at) {
	const first = at + (/[!^]/.test(pattern[at + 1] ?? '') ? 2 : 1);

	return pattern.indexOf(']', first + 1);
}

function isInSet(pattern, at, end, char) {
	const isNot = /[!^]/.test(pattern[at + 1]);
	let isIn = false;

	for (let i = at + (isNot ? 2 : 1); i < end; i++) {
		const isRange = pattern[i + 1] === '-' && i + 2 < end;

		isIn ||= isRange ? char >= pattern[i] && char <= pattern[i + 2] : char === pattern[i];
		i += isRange ? 2 : 0;
	}
	return isIn !== isNot;
}

/* One character of the text: where the pattern goes on behind it, or -1. */
function matchOne(pattern, at, char) {
	const end = pattern[at] === '[' ? endOfSet(pattern, at) : -1;

	if (at >= pattern.length)
		return -1;
	if (end >= 0)
		return isInSet(pattern, at, end, char) ? end + 1 : -1;
	if (pattern[at] === '?')
		return at + 1;
	if (pattern[at] === '\\' && at + 1 < pattern.length)
		return pattern[at + 1] === char ? at + 2 : -1;
	return pattern[at] === char ? at + 1 : -1;
}

/* fnmatch(3) for a word without a special meaning of / and .; after a miss, the last * takes one more. */
export function matchWord(pattern, text) {
	if (!/[*?[]/.test(pattern))
		return pattern === text;
	if (text.length > MAX_VALUE)
		return false;
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

function matchDatum(data, assignment) {
	const equals = assignment.indexOf('=');
	const key = assignment.slice(0, equals);
	const value = data !== null && typeof data === 'object' && Object.hasOwn(data, key) ? data[key] : undefined;

	return value !== undefined &&
		matchWord(assignment.slice(equals + 1), typeof value === 'string' ? value : JSON.stringify(value));
}

/* Has the event all that the mute says? */
export function isTaken(mute, event) {
	return FIELDS.every((field) => !mute[field]?.length ||
			mute[field].some((word) => matchWord(word, String(event[field] ?? '')))) &&
		(mute.data ?? []).every((assignment) => matchDatum(event.data, assignment));
}

export class Mutes {
	#list = [];
	#protected = new Set();
	#known = new WeakMap();		/* item -> is it muted? */
	#expires = Infinity;
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
		try {
			while (this.#isStale) {
				this.#isStale = false;
				this.take(await getMutes());
			}
		} catch {
			/* the feed meets the same trouble and says so; those that were known stay */
			this.#isStale = false;
		} finally {
			this.#isAsking = false;
		}
	}

	take(answer, nowMs = Date.now()) {
		const before = JSON.stringify([this.#list, [...this.#protected]]);

		this.#list = Array.isArray(answer.mutes) ? answer.mutes : [];
		this.#protected = new Set(answer.protected);
		this.#forgetOver(nowMs);
		if (JSON.stringify([this.#list, [...this.#protected]]) !== before)
			this.onChange();
	}

	#forgetOver(nowMs) {
		this.#list = this.#list.filter(({ until }) => until === undefined || Date.parse(until) > nowMs);
		this.#expires = Math.min(Infinity, ...this.#list.map(({ until }) => Date.parse(until ?? '')).filter((ms) => !Number.isNaN(ms)));
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
				this.#list.some((mute) => isTaken(mute, item.event)));
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
