// SPDX-License-Identifier: Apache-2.0
/* The page's pure functions, without a browser: tables of { in, want }. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { formatAge, formatCount, formatSeconds, formatTimeFull, formatValue, shorten, splitTime,
	visible } from '../../web/format.js';
import { compile, cycle, emptyFilter, formatTerm, isEmpty, parseQuery } from '../../web/filter.js';
import { isSameLog, parseArray, parseLine, splitArray } from '../../web/lines.js';
import { columnsOf, describe, FALLBACK } from '../../web/schema.js';
import { createParser } from '../../web/sse.js';
import { choicesOf, commandOf, quote } from '../../web/mute.js';
import { isTaken, matchWord } from '../../web/mutes.js';
import { filterParams } from '../../web/question.js';
import { Repeats } from '../../web/repeats.js';
import { describe as describeStatus } from '../../web/status.js';
import { LIMIT, Store } from '../../web/store.js';
import { barsOf } from '../../web/timeline.js';
import { toCsv } from '../../web/export.js';
import { bucketOf, emptyView, formatHash, parseHash, timesOf } from '../../web/view.js';
import { encode, makeSchema } from './mock-server.mjs';

function table(name, cases, run) {
	test(`unit: ${name}`, () => {
		for (const [input, want] of cases)
			assert.deepEqual(run(input), want, `for ${JSON.stringify(input)}`);
	});
}

table('a muted word is a pattern, as of fnmatch(3)', [
	[['a', 'a'], true], [['a', 'A'], false], [['', ''], true], [['*', ''], true], [['a.c', 'abc'], false],
	[['nf_*', 'nf_tables'], true], [['nf_*', 'xnf_tables'], false], [['*_tables', 'nf_tables'], true],
	[['?', 'a'], true], [['?', ''], false], [['?', 'ab'], false], [['*a*b', 'xaxbxb'], true], [['*a*b', 'xaxbx'], false],
	[['[a-c]x', 'bx'], true], [['[a-c]x', 'dx'], false], [['[!a-c]x', 'dx'], true], [['[]a]', ']'], true], [['[a-]', '-'], true],
	[['[a', '[a'], true], [['a\\*b', 'a\\*b'], false], [['a\\**', 'a*b'], true], [['**', 'x'], true],
	[[`${'*a'.repeat(120)}b`, 'a'.repeat(255)], false], [['a*', 'a'.repeat(256)], false],
], ([pattern, text]) => matchWord(pattern, text));

table('a mute takes what has all that it says', [
	[{ type: ['module_loaded'] }, true],
	[{ type: ['x', 'module_*'] }, true],
	[{ type: ['x'] }, false],
	[{ type: ['module_loaded'], rule: ['other'] }, false],
	[{ source: ['kprobe_reader'], data: ['module=nf_*', 'uid=0'] }, true],
	[{ data: ['uid=1'] }, false],
	[{ data: ['pid=0'] }, false],
	[{ data: ['toString=*'] }, false],
	[{ data: ['flag=true'] }, true],
], (mute) => isTaken(mute, parseLine(encode({ seq: 1, type: 'module_loaded', source: 'kprobe_reader', rule: 'module_loaded',
	data: { module: 'nf_tables', uid: 0, flag: true } }))));

/* What the commands do with each, tests/unit/test-mutes.c looks at; is_hidden: where the page shows more. */
const agreement = JSON.parse(readFileSync(new URL('../fixtures/mutes/agreement.json', import.meta.url), 'utf8'));

test('unit: the page hides what the commands hide, and nothing else', () => {
	for (const { name, mute, line, is_muted: isMuted, is_hidden: isHidden = isMuted } of agreement) {
		assert.equal(isTaken(mute, parseLine(line)), isHidden, name);
		assert.ok(isMuted || !isHidden, name);
	}
});

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

function term(key, value, negated = false, isPhrase = false) {
	return { key, value, negated, isPhrase };
}

