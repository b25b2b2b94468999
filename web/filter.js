// SPDX-License-Identifier: Apache-2.0
/*
 * What the reader wants to see: severities, types, sources and a text, all of which an event
 * must match. Pure functions; the same filter is kept in the address (#severity=high&q=…), so
 * that a view can be shared.
 *
 * The text is words that must all occur somewhere in the event, in any case of letters;
 * key=value must be a field or a key of `data` with exactly that value; -word must not occur;
 * "two words" belong together.
 */
import { formatValue } from './format.js';

export const SEVERITIES = ['critical', 'high', 'medium', 'info'];
export const FACETS = ['severity', 'type', 'source'];

export function emptyFilter() {
	return { severity: [], type: [], source: [], text: '' };
}

export function isEmpty(filter) {
	return filter.text.trim() === '' && FACETS.every((facet) => filter[facet].length === 0);
}

/* A list in the address: "a,b"; commas inside a name are escaped once more. */
function splitList(text) {
	return (text ?? '').split(',').filter((part) => part !== '').map((part) => {
		try {
			return decodeURIComponent(part);
		} catch {
			return part;
		}
	});
}

function joinList(names) {
	return names.map((name) => name.replace(/[%,]/g, encodeURIComponent)).join(',');
}

export function parseHash(hash) {
	const params = new URLSearchParams(hash.replace(/^#/, ''));
	const filter = emptyFilter();

	for (const facet of FACETS)
		filter[facet] = [...new Set(splitList(params.get(facet)))];
	filter.severity = filter.severity.filter((name) => SEVERITIES.includes(name));
	filter.text = params.get('q') ?? '';
	return filter;
}

export function formatHash(filter) {
	const params = new URLSearchParams();

	for (const facet of FACETS)
		if (filter[facet].length > 0)
			params.set(facet, joinList(filter[facet]));
	if (filter.text.trim() !== '')
		params.set('q', filter.text.trim());
	const text = params.toString().replace(/%2C/g, ',');
	return text === '' ? '' : `#${text}`;
}

/* -> [{ key: null or a name, value, negated }] */
export function parseQuery(text) {
	const terms = [];
	const pattern = /(-?)(?:([\w.-]+)=)?(?:"((?:[^"\\]|\\.)*)"?|(\S+))|\S/gu;

	for (const match of text.matchAll(pattern)) {
		const [whole, minus, key, quoted, bare] = match;
		const value = quoted !== undefined ? quoted.replace(/\\(.)/gsu, '$1') : bare ?? whole;

		if (value !== '' || key !== undefined)
			terms.push({ key: key ?? null, value, negated: minus === '-' });
	}
	return terms;
}

/* The term that finds `key` = `value`; a key that is no plain name is left out. */
export function formatTerm(key, value, negated = false) {
	const plain = /^[^\s"\\-][^\s"\\]*$/u.test(value) && !(key === null && value.includes('='));
	const text = plain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;

	return `${negated ? '-' : ''}${/^\w[\w.-]*$/.test(key ?? '') ? `${key}=` : ''}${text}`;
}

/* All that a word can be found in; made once per item, on first need. */
function haystackOf(item) {
	if (item.haystack === undefined) {
		const parts = [];

		for (const [key, value] of Object.entries(item.event)) {
			if (key === 'data' && value !== null && typeof value === 'object')
				for (const [name, inner] of Object.entries(value))
					parts.push(`${name}=${formatValue(inner)}`);
			else
				parts.push(formatValue(value));
		}
		item.haystack = parts.join('\n').toLowerCase();
	}
	return item.haystack;
}

function hasValue(event, key, value) {
	const data = event.data ?? {};

	for (const holder of [event, data]) {
		if (!Object.hasOwn(holder, key))
			continue;
		const found = holder[key];
		if (formatValue(found) === value || Array.isArray(found) && found.includes(value))
			return true;
	}
	return false;
}

function matchTerm(item, term) {
	const found = term.key === null ? haystackOf(item).includes(term.folded) :
		hasValue(item.event, term.key, term.value);

	return found !== term.negated;
}

/* -> (item) => boolean; `except` leaves one facet out, to count what it would give. */
export function compile(filter, except = null) {
	const wanted = FACETS.filter((facet) => facet !== except && filter[facet].length > 0)
		.map((facet) => [facet, new Set(filter[facet])]);
	const terms = parseQuery(filter.text)
		.map((term) => ({ ...term, folded: term.value.toLowerCase() }));

	return (item) => wanted.every(([facet, names]) => names.has(item.event[facet])) &&
		terms.every((term) => matchTerm(item, term));
}
