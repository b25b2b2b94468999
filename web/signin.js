// SPDX-License-Identifier: Apache-2.0
/*
 * The token: taken from the address that `lksm run` printed (…/#token=HEX), or asked for. It
 * is traded for an HttpOnly cookie at once and kept nowhere in the page.
 */
import { signIn } from './api.js';
import { setText } from './dom.js';

/* Takes the token out of the address and the history, leaving any filter; null if none. */
export function takeToken() {
	const params = new URLSearchParams(location.hash.slice(1));
	const token = params.get('token');

	if (token === null)
		return null;
	params.delete('token');
	const rest = params.toString();
	history.replaceState(null, '', location.pathname + location.search + (rest === '' ? '' : `#${rest}`));
	return token;
}

export class SignIn {
	/* onDone(): the cookie is there */
	constructor({ panel, form, input, error, onDone }) {
		Object.assign(this, { panel, form, input, error, onDone });
		form.addEventListener('submit', (event) => {
			event.preventDefault();
			void this.submit(input.value);
		});
	}

	ask() {
		if (!this.panel.hidden)
			return;
		this.panel.hidden = false;
		this.input.value = '';
		this.input.focus();
	}

	hide() {
		this.panel.hidden = true;
		setText(this.error, '');
	}

	/* A whole URL may be pasted as well as the token alone. -> true if it was accepted */
	async submit(text) {
		const token = text.trim().replace(/^.*[#&]token=([^&]*).*$/s, '$1');

		if (!/^[\x21-\x7e]+$/.test(token))
			return this.#fail('That is not a token: it is one word of hexadecimal digits.');
		try {
			if (!await signIn(token))
				return this.#fail('The server does not know this token. It may have made a new one since.');
		} catch {
			return this.#fail('The server could not be reached. Is lksm still running?');
		}
		this.hide();
		this.onDone();
		return true;
	}

	#fail(why) {
		this.ask();
		setText(this.error, why);
		this.input.select();
		return false;
	}
}
