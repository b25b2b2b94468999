// SPDX-License-Identifier: Apache-2.0
/* Live, or which time of the history: one button each, and one for a range of one's own. */
import { button, setText } from './dom.js';
import { formatMoment } from './format.js';
import { RANGES } from './view.js';

export class RangeBar {
	#buttons = new Map();

	/* onChoose(range): as in view.js */
	constructor({ group, custom, onChoose }) {
		this.custom = custom;
		for (const { name, title } of [{ name: null, title: 'Live' }, ...RANGES])
			this.#buttons.set(name, button('range', title, () => onChoose(name)));
		for (const [name, node] of this.#buttons)
			node.dataset.range = name ?? 'live';
		group.append(...this.#buttons.values());
		custom.addEventListener('click', () => onChoose('24h'));
	}

	show(range, zone) {
		const isOwn = range !== null && typeof range === 'object';

		for (const [name, node] of this.#buttons)
			node.setAttribute('aria-pressed', String(name === range));
		this.custom.hidden = !isOwn;
		setText(this.custom, isOwn ? `${formatMoment(range.since, zone)} – ${formatMoment(range.until, zone)} ✕` : '');
	}
}
