// SPDX-License-Identifier: Apache-2.0
/*
 * The rail of filters: one toggle per severity, type, source and rule, each with the number of
 * events that it would show beside the other filters. Pressed once it shows only these, once
 * more and it hides them, and then neither. Toggles keep their places (severities by weight,
 * the others by name), so that nothing moves under the mouse.
 */
import { button, element, safeText, setText } from './dom.js';
import { compile, FACETS, SEVERITIES } from './filter.js';
import { formatValue, shorten, visible } from './format.js';

const MAX_TOGGLES = 60;

/* -> Map(name -> count) of one facet over the items, under the rest of the filter. */
export function countFacet(items, filter, facet) {
	const matches = compile(filter, facet);
	const counts = new Map();

	for (const item of items) {
		if (item.event?.[facet] === undefined)
			continue;
		const name = formatValue(item.event[facet]);
		counts.set(name, (counts.get(name) ?? 0) + (matches(item) ? 1 : 0));
	}
	return counts;
}

export class Facets {
	#toggles = Object.fromEntries(FACETS.map((facet) => [facet, new Map()]));

	/* holders: { severity, type, source, rule } -> element; onToggle(facet, name) */
	constructor({ holders, onToggle }) {
		this.holders = holders;
		this.onToggle = onToggle;
	}

	update(items, filter) {
		this.show(Object.fromEntries(FACETS.map((facet) =>
			[facet, countFacet(items, filter, facet)])), filter);
	}

	/* counts: { facet: Map(name -> count) }; what is chosen is there, whatever its count. */
	show(counts, filter) {
		for (const facet of FACETS) {
			const names = new Map(counts[facet] ?? []);

			for (const name of [...(facet === 'severity' ? SEVERITIES : []), ...filter[facet], ...filter.without[facet]])
				names.set(name, names.get(name) ?? 0);
			this.#show(facet, names, filter[facet], filter.without[facet]);
		}
	}

	#show(facet, counts, chosen, without) {
		const toggles = this.#toggles[facet];
		const names = facet === 'severity' ? SEVERITIES : [...counts.keys()].sort();
		const shown = new Set(names.slice(0, MAX_TOGGLES));
		let place = this.holders[facet].firstElementChild;

		for (const [name, toggle] of toggles) {
			if (shown.has(name))
				continue;
			if (place === toggle)
				place = toggle.nextElementSibling;
			toggle.remove();
			toggles.delete(name);
		}
		for (const name of shown) {
			if (!toggles.has(name))
				toggles.set(name, this.#make(facet, name));
			const toggle = toggles.get(name);
			/* Only new ones are put in: one that is moved would lose the focus. */
			if (toggle === place)
				place = place.nextElementSibling;
			else
				this.holders[facet].insertBefore(toggle, place);
			setText(toggle.querySelector('.count'), counts.get(name).toLocaleString('en'));
			const isWithout = without.includes(name);

			toggle.setAttribute('aria-pressed', isWithout ? 'mixed' : String(chosen.includes(name)));
			toggle.classList.toggle('without', isWithout);
			setText(toggle.querySelector('.not'), isWithout ? 'not ' : '');
			toggle.classList.toggle('none', counts.get(name) === 0);
		}
	}

	#make(facet, name) {
		const toggle = button(`toggle ${facet === 'severity' ? name : ''}`.trim(), '',
			() => this.onToggle(facet, name));

		toggle.append(element('span', 'not'), element('span', 'name', ...safeText(shorten(name, 80))),
			element('span', 'count', '0'));
		toggle.dataset.facet = facet;
		toggle.dataset.name = name;
		toggle.title = `${visible(name)}: only these; again: hide them; again: neither`;
		return toggle;
	}
}