table('queries', [
	['', []],
	['  ', []],
	['two words', [term(null, 'two'), term(null, 'words')]],
	['symbol=commit_creds', [term('symbol', 'commit_creds')]],
	['data.module:foo -severity:info', [term('data.module', 'foo'), term('severity', 'info', true)]],
	['-type=module_loaded', [term('type', 'module_loaded', true)]],
	['-noise', [term(null, 'noise', true)]],
	['-"two words"', [term(null, 'two words', true, true)]],
	['"by uid 0"', [term(null, 'by uid 0', false, true)]],
	['m="a \\"b\\" \\\\"', [term('m', 'a "b" \\', false, true)]],
	['m:"a b"', [term('m', 'a b', false, true)]],
	['x=""', [term('x', '', false, true)]],
	['"not closed', [term(null, 'not closed', false, true)]],
	['<img src=x>', [term(null, '<img'), term('src', 'x>')]],
	['=', [term(null, '=')]],
	['a=b:c a:b=c', [term('a', 'b:c'), term('a', 'b=c')]],
	['symbol: x', [term(null, 'symbol:'), term(null, 'x')]],
	['12:30:00', [term(null, '12:30:00')]],
], parseQuery);

test('unit: a term made from a value finds that value again', () => {
	for (const value of ['commit_creds', 'a b', '', '-x', '"', '\\', 'a=b', 'a:b', '<img src=x onerror=alert(1)>', 'ü\n\u202e', 'a\\"'])
		for (const key of ['symbol', 'data.symbol', null])
			for (const negated of [false, true]) {
				const text = formatTerm(key, value, negated);

				if (key !== null || value !== '')
					assert.deepEqual(parseQuery(text).map(({ isPhrase, ...rest }) => rest), [{ key, value, negated }], text);
			}
	assert.deepEqual(parseQuery(formatTerm('<b> x', 'v')), [term(null, 'v')]);
	assert.deepEqual(parseQuery(formatTerm('9x', 'a:b')), [term('9x', 'a:b')]);
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
	[{ text: 'data.module:nf_tables' }, true],
	[{ text: 'data.type:module_loaded' }, false],
	[{ text: 'min_severity:medium' }, true],
	[{ text: 'min_severity:high' }, false],
	[{ text: '-severity:info -type:other' }, true],
	[{ text: 'nf_tab*' }, true],
	[{ without: { ...emptyFilter().without, type: ['module_loaded'] } }, false],
	[{ without: { ...emptyFilter().without, type: ['other'], rule: ['x'] } }, true],
], (part) => compile({ ...emptyFilter(), ...part })(ITEM));

test('unit: a filter survives the address', () => {
	const filters = [
		emptyFilter(),
		{ ...emptyFilter(), severity: ['high', 'critical'], type: ['a', 'b,c', '50%', '<x>&="', '!x'], source: ['lksm'],
			without: { ...emptyFilter().without, rule: ['r', '!r', 'a,b'] }, text: 'x=1 "a b" & #é' },
	];
	const hashOf = (filter) => formatHash({ ...emptyView(), filter });

	for (const filter of filters)
		assert.deepEqual(parseHash(hashOf(filter)).filter, filter);
	assert.equal(hashOf(emptyFilter()), '');
	assert.equal(hashOf(filters[1]).startsWith('#severity=high,critical&'), true);
	assert.deepEqual(parseHash('#severity=bogus,high&token=1').filter, { ...emptyFilter(), severity: ['high'] });
	assert.deepEqual(parseHash('#type=%E0%A4%A').filter, { ...emptyFilter(), type: ['\ufffd%A'] });
	assert.equal(isEmpty(filters[1]), false);
	assert.equal(isEmpty({ ...emptyFilter(), text: '  ' }), true);
	assert.equal(isEmpty(parseHash('#type=!a').filter), false);
});

test('unit: a view survives the address', () => {
	const views = [
		{ ...emptyView(), range: '7d', order: 'asc', event: 4711 },
		{ ...emptyView(), range: { since: 1770724800, until: 1770725700 }, before: 12 },
		{ ...emptyView(), event: 0 },
	];

	for (const view of views)
		assert.deepEqual(parseHash(formatHash(view)), view);
	assert.equal(formatHash(views[1]), '#since=2026-02-10T12:00:00Z&until=2026-02-10T12:15:00Z&before=12');
	for (const bad of ['#range=1y', '#range=__proto__', '#since=x&until=y', '#since=2026-02-10T12:00:00Z',
		'#since=2026-02-10T12:00:00Z&until=2026-02-10T11:00:00Z', '#order=asc&before=1', '#event=-1', '#event=1e3'])
		assert.deepEqual(parseHash(bad), emptyView(), bad);
});

