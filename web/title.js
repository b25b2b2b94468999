// SPDX-License-Identifier: Apache-2.0
/* Whose page this is, and how much that is grave came in while nobody looked at its tab. */
import { byId, setText } from './dom.js';
import { formatValue, shorten, visible } from './format.js';

export class Title {
	#nUnseen = 0;
	#host = '';

	constructor() {
		document.addEventListener('visibilitychange', () => {
			this.#nUnseen = 0;
			this.#show();
		});
	}

	note(items) {
		if (document.hidden)
			this.#nUnseen += items.filter(({ event }) =>
				event?.severity === 'high' || event?.severity === 'critical').length;
		this.#host = items.findLast(({ event }) => event?.host)?.event.host ?? this.#host;
		this.#show();
	}

	#show() {
		const name = shorten(visible(formatValue(this.#host)), 64);

		setText(byId('host'), name);
		document.title = `${this.#nUnseen > 0 ? `(${this.#nUnseen}) ` : ''}LKSM${name === '' ? '' : ` · ${name}`}`;
	}
}
