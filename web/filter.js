// SPDX-License-Identifier: Apache-2.0
/*
 * What the reader wants to see: severities, types, sources and rules, which can also be left
 * out, and a text; an event must match them all. Pure functions.
 *
 * The text is words that must all occur somewhere in the event, in any case of letters;
 * field:value (or field=value) must be a field with exactly that value, or a key of `data`,
 * which data.key:value always is; -word and -field:value must not be there; "two words" belong
 * together.
 */
import { formatValue } from './format.js';

export const SEVERITIES = ['critical', 'high', 'medium', 'info'];
export const FACETS = ['severity', 'type', 'source', 'rule'];
export const DATA = 'data.';

/* { severity: [names], … ; without: { severity: [names], … }; text } */
export function emptyFilter() {
	const lists = () => Object.fromEntries(FACETS.map((facet) => [facet, []]));

	return { ...lists(), without: lists(), text: '' };
}

export function isEmpty(filter) {
	return filter.text.trim() === '' &&
		FACETS.every((facet) => filter[facet].length + filter.without[facet].length === 0);
}

/* Events of the same kind as this one. */
export function likeThis(event) {
	const filter = { ...emptyFilter(), type: [formatValue(event.type)] };

	if (typeof event.rule === 'string' && event.rule !== event.type)
		filter.rule = [event.rule];
	return filter;
}

/* One step of a toggle: shown alone (or with others that are), left out, neither. */
export function cycle(filter, facet, name) {
	const next = { ...filter, without: { ...filter.without } };
	const rest = (names) => names.filter((other) => other !== name);

	if (filter[facet].includes(name)) {
		next[facet] = rest(filter[facet]);
		next.without[facet] = [...filter.without[facet], name];
	} else if (filter.without[facet].includes(name)) {
		next.without[facet] = rest(filter.without[facet]);
	} else {
		next[facet] = [...filter[facet], name];
	}
	return next;
}

/* A list in the address: "a,!b"; commas inside a name are escaped once more. */
function splitList(text) {
	return (text ?? '').split(',').filter((part) => part !== '' && part !== '!').map((part) => {
		const isNot = part.startsWith('!');

		try {
			return { isNot, name: decodeURIComponent(part.slice(isNot ? 1 : 0)) };
		} catch {
			return { isNot, name: part.slice(isNot ? 1 : 0) };
		}
	});
}

function escapeName(name) {
	return name.replace(/[%,]/g, encodeURIComponent).replace(/^!/, '%21');
}

export function parseFilter(params) {
	const filter = emptyFilter();

	for (const facet of FACETS) {
		const list = splitList(params.get(facet))
			.filter(({ name }) => facet !== 'severity' || SEVERITIES.includes(name));

		filter[facet] = [...new Set(list.filter(({ isNot }) => !isNot).map(({ name }) => name))];
		filter.without[facet] = [...new Set(list.filter(({ isNot }) => isNot).map(({ name }) => name))]
			.filter((name) => !filter[facet].includes(name));
	}
	filter.text = params.get('q') ?? '';
	return filter;
}

/* -> adds to URLSearchParams */
export function formatFilter(filter, params) {
	for (const facet of FACETS) {
		const names = [...filter[facet].map(escapeName),
			...filter.without[facet].map((name) => `!${escapeName(name)}`)];

		if (names.length > 0)
			params.set(facet, names.join(','));
	}
	if (filter.text.trim() !== '')
		params.set('q', filter.text.trim());
}

/* -> [{ key: null or a name, value, negated, isPhrase }] */
export function parseQuery(text) {
	const terms = [];
	const pattern = /(-?)(?:([\w.-]+)=|([A-Za-z_][\w.-]*):)?(?:"((?:[^"\\]|\\.)*)"?|(\S+))|\S/gu;

	for (const match of text.matchAll(pattern)) {
		const [whole, minus, equalled, coloned, quoted, bare] = match;
		const key = equalled ?? coloned;
		const value = quoted !== undefined ? quoted.replace(/\\(.)/gsu, '$1') : bare ?? whole;

		if (value !== '' || key !== undefined)
			terms.push({ key: key ?? null, value, negated: minus === '-', isPhrase: quoted !== undefined });
	}
	return terms;
}

/* The term that finds `key` = `value`; a key that is no plain name is left out. */
export function formatTerm(key, value, negated = false) {
	const isKey = /^\w[\w.-]*$/.test(key ?? '');
	const isPlain = /^[^\s"\\-][^\s"\\]*$/u.test(value) && (isKey || !/[=:]/.test(value));
	const text = isPlain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
	const separator = /^[A-Za-z_]/.test(key ?? '') ? ':' : '=';

	return `${negated ? '-' : ''}${isKey ? key + separator : ''}${text}`;
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

/* Where `key` may stand: [holder, its key there]. */
function placesOf(event, key) {
	const data = event.data !== null && typeof event.data === 'object' ? event.data : {};

	if (key.startsWith(DATA))
		return [[data, key.slice(DATA.length)], [data, key]];
	return [[event, key], [data, key]];
}

function hasValue(event, key, value) {
	return placesOf(event, key).some(([holder, name]) => {
		const found = Object.hasOwn(holder, name) ? holder[name] : undefined;

		return found !== undefined && (formatValue(found) === value ||
			Array.isArray(found) && found.includes(value));
	});
}

function isAtLeast(severity, least) {
	const place = SEVERITIES.indexOf(severity);

	return place >= 0 && place <= SEVERITIES.indexOf(least);
}

function matchTerm(item, term) {
	const found = term.key === null ? haystackOf(item).includes(term.folded) :
		term.key === 'min_severity' ? isAtLeast(item.event.severity, term.value) :
		hasValue(item.event, term.key, term.value);

	return found !== term.negated;
}

/* Before the live search, a trailing * means what it means in the history: a word's beginning. */
function foldedOf({ value, isPhrase }) {
	return (isPhrase || value.length < 2 ? value : value.replace(/\*$/, '')).toLowerCase();
}

/* -> (item) => boolean; `except` leaves one facet out, to count what it would give. */
export function compile(filter, except = null) {
	const listed = (lists) => FACETS.filter((facet) => facet !== except && lists[facet].length > 0)
		.map((facet) => [facet, new Set(lists[facet])]);
	const wanted = listed(filter);
	const unwanted = listed(filter.without);
	const terms = parseQuery(filter.text)
		.map((term) => ({ ...term, folded: foldedOf(term) }));

	return (item) => wanted.every(([facet, names]) => names.has(item.event[facet])) &&
		unwanted.every(([facet, names]) => !names.has(item.event[facet])) &&
		terms.every((term) => matchTerm(item, term));
}
