// SPDX-License-Identifier: Apache-2.0
/* The page's pure functions, without a browser: tables of { in, want }. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { formatAge, formatCount, formatSeconds, formatTimeFull, formatValue, shorten, splitTime,
	visible } from '../../web/format.js';
import { compile, emptyFilter, formatHash, formatTerm, isEmpty, parseHash, parseQuery } from '../../web/filter.js';
import { isSameLog, parseArray, parseLine, splitArray } from '../../web/lines.js';
import { columnsOf, describe, FALLBACK } from '../../web/schema.js';
import { createParser } from '../../web/sse.js';
import { LIMIT, Store } from '../../web/store.js';
import { encode, makeSchema } from './mock-server.mjs';

function table(name, cases, run) {
	test(`unit: ${name}`, () => {
		for (const [input, want] of cases)
			assert.deepEqual(run(input), want, `for ${JSON.stringify(input)}`);
	});
}

table('unseen characters are shown', [
	['plain ünïcode 光 🐧', 'plain ünïcode 光 🐧'],
	['', ''],
	['a\u001b[31mb\nc\u007f', 'a␛[31mb␊c␡'],
	['\u202egnp.exe', '\\u202egnp.exe'],
	['a\u200bb\u2028c\ufeff', 'a\\u200bb\\u2028c\\ufeff'],
	['\u0085\u00ad', '\\u0085\\u00ad'],
	['\ud800x', '\\ud800x'],
	['\u{e0041}', '\\u{e0041}'],
], visible);

table('cutting never halves a character', [
	[['abcdef', 3], 'abc…'],
	[['abc', 3], 'abc'],
	[['ab🐧cd', 3], 'ab…'],
	[['ab🐧cd', 4], 'ab🐧…'],
], ([text, limit]) => shorten(text, limit));

table('values as text', [
	['a b', 'a b'],
	[0, '0'],
	[null, 'null'],
	[undefined, ''],
	[['T1014', 'x'], 'T1014 x'],
	[[1, 'x'], '[1,"x"]'],
	[{ a: 1 }, '{"a":1}'],
], formatValue);

table('seconds keep six decimals', [[120, '120.000000'], [120.001234, '120.001234'], ['x', 'x']], formatSeconds);

test('unit: times in UTC and local', () => {
	const utc = splitTime('2026-02-10T12:00:00.001234Z', 'utc');

	assert.deepEqual(utc, { year: '2026', date: '02-10', clock: '12:00:00', fraction: '001234', offset: 'UTC' });
	assert.equal(formatTimeFull('2026-02-10T12:00:00.001234Z', 'utc'), '2026-02-10 12:00:00.001234 UTC');
	assert.equal(formatTimeFull('2026-02-10T12:00:00Z', 'utc'), '2026-02-10 12:00:00.000000 UTC');
	assert.match(formatTimeFull('2026-02-10T12:00:00.001234Z', 'local'), /^2026-02-\d\d \d\d:\d\d:\d\d\.001234 [+−]\d\d:\d\d$/);
	for (const bad of ['', '<b>', '2026-13-40T99:00:00Z', 12, null, undefined, '2026-02-10'])
		assert.equal(splitTime(bad, 'utc'), null, String(bad));
	assert.equal(formatTimeFull('<b>', 'utc'), '<b>');
});

table('ages', [
	['2026-01-01T00:00:00Z', '1 d ago'],
	['2026-01-02T00:00:00Z', '1 h ago'],
	['2026-01-02T00:59:30Z', '30 s ago'],
	['2026-01-02T01:00:00Z', '0 s ago'],
	['2026-01-03T00:00:00Z', ''],
	['nonsense', ''],
], (text) => formatAge(text, Date.parse('2026-01-02T01:00:00Z')));

table('counts', [[1, '1 event'], [1200, '1,200 events'], [0, '0 events']], (n) => formatCount(n, 'event', 'events'));

table('queries', [
	['', []],
	['  ', []],
	['two words', [{ key: null, value: 'two', negated: false }, { key: null, value: 'words', negated: false }]],
	['symbol=commit_creds', [{ key: 'symbol', value: 'commit_creds', negated: false }]],
	['-type=module_loaded', [{ key: 'type', value: 'module_loaded', negated: true }]],
	['-noise', [{ key: null, value: 'noise', negated: true }]],
	['"by uid 0"', [{ key: null, value: 'by uid 0', negated: false }]],
	['m="a \\"b\\" \\\\"', [{ key: 'm', value: 'a "b" \\', negated: false }]],
	['x=""', [{ key: 'x', value: '', negated: false }]],
	['"not closed', [{ key: null, value: 'not closed', negated: false }]],
	['<img src=x>', [{ key: null, value: '<img', negated: false }, { key: 'src', value: 'x>', negated: false }]],
	['=', [{ key: null, value: '=', negated: false }]],
], parseQuery);

test('unit: a term made from a value finds that value again', () => {
	for (const value of ['commit_creds', 'a b', '', '-x', '"', '\\', 'a=b', '<img src=x onerror=alert(1)>', 'ü\n\u202e', 'a\\"'])
		for (const key of ['symbol', null])
			for (const negated of [false, true]) {
				const term = formatTerm(key, value, negated);

				if (key !== null || value !== '')
					assert.deepEqual(parseQuery(term), [{ key, value, negated }], term);
			}
	assert.deepEqual(parseQuery(formatTerm('<b> x', 'v')), [{ key: null, value: 'v', negated: false }]);
});

const ITEM = { seq: 3, event: { seq: 3, type: 'module_loaded', data: { module: 'nf_tables', uid: 0 },
	severity: 'medium', source: 'kprobe_reader', attack: ['T1014', 'T1547'], message: 'Module loaded: nf_tables by uid 0' } };

table('matching', [
	[{}, true],
	[{ severity: ['medium'] }, true],
	[{ severity: ['high', 'medium'] }, true],
	[{ severity: ['high'] }, false],
	[{ type: ['module_loaded'], source: ['lksm'] }, false],
	[{ text: 'NF_tables' }, true],
	[{ text: 'nf_tables absent' }, false],
	[{ text: 'module=nf_tables uid=0' }, true],
	[{ text: 'module=nf' }, false],
	[{ text: 'attack=T1547' }, true],
	[{ text: '-module=nf_tables' }, false],
	[{ text: '-absent' }, true],
	[{ text: '"by uid 0"' }, true],
	[{ text: 'constructor=x' }, false],
], (part) => compile({ ...emptyFilter(), ...part })(ITEM));

test('unit: a filter survives the address', () => {
	const filters = [
		emptyFilter(),
		{ severity: ['high', 'critical'], type: ['a', 'b,c', '50%', '<x>&="'], source: ['lksm'], text: 'x=1 "a b" & #é' },
	];

	for (const filter of filters)
		assert.deepEqual(parseHash(formatHash(filter)), filter);
	assert.equal(formatHash(emptyFilter()), '');
	assert.equal(formatHash(filters[1]).startsWith('#severity=high,critical&'), true);
	assert.deepEqual(parseHash('#severity=bogus,high&token=1'), { ...emptyFilter(), severity: ['high'] });
	assert.deepEqual(parseHash('#type=%E0%A4%A'), { ...emptyFilter(), type: ['\ufffd%A'] });
	assert.equal(isEmpty(filters[1]), false);
	assert.equal(isEmpty({ ...emptyFilter(), text: '  ' }), true);
});

table('arrays keep the text of their elements', [
	['[]', []],
	[' [ ] ', []],
	['[{"a": 1.10}, {"b": [1, 2]}]', ['{"a": 1.10}', '{"b": [1, 2]}']],
	['[{"a": "],{\\"[\\\\"},\n{}]', ['{"a": "],{\\"[\\\\"}', '{}']],
	['[1,"x"]', ['1', '"x"']],
	['', []],
], splitArray);

test('unit: lines', () => {
	assert.deepEqual(parseArray('[{"seq": 0, "ts": 120.001000}]'),
		[{ seq: 0, event: { seq: 0, ts: 120.001 }, raw: '{"seq": 0, "ts": 120.001000}' }]);
	for (const bad of ['', '{', 'null', '[]', '{"seq": "0"}', '{"seq": 1.5}', '7'])
		assert.equal(parseLine(bad), null, bad);
});

test('unit: another log is noticed', () => {
	const item = (seq, raw = `r${seq}`) => ({ seq, raw });
	const rawOf = (seq) => `r${seq}`;

	assert.equal(isSameLog([], 5, rawOf), true);
	assert.equal(isSameLog([item(0)], null, rawOf), true);
	assert.equal(isSameLog([item(4), item(5), item(6)], 5, rawOf), true);
	assert.equal(isSameLog([item(3), item(4)], 5, rawOf), true, 'a ring that is still being refilled');
	assert.equal(isSameLog([item(4), item(5, 'other'), item(6)], 5, rawOf), false);
	assert.equal(isSameLog([item(0, 'other')], 5, rawOf), false);
	assert.equal(isSameLog([item(100)], 5, rawOf), true, 'too far ahead to tell');
});

test('unit: event streams, cut anywhere', () => {
	const text = '\ufeff: hello\nretry: 2000\n\nid: 1\ndata: {"seq": 1}\n\nevent: gap\r\ndata: a\r\ndata:b\r\n\r\ndata\rdata\r\rid: 9\n\n';
	const want = [
		{ type: 'message', id: '1', data: '{"seq": 1}' },
		{ type: 'gap', id: '1', data: 'a\nb' },
		{ type: 'message', id: '1', data: '\n' },
	];

	for (let size = 1; size <= text.length; size++) {
		const push = createParser();
		const got = [];

		for (let i = 0; i < text.length; i += size)
			got.push(...push(text.slice(i, i + size)));
		assert.deepEqual(got, want, `in pieces of ${size}`);
	}
});

test('unit: columns come from the schema', () => {
	const schema = makeSchema();

	schema.properties.risk = { title: 'Risk score', type: 'integer', 'x-lksm-view': 'table' };
	assert.deepEqual(columnsOf(schema).map((column) => column.key),
		['severity', 'time', 'type', 'data', 'risk', 'source', 'ts', 'seq']);
	assert.equal(columnsOf(schema).find((column) => column.key === 'risk').title, 'Risk score');
	assert.equal(columnsOf(FALLBACK).length, 6);
	assert.deepEqual(columnsOf(null), []);
	assert.deepEqual(describe({ odd: 1, seq: 2 }, schema).map(([field, value]) => [field.title, value]),
		[['Seq', 2], ['odd', 1]]);
});

test('unit: the store keeps the last 500 and holds back while paused', () => {
	const store = new Store();
	const items = (n) => Array.from({ length: n }, (_, i) => ({ seq: i, event: {} }));

	assert.equal(store.append(items(LIMIT)).evicted.length, 0);
	const { added, evicted } = store.append(items(3));
	assert.deepEqual([added.length, evicted.length, store.items.length], [3, 3, LIMIT]);
	store.pause();
	assert.deepEqual(store.append(items(LIMIT + 7)), { added: [], evicted: [] });
	assert.equal(store.nHeld, LIMIT + 7);
	const resumed = store.resume();
	assert.deepEqual([resumed.added.length, resumed.evicted.length, store.items.length, store.nHeld],
		[LIMIT, LIMIT + 7, LIMIT, 0]);
});

table('the mock encodes as Python does', [
	[{ seq: 0, ts: 120.5, data: { a: [1, 'x'] } }, '{"seq": 0, "ts": 120.500000, "data": {"a": [1, "x"]}}'],
], encode);