test('unit: a toggle goes from neither to only, to not, and back', () => {
	const only = cycle(emptyFilter(), 'type', 'a');
	const not = cycle(only, 'type', 'a');

	assert.deepEqual([only.type, only.without.type], [['a'], []]);
	assert.deepEqual([not.type, not.without.type], [[], ['a']]);
	assert.deepEqual(cycle(not, 'type', 'a'), emptyFilter());
});

table('times and buckets of a range', [
	['15m', [{ since: 99100, until: null }, 60]],
	['24h', [{ since: 13600, until: null }, 900]],
	[{ since: 60, until: 7260 }, [{ since: 60, until: 7260 }, 60]],
	['all', [{ since: null, until: null }, null]],
], (range) => [timesOf(range, 100000), bucketOf(timesOf(range, 100000), 100000)]);

/* What the API is asked, decoded; or the sentence that says why it cannot be asked. */
function questionOf(part) {
	try {
		const params = filterParams({ ...emptyFilter(), ...part });

		return params === null ? null : decodeURIComponent(params.toString().replace(/\+/g, ' '));
	} catch (error) {
		return error.message;
	}
}

table('questions to the history', [
	[{}, ''],
	[{ severity: ['high', 'critical'], type: ['a'] }, 'severity=high,critical&type=a'],
	[{ without: { ...emptyFilter().without, type: ['a', 'b'] } }, 'type=!a,!b'],
	[{ type: ['a', 'b'], without: { ...emptyFilter().without, type: ['b'] } }, 'type=a'],
	[{ text: 'type:module_loaded -severity:info data.module:foo "some text"' },
		'data.module=foo&severity=!info&type=module_loaded&q="some text"'],
	[{ text: 'module=foo -data.uid:0' }, 'data.module=foo&!data.uid=0'],
	[{ text: 'word -not kall*' }, 'q="word" -"not" "kall"*'],
	[{ text: 'min_severity:high' }, 'severity=critical,high'],
	[{ text: '-min_severity:high' }, 'severity=medium,info'],
	[{ severity: ['info'], text: 'min_severity:high' }, null],
	[{ type: ['a'], text: 'type:b' }, null],
	[{ type: ['a', 'b'], text: 'type:b' }, 'type=b'],
	[{ text: 'attack:T1014 -tag:x' }, 'attack=T1014&tags=!x'],
	[{ text: 'a"b' }, 'q="a b"'],
	[{ text: '***' }, 'The history looks for whole words: letters and digits.'],
	[{ text: 'severity:bad' }, 'A severity is one of critical, high, medium, info.'],
	[{ text: 'seq:7' }, 'The history cannot look for seq:… ; words find it, if it is text.'],
	[{ type: ['a,b'] }, 'The history cannot look for a type with such a name.'],
	[{ type: Array.from({ length: 17 }, (_, i) => `t${i}`) }, 'The history takes 16 values of type at most.'],
], questionOf);

test('unit: bars of a histogram', () => {
	const answer = { since: '1970-01-01T00:01:00Z', until: '1970-01-01T00:05:00Z', bucket: 60,
		buckets: [{ time: '1970-01-01T00:02:00Z', info: 3, critical: 1 }, { time: '1971-01-01T00:00:00Z', info: 1 }] };

	assert.deepEqual(barsOf(answer, { since: 60, until: 240 }, 0),
		{ since: 60, bucket: 60, bars: [[0, 0, 0, 0], [1, 0, 0, 3], [0, 0, 0, 0]] });
	assert.equal(barsOf(answer, { since: null, until: null }, 1e9).bars.length, 4, 'old events, and nothing since');
	assert.equal(barsOf(answer, { since: null, until: null }, 500).bars.length, 8, 'up to now');
	assert.deepEqual(barsOf({}, { since: null, until: null }, 500).bars, []);
});

