// SPDX-License-Identifier: Apache-2.0
/*
 * /api/v1 in small: what the daemon answers from its database, answered from a list. It knows
 * the same parameters, and refuses others as the daemon does, so that a question that the page
 * puts wrongly fails here, too.
 */
const SEVERITIES = ['info', 'medium', 'high', 'critical'];
const LISTS = ['severity', 'type', 'source', 'host', 'rule'];
const FIELDS = ['attack', 'tags', 'stream', 'boot_id'];
const OTHERS = { events: ['limit', 'cursor', 'order'], export: ['limit', 'cursor', 'order', 'format'],
	histogram: ['bucket'], facets: [] };

export class Unknown extends Error {}

function takes(list, value) {
	const parts = list.split(',');
	const wanted = parts.filter((part) => !part.startsWith('!'));

	return !parts.includes(`!${value}`) && (wanted.length === 0 || wanted.includes(value));
}

/* Words as the full-text index has them: letters, digits; a phrase is words in a row. */
function words(text) {
	return ` ${(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ')} `;
}

function hasWords(event, query) {
	const text = [event.message ?? '', event.type, event.rule ?? '', ...Object.values(event.data)]
		.map((one) => words(String(one))).join('|');

	return [...query.matchAll(/(-?)"([^"]*)"(\*?)/g)].every(([, not, phrase, star]) =>
		text.includes(star ? words(phrase).trimEnd() : words(phrase)) !== (not === '-'));
}

function seconds(text) {
	return /^\d+$/.test(text) ? Number(text) : Date.parse(text) / 1000;
}

function matchesOne(event, key, value) {
	if (key === 'since')
		return Date.parse(event.time) / 1000 >= seconds(value);
	if (key === 'until')
		return Date.parse(event.time) / 1000 < seconds(value);
	if (key === 'min_severity')
		return SEVERITIES.indexOf(event.severity) >= SEVERITIES.indexOf(value);
	if (LISTS.includes(key))
		return takes(value, event[key] ?? '');
	if (FIELDS.includes(key))
		return [event[key]].flat().includes(value.replace(/^!/, '')) !== value.startsWith('!');
	if (key.startsWith('data.'))
		return Object.hasOwn(event.data, key.slice(5)) && String(event.data[key.slice(5)]) === value;
	if (key.startsWith('!data.'))
		return !(Object.hasOwn(event.data, key.slice(6)) && String(event.data[key.slice(6)]) === value);
	return hasWords(event, value);
}

/* -> the items { event, line }, oldest first, that all parameters take */
function select(items, operation, params) {
	const filters = [...params].filter(([key]) => !OTHERS[operation].includes(key));

	for (const [key] of filters)
		if (![...LISTS, ...FIELDS, 'since', 'until', 'min_severity', 'q'].includes(key) && !/^!?data\../.test(key))
			throw new Unknown(`there is no parameter ${key}`);
	return items.filter(({ event }) => filters.every(([key, value]) => matchesOne(event, key, value)));
}

function iso(at) {
	return new Date(at * 1000).toISOString().replace('.000Z', 'Z');
}

function page(items, params) {
	const limit = Number(params.get('limit') ?? 100);
	const cursor = params.has('cursor') ? Number(params.get('cursor')) : null;
	const isAscending = params.get('order') === 'asc';
	const ordered = (isAscending ? items : [...items].reverse()).filter(({ event }) =>
		cursor === null || (isAscending ? event.seq > cursor : event.seq < cursor));
	const taken = ordered.slice(0, limit);
	const next = ordered.length > limit ? `, "next_cursor": "${taken.at(-1).event.seq}"` : '';

	return `{"events": [${taken.map(({ line }) => `\n${line}`).join(',')}]${next}}\n`;
}

function histogram(items, params) {
	const times = items.map(({ event }) => Date.parse(event.time) / 1000);
	const since = params.has('since') ? seconds(params.get('since')) : Math.min(...times, Date.now() / 1000);
	const until = params.has('until') ? seconds(params.get('until')) : Math.max(...times, since) + 1;
	const bucket = Number(params.get('bucket') ?? [60, 300, 600, 1800, 3600, 10800, 86400]
		.find((step) => (until - since) / step <= 100) ?? 604800);
	const begin = Math.floor(since / bucket) * bucket;
	const buckets = new Map();

	if (bucket % 60 !== 0)
		throw new Unknown('this is no value for bucket');
	items.forEach(({ event }, i) => {
		const at = Math.floor(times[i] / bucket) * bucket;

		if (!buckets.has(at))
			buckets.set(at, { time: iso(at), info: 0, medium: 0, high: 0, critical: 0 });
		buckets.get(at)[event.severity]++;
	});
	return { since: iso(begin), until: iso(Math.ceil(until / bucket) * bucket), bucket,
		buckets: [...buckets.keys()].sort((a, b) => a - b).map((at) => buckets.get(at)) };
}

function facets(items) {
	const count = (field) => {
		const counts = new Map();

		for (const { event } of items)
			if (event[field] !== undefined)
				counts.set(event[field], (counts.get(event[field]) ?? 0) + 1);
		return [...counts].map(([value, n]) => ({ value, count: n })).sort((a, b) => b.count - a.count);
	};
	const severity = Object.fromEntries(SEVERITIES.map((name) =>
		[name, items.filter(({ event }) => event.severity === name).length]));

	return { severity, type: count('type'), source: count('source'), host: count('host'), rule: count('rule') };
}

/* -> the text of the answer; null: there is no such path */
export function answerHistory(lines, pathname, params) {
	const items = lines.map((line) => ({ line, event: JSON.parse(line) }));
	const operation = pathname.replace('/api/v1/', '');
	const seq = /^events\/(\d+)$/.exec(operation)?.[1];

	if (seq !== undefined)
		return lines.find((line) => line.startsWith(`{"seq": ${seq},`)) ?? null;
	if (operation === 'stats')
		return JSON.stringify({ events: items.length, complete: true, since: items[0]?.event.time,
			severity: facets(items).severity, next_seq: (items.at(-1)?.event.seq ?? -1) + 1, bytes: 4096 });
	if (!Object.hasOwn(OTHERS, operation))
		return null;
	const found = select(items, operation, params);
	if (operation === 'events')
		return page(found, params);
	if (operation === 'export')
		return found.map(({ line }) => `${line}\n`).join('');
	return JSON.stringify(operation === 'histogram' ? histogram(found, params) : facets(found));
}
