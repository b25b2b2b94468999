// SPDX-License-Identifier: Apache-2.0
/*
 * The JSON Schema of an event -> the columns of the table and the fields of the details view.
 * Known fields have a place and a width here; a field that this page has never heard of is
 * shown all the same, with the schema's title.
 */

/* minor: the first to go where there is little room. */
const KNOWN = {
	severity: { order: 0, width: '84px' },
	time: { order: 1, width: '150px' },
	type: { order: 2, width: 'minmax(120px, 168px)' },
	data: { order: 3, width: 'minmax(180px, 1fr)' },
	source: { order: 5, width: '110px', minor: true },
	ts: { order: 6, width: '108px', numeric: true, minor: true },
	seq: { order: 7, width: '68px', numeric: true, minor: true },
};
const UNKNOWN = { order: 4, width: 'minmax(72px, 140px)' };

/* Used until, or when, the schema cannot be had: the six fields that are fixed for ever. */
export const FALLBACK = {
	properties: {
		seq: { title: 'Seq', type: 'integer', 'x-lksm-view': 'table' },
		ts: { title: 'Since boot', type: 'number', 'x-lksm-view': 'table' },
		type: { title: 'Type', type: 'string', 'x-lksm-view': 'table' },
		data: { title: 'Data', type: 'object', 'x-lksm-view': 'table' },
		severity: { title: 'Severity', type: 'string', 'x-lksm-view': 'table' },
		source: { title: 'Source', type: 'string', 'x-lksm-view': 'table' },
	},
};

/* -> [{ key, title, description, width, numeric, minor, isColumn }], as in the schema. */
export function fieldsOf(schema) {
	return Object.entries(schema?.properties ?? {}).map(([key, property]) => {
		const known = Object.hasOwn(KNOWN, key) ? KNOWN[key] : UNKNOWN;

		return {
			key,
			title: String(property?.title ?? key),
			description: String(property?.description ?? ''),
			order: known.order,
			width: known.width,
			numeric: known.numeric ?? ['integer', 'number'].includes(property?.type),
			minor: known.minor ?? false,
			isColumn: property?.['x-lksm-view'] === 'table',
		};
	});
}

/* The columns, in the order of the eye; sort() keeps the schema's order among equals. */
export function columnsOf(schema) {
	return fieldsOf(schema).filter((field) => field.isColumn)
		.sort((a, b) => a.order - b.order);
}

/* For the details view: [[field, value]]; what the schema has no name for comes last. */
export function describe(event, schema) {
	const fields = fieldsOf(schema).filter((field) => Object.hasOwn(event, field.key));
	const named = new Set(fields.map((field) => field.key));
	const others = Object.keys(event).filter((key) => !named.has(key))
		.map((key) => ({ key, title: key, description: '' }));

	return [...fields, ...others].map((field) => [field, event[field.key]]);
}
