// SPDX-License-Identifier: Apache-2.0
/*
 * The command that mutes what an event reports. The page can write nothing: it shows the line
 * for a terminal. What stands in it came from an event, so from a stranger, and will be pasted
 * into root's shell: each value is one quoted word, and what cannot be seen is never in it.
 */
import { copyText, element, safeText, setText } from './dom.js';
import { formatValue, visible } from './format.js';

const MAX_VALUE = 200;
/* They differ from one event to the next, so a mute with them would mute nothing more. */
const FLEETING = /^(pid|tid|tgid|ppid|start_ms|count|first|last|inode|offset|seq|step_us|from|to|bytes|instance|.*_(ns|us|ms))$/;
/* Of names the command takes lists and patterns, and one of these would mute more than is shown. */
const PATTERN = /[*?[\]\\,!]/;
const DURATIONS = [['1d', 'a day'], ['7d', '7 days'], ['30d', '30 days'], ['', 'for ever']];

/* -> one word of a POSIX shell, or null if the text may not be in a command */
export function quote(text) {
	if (text.length > MAX_VALUE || visible(text) !== text)
		return null;
	return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

/* -> [{ label, option, text, value: the text as a word, isOn }]: what can be said of the event */
export function choicesOf(event) {
	const choices = [];
	const add = (label, option, text, isOn) => {
		const value = quote(text);

		if (value !== null && text !== '')
			choices.push({ label, option, text, value, isOn });
	};

	for (const key of ['type', 'rule', 'source'])
		if (typeof event[key] === 'string' && !PATTERN.test(event[key]))
			add(key, `--${key}`, event[key], key === 'type');
	for (const [key, value] of Object.entries(event.data !== null && typeof event.data === 'object' ? event.data : {}))
		if (/^[\w.-]+$/.test(key) && ['string', 'number', 'boolean'].includes(typeof value))
			add(`data.${key}`, '--data', `${key}=${formatValue(value)}`, !FLEETING.test(key));
	return choices;
}

export function commandOf(choices, duration, reason) {
	const words = ['lksm', 'mute', ...choices.filter(({ isOn }) => isOn)
		.flatMap(({ option, value }) => [option, value])];
	const why = quote(reason.trim());

	if (duration !== '')
		words.push('--for', duration);
	if (why !== null && reason.trim() !== '')
		words.push('--reason', why);
	return words.join(' ');
}

export class MuteDialog {
	#choices = [];

	constructor({ dialog, list, duration, reason, command, copy, note }) {
		Object.assign(this, { dialog, list, duration, reason, command, copy, note });
		duration.replaceChildren(...DURATIONS.map(([value, text]) => {
			const option = element('option', '', text);

			option.value = value;
			option.selected = value === '7d';
			return option;
		}));
		duration.addEventListener('change', () => this.#show());
		reason.addEventListener('input', () => this.#show());
		copy.addEventListener('click', () => void this.#copy());
	}

	open(event) {
		this.#choices = choicesOf(event);
		this.reason.value = '';
		this.list.replaceChildren(...this.#choices.map((choice) => this.#makeChoice(choice)));
		this.#show();
		this.dialog.showModal();
	}

	#makeChoice(choice) {
		const box = element('input');
		const label = element('label', 'choice', box,
			element('span', '', ...safeText(choice.option === '--data' ? `data.${choice.text}` :
				`${choice.label}=${choice.text}`)));

		box.type = 'checkbox';
		box.checked = choice.isOn;
		box.addEventListener('change', () => {
			choice.isOn = box.checked;
			this.#show();
		});
		return label;
	}

	#show() {
		const isSaid = this.#choices.some(({ isOn }) => isOn);

		this.command.replaceChildren(...safeText(isSaid ?
			commandOf(this.#choices, this.duration.value, this.reason.value) : ''));
		setText(this.note, isSaid ? 'Events that have all of this are logged as always, but nobody is alerted to them, and live lists leave them out. ' +
			'What tells of an attack on LKSM itself cannot be muted: the command says so.' :
			'Choose at least one thing that the muted events have in common.');
		this.copy.disabled = !isSaid;
		setText(this.copy, 'Copy');
	}

	async #copy() {
		const done = await copyText(this.command.textContent, this.command);

		setText(this.copy, done ? 'Copied' : 'Copying failed');
	}
}
