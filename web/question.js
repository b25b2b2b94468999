// SPDX-License-Identifier: Apache-2.0
/*
 * A view as a question to the history: the parameters of /api/v1 (docs/api.md). What the API
 * has no words for is said in a sentence instead of being left out: a search that silently
 * forgets half of what was asked would hide events.
 */
import { DATA, FACETS, parseQuery, SEVERITIES } from './filter.js';
import { formatTime } from './view.js';

const MAX_VALUES = 16;
const WORDS = [...FACETS, 'host'];			/* several values; and all but these */
const FIELDS = { attack: 'attack', tag: 'tags', tags: 'tags', stream: 'stream', boot_id: 'boot_id' };
const UNASKABLE = new Set(['seq', 'ts', 'time', 'message', 'raw', 'level', 'facility', 'stream_seq', 'data']);

class Unaskable extends Error {}

/* What a field may be: the names that all that was said leaves, or null for any. */
class Choice {
	wanted = null;
	unwanted = new Set();

	only(names) {
		this.wanted = this.wanted === null ? names : names.filter((name) => this.wanted.includes(name));
	}

	/* -> the parameter's value; null: anything goes; undefined: nothing can match */
	format(field) {
		const wanted = this.wanted?.filter((name) => !this.unwanted.has(name));
		const list = wanted ?? [...this.unwanted].map((name) => `!${name}`);

		if (wanted?.length === 0)
			return undefined;
		if (list.length === 0)
			return null;
		if (list.length > MAX_VALUES)
			throw new Unaskable(`The history takes ${MAX_VALUES} values of ${field} at most.`);
		for (const name of wanted ?? this.unwanted)
			if (name === '' || name.includes(',') || name.startsWith('!'))
				throw new Unaskable(`The history cannot look for a ${field} with such a name.`);
		return list.join(',');
	}
}

/* The index knows letters and digits; what has none of them it would pass over. */
function formatWord({ value, negated, isPhrase }) {
	const text = value.replace(/"/g, ' ').trim();

	if (!/[\p{L}\p{N}]/u.test(text))
		throw new Unaskable('The history looks for whole words: letters and digits.');
	/* A word that is cut by its punctuation has to be a phrase, and may still be a beginning. */
	const star = !isPhrase && text.endsWith('*') ? '*' : '';
	return `${negated ? '-' : ''}"${star ? text.slice(0, -1) : text}"${star}`;
}

function addTerm(params, choices, words, term) {
	const { key, value, negated } = term;

	if (key === null)
		words.push(formatWord(term));
	else if (WORDS.includes(key) && negated)
		choices[key].unwanted.add(value);
	else if (WORDS.includes(key))
		choices[key].only([value]);
	else if (key === 'min_severity' && SEVERITIES.includes(value))
		choices.severity.only(SEVERITIES.filter((name) =>
			(SEVERITIES.indexOf(name) <= SEVERITIES.indexOf(value)) !== negated));
	else if (Object.hasOwn(FIELDS, key))
		params.append(FIELDS[key], `${negated ? '!' : ''}${value}`);
	else if (UNASKABLE.has(key) || key === 'min_severity')
		throw new Unaskable(`The history cannot look for ${key}:… ; words find it, if it is text.`);
	else
		params.append(`${negated ? '!' : ''}${DATA}${key.startsWith(DATA) ? key.slice(DATA.length) : key}`, value);
}

/*
 * -> URLSearchParams; null if nothing can match. `except` leaves out one facet, to count what
 * it would give. Throws an Error with a sentence for people.
 */
export function filterParams(filter, except = null) {
	const params = new URLSearchParams();
	const choices = Object.fromEntries(WORDS.map((name) => [name, new Choice()]));
	const words = [];

	for (const facet of FACETS) {
		if (facet === except)
			continue;
		if (filter[facet].length > 0)
			choices[facet].only(filter[facet]);
		for (const name of filter.without[facet])
			choices[facet].unwanted.add(name);
	}
	for (const term of parseQuery(filter.text))
		addTerm(params, choices, words, term);
	for (const name of WORDS) {
		const value = choices[name].format(name);

		if (value === undefined)
			return null;
		if (name === 'severity' && [...(choices.severity.wanted ?? choices.severity.unwanted)]
			.some((severity) => !SEVERITIES.includes(severity)))
			throw new Unaskable(`A severity is one of ${SEVERITIES.join(', ')}.`);
		if (value !== null)
			params.append(name, value);
	}
	if (words.length > 0)
		params.append('q', words.join(' '));
	return params;
}

export function addTimes(params, { since, until }) {
	if (since !== null)
		params.set('since', formatTime(since));
	if (until !== null)
		params.set('until', formatTime(until));
	return params;
}