test('unit: repeats are folded, none is lost', () => {
	const repeats = new Repeats();
	const item = (seq, symbol) => ({ seq, event: { type: 't', severity: 'info', source: 's', data: { symbol } } });
	const [a1, b, a2, a3] = [item(1, 'a'), item(2, 'b'), item(3, 'a'), item(4, 'a')];

	assert.equal(repeats.addOnTop(a1), null);
	repeats.addOnTop(b);
	assert.equal(repeats.addOnTop(a2), a1);
	repeats.addOnTop(a3);
	assert.deepEqual([a1, b, a2, a3].map((one) => [repeats.countOf(one), repeats.isHidden(one)]),
		[[1, true], [1, false], [1, true], [3, false]]);
	repeats.toggle(a1);
	assert.deepEqual([a1, a3].map((one) => [repeats.isHidden(one), repeats.isMember(one)]), [[false, true], [false, false]]);
	repeats.toggle(a3);
	repeats.remove(a3);
	assert.deepEqual([repeats.countOf(a2), repeats.isHidden(a2), repeats.headOf(a1)], [2, false, a2]);
	repeats.addBelow(item(0, 'a'));
	assert.equal(repeats.countOf(a2), 3);
	repeats.isOn = false;
	assert.deepEqual([repeats.countOf(a2), repeats.isHidden(a1)], [1, false]);
});

table('words of a shell', [
	['nf_tables', 'nf_tables'],
	['uid=0', 'uid=0'],
	['a b', "'a b'"],
	["it's", "'it'\\''s'"],
	['$(reboot)', "'$(reboot)'"],
	['`id`; rm -rf / #', "'`id`; rm -rf / #'"],
	['!!', "'!!'"],
	['', "''"],
	['~', "'~'"],
	['ünï', "'ünï'"],
	['a\nb', null],
	['a\u001b[31m', null],
	['\u202egnp', null],
	['x'.repeat(201), null],
], quote);

test('unit: the command that mutes', () => {
	const event = { type: 'module_loaded', rule: 'module_loaded', source: 'kprobe_reader',
		data: { module: "it's", pid: 7, comm: 'a\nb', list: [1], 'odd key': 1, uid: 0 } };
	const choices = choicesOf(event);

	assert.deepEqual(choices.filter(({ isOn }) => isOn).map(({ label }) => label), ['type', 'data.module', 'data.uid']);
	assert.equal(commandOf(choices, '7d', "we don't"),
		"lksm mute --type module_loaded --data 'module=it'\\''s' --data uid=0 --for 7d --reason 'we don'\\''t'");
	assert.equal(commandOf(choices, '', 'a\u001b'), "lksm mute --type module_loaded --data 'module=it'\\''s' --data uid=0");
	assert.deepEqual(choicesOf({ type: 7, data: null }), []);
	assert.deepEqual(choicesOf({ type: '*', rule: 'a,b', source: 's', data: { k: '*' } }).map(({ value }) => value), ['s', "'k=*'"]);
});

test('unit: CSV that a spreadsheet does not run', () => {
	const schema = { properties: { seq: { type: 'integer' }, type: {}, data: {} } };

	assert.equal(toCsv([{ event: { seq: 1, type: '=cmd', data: { a: 'x,y' } } }, { event: { seq: -2 } }], schema),
		'seq,type,data\r\n1,\'=cmd,"{""a"":""x,y""}"\r\n-2,,\r\n');
});

table('the state of the watching', [
	[[{ sensor: 'armed', writer: 'running', seals: 7, sealed_to: 41, newest_seq: 41, lost: { before_start: 9 }, history: true },
		{ complete: true, events: 1200, since: 'x' }], ['Sensor armed', 'Nothing lost', 'All sealed', 'History: 1,200 events']],
	[[{ sensor: 'disarmed', writer: 'dead', seals: 7, sealed_to: 40, newest_seq: 43, lost: { overrun: 2, gap: 1 }, history: true },
		null], ['!Sensor disarmed', '!3 records lost', '!Writer dead', 'Sealed up to 40', '?History: no answer']],
	[[{ sensor: 'gone', writer: 'running', log_failures: 2, newest_seq: 3 }, null],
		['?No sensor', 'Nothing lost', '!Log write failures', '?Not sealed yet', 'History off']],
	[[{ sensor: 'armed', writer: 'blocked', log_failures: 2, history: false }, null],
		['Sensor armed', 'Nothing lost', '!Log cannot be written', 'Not sealed yet', 'History off']],
	[[{ sensor: '__proto__', writer: 'running', history: true }, { complete: false, events: 5 }],
		['?Sensor unknown', 'Nothing lost', 'Not sealed yet', '?History: 5 events so far']],
], ([status, stats]) => describeStatus(status, stats).map(([level, text]) => ({ bad: '!', warn: '?' }[level] ?? '') + text));

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
