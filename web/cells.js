// SPDX-License-Identifier: Apache-2.0
/*
 * What stands in a cell of the table. A renderer is (cell, event, zone); it may find the cell
 * filled by another event, as rows are used again and again.
 */
import { element, safeText, setText } from './dom.js';
import { SEVERITIES } from './filter.js';
import { formatSeconds, formatValue, shorten, splitTime } from './format.js';

const CELL_CHARS = 240;		/* more cannot be seen in one line */
const CELL_PAIRS = 24;

function text(cell, value) {
	cell.replaceChildren(...safeText(shorten(formatValue(value), CELL_CHARS)));
}

function severity(cell, { severity: name }) {
	const badge = cell.firstElementChild ?? cell.appendChild(element('span', 'badge'));

	setText(badge, shorten(formatValue(name), 12));
	badge.className = `badge ${SEVERITIES.includes(name) ? name : 'unknown'}`;
}

function time(cell, event, zone) {
	const parts = splitTime(event.time, zone);

	if (!parts) {
		text(cell, event.time ?? '');
		return;
	}
	const stamp = element('time', '', element('span', 'date', `${parts.date} `), parts.clock,
		element('span', 'fraction', `.${parts.fraction.slice(0, 3)}`));

	stamp.dateTime = event.time;
	cell.replaceChildren(stamp);
}

function pair(key, value) {
	const node = element('span', 'pair');

	/* A message is a sentence: its key would only be in the way. */
	if (key !== 'message')
		node.append(element('span', 'key', ...safeText(shorten(key, CELL_CHARS)), '='));
	node.append(element('span', 'value', ...safeText(shorten(formatValue(value), CELL_CHARS))));
	return node;
}

function data(cell, event) {
	const pairs = event.data !== null && typeof event.data === 'object' ?
		Object.entries(event.data).slice(0, CELL_PAIRS) : [];

	if (pairs.length === 0 && event.message)
		pairs.push(['message', event.message]);
	cell.replaceChildren(...pairs.map(([key, value]) => pair(key, value)));
}

const RENDERERS = {
	severity,
	time,
	data,
	ts: (cell, event) => setText(cell, formatSeconds(event.ts)),
	seq: (cell, event) => setText(cell, formatValue(event.seq)),
};

export function renderCell(cell, key, event, zone) {
	if (Object.hasOwn(RENDERERS, key))
		RENDERERS[key](cell, event, zone);
	else
		text(cell, Object.hasOwn(event, key) ? event[key] : '');
}
