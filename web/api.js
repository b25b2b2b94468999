// SPDX-License-Identifier: Apache-2.0
/*
 * The server's HTTP API. Errors tell apart what the page must answer differently: signed out,
 * refused by the server (an HTTP status), and not reached at all (whatever fetch() throws).
 */
import { parseArray, parseLine } from './lines.js';

const TIMEOUT_MS = 10000;

export class SignedOut extends Error {}

export class Refused extends Error {
	/* detail: the server's sentence; title: its short form */
	constructor(status, { title = '', detail = '' } = {}) {
		super(detail === '' ? `the server answered ${status}` : detail);
		this.status = status;
		this.title = title;
	}
}

/* Problem details (RFC 9457), if that is what was sent. */
async function problemOf(answer) {
	try {
		const { title, detail } = await answer.json();

		return { title: String(title ?? ''), detail: String(detail ?? '') };
	} catch {
		return {};
	}
}

async function get(path, signal, headers = {}) {
	const answer = await fetch(path, { signal, headers, cache: 'no-store', credentials: 'same-origin' });

	if (answer.status === 401)
		throw new SignedOut();
	if (!answer.ok)
		throw new Refused(answer.status, await problemOf(answer));
	return answer;
}

function limited(signal) {
	const timeout = AbortSignal.timeout(TIMEOUT_MS);

	return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/* Trades the token for the session's cookie; false if the token is wrong. */
export async function signIn(token) {
	const answer = await fetch('/api/v1/session', {
		method: 'POST',
		headers: { Authorization: `Bearer ${token}` },
		credentials: 'same-origin',
		signal: limited(null),
	});

	if (answer.status === 401 || answer.status === 403)
		return false;
	if (!answer.ok)
		throw new Refused(answer.status);
	return true;
}

export async function getSchema(signal) {
	return (await get('/api/v1/schema', limited(signal))).json();
}

/* The last events, oldest first, as { seq, event, raw }. */
export async function getEvents(signal) {
	return parseArray(await (await get('/api/events', limited(signal))).text());
}

/* --- the history ----------------------------------------------------------------------- */

/* -> { items, next }: in the order asked for; next: the cursor of the page behind, or null */
export async function getPage(params, signal) {
	const text = await (await get(`/api/v1/events?${params}`, limited(signal))).text();

	return { items: parseArray(text), next: /"next_cursor": "(\d{1,16})"\}\s*$/.exec(text)?.[1] ?? null };
}

/* One event; null: the history has none with that number. */
export async function getEvent(seq, signal) {
	try {
		return parseLine((await (await get(`/api/v1/events/${seq}`, limited(signal))).text()).trim());
	} catch (error) {
		if (error instanceof Refused && error.status === 404)
			return null;
		throw error;
	}
}

export async function getHistogram(params, signal) {
	return (await get(`/api/v1/histogram?${params}`, limited(signal))).json();
}

export async function getFacets(params, signal) {
	return (await get(`/api/v1/facets?${params}`, limited(signal))).json();
}

export async function getStats(signal) {
	return (await get('/api/v1/stats', limited(signal))).json();
}

/* --- about the server ------------------------------------------------------------------ */

export async function getStatus(signal) {
	return (await get('/api/v1/status', limited(signal))).json();
}

/* With nowMs, the server's clock as it answered, in whole seconds; NaN: it did not say. */
export async function getMutes(signal) {
	const answer = await get('/api/v1/mutes', limited(signal));

	return { ...await answer.json(), nowMs: Date.parse(answer.headers.get('Date') ?? '') };
}

export async function getTypes(signal) {
	return (await get('/api/v1/types', limited(signal))).json();
}

/* --- the stream ------------------------------------------------------------------------ */

/* The body of the live stream, after `lastSeq`; null: whatever the server begins with. */
export async function openStream(lastSeq, signal) {
	const headers = { Accept: 'text/event-stream' };
	const path = lastSeq === null ? '/api/v1/stream' : `/api/v1/stream?last_event_id=${lastSeq}`;
	const opening = new AbortController();
	const timer = setTimeout(() => opening.abort(), TIMEOUT_MS);

	/* A proxy that holds the answer back counts as a refusal, so only the opening is timed. */
	if (lastSeq !== null)
		headers['Last-Event-ID'] = String(lastSeq);
	try {
		const answer = await get(path, AbortSignal.any([signal, opening.signal]), headers);

		if (!/^text\/event-stream\b/.test(answer.headers.get('Content-Type') ?? '')) {
			await answer.body?.cancel();
			throw new Refused(answer.status);
		}
		return answer.body;
	} catch (error) {
		throw opening.signal.aborted ? new Refused('nothing in 10 s') : error;
	} finally {
		clearTimeout(timer);
	}
}
