// SPDX-License-Identifier: Apache-2.0
/*
 * One event in full: what its type means, every field with the schema's title, each value of
 * `data` with a way to filter by it, and the line as it stands in the log.
 */
import { button, copyText, element, safeText, setText } from './dom.js';
import { DATA, SEVERITIES } from './filter.js';
import { formatAge, formatSeconds, formatTimeFull, formatValue, visible } from './format.js';
import { quote } from './mute.js';
import { describe } from './schema.js';

const TECHNIQUE = /^T(\d{4})(?:\.(\d{3}))?$/;
const FILTERABLE = new Set(['type', 'source', 'host', 'boot_id', 'stream', 'rule', 'tags', 'attack']);

/* A MITRE ATT&CK id as a link to its page; what is none stays text. */
function techniqueNode(id) {
	const match = TECHNIQUE.exec(id);

	if (!match)
		return element('span', 'value', ...safeText(id));
	const link = element('a', 'value attack', id);

	link.href = `https://attack.mitre.org/techniques/T${match[1]}/${match[2] ? `${match[2]}/` : ''}`;
	link.target = '_blank';
	link.rel = 'noopener noreferrer';
	return link;
}

function valueNode(key, event, zone) {
	if (key === 'time')
		return element('span', 'value', formatTimeFull(event.time, zone));
	if (key === 'ts')
		return element('span', 'value', `${formatSeconds(event.ts)} s`);
	if (key === 'severity')
		return element('span', `badge ${SEVERITIES.includes(event.severity) ? event.severity :
			'unknown'}`, formatValue(event.severity));
	return element('span', 'value', ...safeText(formatValue(event[key])));
}

export class Details {
	#item = null;

	/* onFilter(key, value, negated), onClose() */
	constructor({ panel, title, summary, meaning, fields, raw, copy, close, onFilter, onClose }) {
		Object.assign(this, { panel, title, summary, meaning, fields, raw, copy, onFilter });
		this.types = {};	/* what types mean, when the server has said so */
		close.addEventListener('click', onClose);
		copy.addEventListener('click', () => void this.#copy());
	}

	get item() {
		return this.#item;
	}

	get isOpen() {
		return !this.panel.hidden;
	}

	close() {
		this.panel.hidden = true;
		this.#item = null;
	}

	/* Again, after the schema or the time zone changed. */
	refresh(schema, zone) {
		if (this.#item)
			this.show(this.#item, schema, zone);
	}

	show(item, schema, zone) {
		const { event } = item;

		this.#item = item;
		this.panel.hidden = false;
		this.panel.dataset.seq = String(item.seq);
		this.title.replaceChildren(...safeText(formatValue(event.type)));
		this.summary.textContent = [`seq ${item.seq}`, formatAge(event.time, Date.now())]
			.filter((part) => part !== '').join(' · ');
		this.#showMeaning(event.type);
		this.fields.replaceChildren(...describe(event, schema).flatMap(([field, value]) =>
			field.key === 'data' && value !== null && typeof value === 'object' ?
				this.#dataRows(field, value) : this.#row(field, event, zone)));
		this.raw.replaceChildren(...safeText(item.raw));
		setText(this.copy, 'Copy');
		this.panel.querySelector('.panel-body').scrollTop = 0;
	}

	#showMeaning(type) {
		const known = typeof type === 'string' && Object.hasOwn(this.types, type) ? this.types[type] : null;

		this.meaning.hidden = typeof known?.sentence !== 'string';
		setText(this.meaning, this.meaning.hidden ? '' : `${known.sentence}.`);
	}

	#row(field, event, zone) {
		const term = element('dt', '', ...safeText(field.title));
		const description = element('dd', '');
		const value = event[field.key];

		term.title = field.description;
		description.dataset.key = field.key;
		if (Array.isArray(value) && value.every((one) => typeof one === 'string') && FILTERABLE.has(field.key))
			description.append(element('ul', 'list', ...value.map((one) => element('li', '',
				field.key === 'attack' ? techniqueNode(one) : element('span', 'value', ...safeText(one)),
				this.#filters(field.key, one)))));
		else
			description.append(valueNode(field.key, event, zone),
				...(FILTERABLE.has(field.key) ? [this.#filters(field.key, formatValue(value))] : []));
		if (field.key === 'rule' && typeof value === 'string' && quote(value) !== null)
			description.append(element('code', 'hint', `lksm rules show ${quote(value)}`));
		return [term, description];
	}

	#dataRows(field, data) {
		const term = element('dt', 'group', ...safeText(field.title));
		const list = element('dl', 'data');
		const holder = element('dd', 'group', list);

		term.title = field.description;
		holder.dataset.key = 'data';
		for (const [key, value] of Object.entries(data)) {
			const text = formatValue(value);
			const inner = element('dd', '', element('span', 'value', ...safeText(text)),
				this.#filters(DATA + key, text));

			inner.dataset.key = key;
			list.append(element('dt', '', ...safeText(key)), inner);
		}
		if (list.childElementCount === 0)
			holder.replaceChildren(element('span', 'muted', 'none'));
		return [term, holder];
	}

	#filters(key, text) {
		const short = visible(`${key}=${text}`);
		const only = button('mini', '+', () => this.onFilter(key, text, false));
		const without = button('mini', '−', () => this.onFilter(key, text, true));

		only.title = only.ariaLabel = `Show only ${short}`;
		without.title = without.ariaLabel = `Hide ${short}`;
		return element('span', 'filters', only, without);
	}

	async #copy() {
		const done = await copyText(this.#item.raw, this.raw);

		setText(this.copy, done ? 'Copied' : 'Copying failed');
	}
}
