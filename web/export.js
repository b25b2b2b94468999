// SPDX-License-Identifier: Apache-2.0
/*
 * Taking away what is shown: of the history the server makes the file, of the same question;
 * the live events are here, and the file is made of them.
 */
import { setText } from './dom.js';
import { formatCount, formatValue } from './format.js';
import { fieldsOf } from './schema.js';

/* As the server's: RFC 4180, and what a spreadsheet would take for a formula gets a ' before it. */
function cell(value) {
	const text = value === undefined ? '' : formatValue(value);
	const safe = typeof value === 'string' && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;

	return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/* items: oldest first -> the text of a CSV file */
export function toCsv(items, schema) {
	const keys = fieldsOf(schema).map(({ key }) => key);
	const lines = items.map(({ event }) => keys.map((key) => cell(event[key])).join(','));

	return [keys.join(','), ...lines].map((line) => `${line}\r\n`).join('');
}

export class ExportDialog {
	#urls = [];

	constructor({ dialog, text, jsonl, csv }) {
		Object.assign(this, { dialog, text, jsonl, csv });
		dialog.addEventListener('close', () => this.#forget());
	}

	#forget() {
		for (const url of this.#urls.splice(0))
			URL.revokeObjectURL(url);
	}

	#open(text, jsonl, csv) {
		setText(this.text, text);
		this.jsonl.href = jsonl;
		this.csv.href = csv;
		this.dialog.showModal();
	}

	/* params: the question that the list answers */
	openPast(params) {
		const link = (format) => {
			const all = new URLSearchParams(params);

			all.set('format', format);
			return `/api/v1/export?${all}`;
		};

		this.jsonl.download = this.csv.download = '';
		this.#open('All events of the history that match, also those that were not scrolled to, up to 100,000. ' +
			'JSON Lines are the lines of the log as they are.', link('jsonl'), link('csv'));
	}

	openLive(items, schema) {
		const file = (text, type) => {
			const url = URL.createObjectURL(new Blob([text], { type }));

			this.#urls.push(url);
			return url;
		};

		this.jsonl.download = 'events.jsonl';
		this.csv.download = 'events.csv';
		this.#open(`The ${formatCount(items.length, 'event', 'events')} that this page shows. For older ones, choose a time first.`,
			file(items.map(({ raw }) => `${raw}\n`).join(''), 'application/x-ndjson'),
			file(toCsv(items, schema), 'text/csv'));
	}
}
