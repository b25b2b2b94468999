// SPDX-License-Identifier: Apache-2.0
/*
 * The server's HTTP API. Errors tell apart what the page must answer differently: signed out,
 * refused by the server (an HTTP status), and not reached at all (whatever fetch() throws).
 */
import { parseArray } from './lines.js';

const TIMEOUT_MS = 10000;

export class SignedOut extends Error {}

export class Refused extends Error {
	constructor(status) {
		super(`the server answered ${status}`);
		this.status = status;
	}
}

async function get(path, signal, headers = {}) {
	const answer = await fetch(path, { signal, headers, cache: 'no-store', credentials: 'same-origin' });

	if (answer.status === 401)
		throw new SignedOut();
	if (!answer.ok)
		throw new Refused(answer.status);
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
