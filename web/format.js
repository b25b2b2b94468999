// SPDX-License-Identifier: Apache-2.0
/*
 * Values as text for people. Pure functions: no DOM, no clock.
 *
 * Everything here comes from the kernel log, where an attacker may have put it, so what
 * cannot be seen is made visible: an escape character reads ␛, a bidi override \u202e.
 */

/* C0, DEL, C1; soft hyphen; the blank letters; zero-width and bidi controls; line and
 * paragraph separators; interlinear marks; lone surrogates; tag characters. */
const UNSEEN = new RegExp('[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160' +
	'\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800' +
	'\\u3164\\ud800-\\udfff\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}]', 'gu');

function picture(character) {
	const code = character.codePointAt(0);

	if (code < 0x20)
		return String.fromCharCode(0x2400 + code);
	if (code === 0x7f)
		return '\u2421';
	return code > 0xffff ? `\\u{${code.toString(16)}}` :
		`\\u${code.toString(16).padStart(4, '0')}`;
}

/* Splits text into [{ text, control }]: control marks what stands for an unseen character. */
export function segments(text) {
	const parts = [];
	let from = 0;

	for (const match of text.matchAll(UNSEEN)) {
		if (match.index > from)
			parts.push({ text: text.slice(from, match.index), control: false });
		parts.push({ text: picture(match[0]), control: true });
		from = match.index + match[0].length;
	}
	if (from < text.length || parts.length === 0)
		parts.push({ text: text.slice(from), control: false });
	return parts;
}

export function visible(text) {
	return segments(text).map((part) => part.text).join('');
}

/* Cuts to at most `limit` UTF-16 units, never through a surrogate pair. */
export function shorten(text, limit) {
	if (text.length <= limit)
		return text;
	const code = text.charCodeAt(limit - 1);
	const end = code >= 0xd800 && code < 0xdc00 ? limit - 1 : limit;
	return `${text.slice(0, end)}…`;
}

export function formatValue(value) {
	if (typeof value === 'string')
		return value;
	if (Array.isArray(value) && value.every((part) => typeof part === 'string'))
		return value.join(' ');
	return value === undefined ? '' : JSON.stringify(value);
}

/* Seconds since boot: six decimals, as in the log. */
export function formatSeconds(value) {
	return typeof value === 'number' ? value.toFixed(6) : formatValue(value);
}

function pad(number, width = 2) {
	return String(number).padStart(width, '0');
}

function offsetOf(date) {
	const minutes = -date.getTimezoneOffset();
	const size = Math.abs(minutes);

	return `${minutes < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/*
 * "2026-02-10T12:00:00.001234Z" -> { year, date: "02-10", clock: "12:00:00", fraction:
 * "001234", offset: "UTC" }; null if it is no time. zone is "utc" or "local". The fraction
 * is taken from the text, as a Date keeps milliseconds only.
 */
export function splitTime(text, zone) {
	const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)$/
		.exec(typeof text === 'string' ? text : '');
	const date = new Date(match ? text : NaN);

	if (Number.isNaN(date.getTime()))
		return null;
	const fraction = (match[1] ?? '').padEnd(6, '0');
	if (zone === 'utc')
		return {
			year: pad(date.getUTCFullYear(), 4),
			date: `${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`,
			clock: `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:` +
				pad(date.getUTCSeconds()),
			fraction, offset: 'UTC',
		};
	return {
		year: pad(date.getFullYear(), 4),
		date: `${pad(date.getMonth() + 1)}-${pad(date.getDate())}`,
		clock: `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`,
		fraction, offset: offsetOf(date),
	};
}

export function formatTimeFull(text, zone) {
	const time = splitTime(text, zone);

	return time ? `${time.year}-${time.date} ${time.clock}.${time.fraction} ${time.offset}` :
		formatValue(text);
}

/* Seconds since 1970 for the end of an axis: "02-10 12:00", in the zone. */
export function formatMoment(seconds, zone) {
	const date = new Date(seconds * 1000);
	const time = Number.isNaN(date.getTime()) ? null : splitTime(date.toISOString(), zone);

	return time ? `${time.date} ${time.clock.slice(0, 5)}` : '';
}

const AGES = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];

/* How long ago, for people: "4 min ago"; "" for the future and for what is no time. */
export function formatAge(text, nowMs) {
	const seconds = Math.floor((nowMs - Date.parse(text)) / 1000);

	if (!(seconds >= 0))
		return '';
	const [size, unit] = AGES.find(([least]) => seconds >= least) ?? [1, 's'];
	return `${Math.floor(seconds / size)} ${unit} ago`;
}

export function formatCount(number, one, many) {
	return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}
