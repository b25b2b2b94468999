// SPDX-License-Identifier: Apache-2.0
/*
 * Server-sent events out of a fetch() body. EventSource would do the same, but tells neither
 * why it failed (signed out? no such route?) nor that the heartbeat comments have stopped, as
 * they do when a laptop wakes up behind a dead ssh tunnel.
 *
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */

/* Returns push(text), which gives the messages [{ type, id, data }] completed by that text. */
export function createParser() {
	let rest = '', type = '', data = [], id = '', first = true;

	function takeLine(line, out) {
		if (line === '') {
			if (data.length > 0)
				out.push({ type: type || 'message', id, data: data.join('\n') });
			type = '';
			data = [];
			return;
		}
		const colon = line.indexOf(':');
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');

		if (field === 'data')
			data.push(value);
		else if (field === 'event')
			type = value;
		else if (field === 'id')
			id = value;
	}

	return function push(text) {
		const out = [];

		rest += first ? text.replace(/^\ufeff/, '') : text;
		first = first && text === '';
		/* A CR at the very end may be half of a CRLF: it waits for the next text. */
		for (;;) {
			const match = /\r\n|\n|\r(?=[^])/.exec(rest);

			if (!match)
				return out;
			takeLine(rest.slice(0, match.index), out);
			rest = rest.slice(match.index + match[0].length);
		}
	};
}
