// SPDX-License-Identifier: Apache-2.0
/*
 * All that makes up what the reader looks at, and the same as the page's address, so that a
 * view can be sent to somebody else: live or the history, of which time, in which order, under
 * which filter, with which event open.
 *
 *	#range=24h&severity=high,critical&q=data.uid:0&event=4711
 *	#since=2026-02-10T12:00:00Z&until=2026-02-10T12:15:00Z&order=asc
 */
import { emptyFilter, formatFilter, parseFilter } from './filter.js';

export const RANGES = [
	{ name: '15m', title: '15 min', seconds: 900 },
	{ name: '1h', title: '1 h', seconds: 3600 },
	{ name: '24h', title: '24 h', seconds: 86400 },
	{ name: '7d', title: '7 d', seconds: 604800 },
	{ name: 'all', title: 'All', seconds: Infinity },
];
const MAX_BARS = 120;
const BUCKETS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 604800];

/*
 * range: null (live), a name of RANGES, or { since, until }, in seconds since 1970; before: the
 * seq that the list goes on from; event: the seq of the open one.
 */
export function emptyView() {
	return { range: null, order: 'desc', before: null, event: null, filter: emptyFilter() };
}

function parseTime(text) {
	const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text ?? '') ?
		Date.parse(text) : NaN;

	return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

function parseSeq(text) {
	const seq = /^\d{1,16}$/.test(text ?? '') ? Number(text) : NaN;

	return Number.isSafeInteger(seq) ? seq : null;
}

function parseRange(params) {
	const since = parseTime(params.get('since'));
	const until = parseTime(params.get('until'));

	if (since !== null && until !== null && since < until)
		return { since, until };
	return RANGES.some(({ name }) => name === params.get('range')) ? params.get('range') : null;
}

export function parseHash(hash) {
	const params = new URLSearchParams(hash.replace(/^#/, ''));
	const range = parseRange(params);

	return {
		range,
		order: range !== null && params.get('order') === 'asc' ? 'asc' : 'desc',
		before: range === null ? null : parseSeq(params.get('before')),
		event: parseSeq(params.get('event')),
		filter: parseFilter(params),
	};
}

export function formatTime(seconds) {
	return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

export function formatHash(view) {
	const params = new URLSearchParams();

	if (typeof view.range === 'string')
		params.set('range', view.range);
	else if (view.range !== null) {
		params.set('since', formatTime(view.range.since));
		params.set('until', formatTime(view.range.until));
	}
	if (view.order === 'asc')
		params.set('order', 'asc');
	formatFilter(view.filter, params);
	if (view.before !== null)
		params.set('before', String(view.before));
	if (view.event !== null)
		params.set('event', String(view.event));
	const text = params.toString().replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%21/g, '!');
	return text === '' ? '' : `#${text}`;
}

/* -> { since, until } in seconds, null where it is open. */
export function timesOf(range, nowSeconds) {
	if (range !== null && typeof range === 'object')
		return range;
	const seconds = RANGES.find(({ name }) => name === range)?.seconds ?? Infinity;

	return { since: seconds === Infinity ? null : Math.floor(nowSeconds - seconds), until: null };
}

/* Seconds of one bar, so that a histogram has no more than MAX_BARS; null: the server's choice. */
export function bucketOf({ since, until }, nowSeconds) {
	if (since === null)
		return null;
	const seconds = (until ?? nowSeconds) - since;

	return BUCKETS.find((bucket) => seconds / bucket <= MAX_BARS) ?? null;
}
