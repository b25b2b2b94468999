// SPDX-License-Identifier: Apache-2.0
/*
 * The history over time: a bar for each span, the severities stacked as in activity.js. A range
 * is chosen by dragging over bars, or with the keys: arrows move, Shift with them takes more
 * bars, Enter shows what was taken, Escape lets it go.
 */
import { HEIGHT, stack } from './activity.js';
import { setText } from './dom.js';
import { SEVERITIES } from './filter.js';
import { formatCount, formatMoment } from './format.js';

const MAX_BARS = 400;
const SVG = 'http://www.w3.org/2000/svg';

function rect(className, x, width, y = 0, height = HEIGHT) {
	const node = document.createElementNS(SVG, 'rect');

	for (const [name, value] of Object.entries({ class: className, x, width, y, height }))
		node.setAttribute(name, String(value));
	return node;
}

/* An answer of /api/v1/histogram -> { since, bucket, bars: [counts in the order of SEVERITIES] } */
export function barsOf(answer, times, nowSeconds) {
	const bucket = answer.bucket > 0 ? answer.bucket : 60;
	const known = [answer.since, answer.until].map((text) => Date.parse(text) / 1000);
	const since = Math.floor((times.since ?? known[0]) / bucket) * bucket;
	const open = Math.ceil((times.until ?? nowSeconds) / bucket) * bucket;
	const until = (open - since) / bucket <= MAX_BARS ? open : known[1];
	const n = Math.min(MAX_BARS, Math.max(0, Math.round((until - since) / bucket)));

	if (!Number.isFinite(n) || !Number.isFinite(since))
		return { since: 0, bucket, bars: [] };
	const bars = Array.from({ length: n }, () => [0, 0, 0, 0]);
	for (const counts of answer.buckets ?? []) {
		const bar = bars[Math.floor((Date.parse(counts.time) / 1000 - since) / bucket)];

		SEVERITIES.forEach((severity, i) => {
			if (bar)
				bar[i] += Number(counts[severity] ?? 0);
		});
	}
	return { since, bucket, bars };
}

export class Timeline {
	#since = 0;
	#bucket = 60;
	#bars = [];
	#zone = 'local';
	#anchor = null;		/* where a selection began, and … */
	#cursor = null;		/* … where it is now */
	#isDragging = false;

	/* onChoose({ since, until }): seconds */
	constructor({ holder, svg, label, begin, end, onChoose }) {
		Object.assign(this, { holder, svg, label, begin, end, onChoose });
		this.shadow = rect('selection', 0, 0);
		holder.addEventListener('keydown', (event) => this.#onKey(event));
		holder.addEventListener('blur', () => this.#release());
		svg.addEventListener('pointerdown', (event) => this.#onDown(event));
		svg.addEventListener('pointermove', (event) => this.#onMove(event));
		svg.addEventListener('pointerup', () => this.#onUp());
		svg.addEventListener('pointercancel', () => this.#release());
		svg.addEventListener('pointerleave', () => this.#isDragging || this.#release());
	}

	show(answer, times, zone, nowSeconds) {
		const { since, bucket, bars } = barsOf(answer, times, nowSeconds);
		const most = Math.max(1, ...bars.map((counts) => counts.reduce((a, b) => a + b, 0)));
		const nodes = [this.shadow];

		Object.assign(this, { answer, times, nowSeconds });
		this.#zone = zone;
		this.#since = since;
		this.#bucket = bucket;
		this.#bars = bars;
		bars.forEach((counts, i) => stack(counts, most).forEach(({ y, height }, k) => {
			if (height > 0)
				nodes.push(rect(SEVERITIES[k], i * 4, 3, y, height));
		}));
		this.svg.setAttribute('viewBox', `0 0 ${Math.max(1, bars.length) * 4} ${HEIGHT}`);
		this.svg.replaceChildren(...nodes);
		this.holder.setAttribute('aria-valuemax', String(Math.max(0, bars.length - 1)));
		setText(this.begin, bars.length > 0 ? this.#moment(0) : '');
		setText(this.end, bars.length > 0 ? this.#moment(bars.length) : '');
		this.#release();
	}

	setZone(zone) {
		if (this.answer)
			this.show(this.answer, this.times, zone, this.nowSeconds);
	}

	/* Where bar i begins, as text. */
	#moment(i) {
		return formatMoment(this.#since + i * this.#bucket, this.#zone);
	}

	#countsOf(first, last) {
		const counts = this.#bars.slice(first, last + 1).reduce((sum, bar) =>
			sum.map((n, i) => n + bar[i]), [0, 0, 0, 0]);

		return `${formatCount(counts.reduce((a, b) => a + b, 0), 'event', 'events')}, ` +
			`${(counts[0] + counts[1]).toLocaleString('en')} high or critical`;
	}

	#ends() {
		const [a, b] = [this.#anchor ?? this.#cursor, this.#cursor];

		return [Math.min(a, b), Math.max(a, b)];
	}

	#draw() {
		const isChosen = this.#cursor !== null;
		const [first, last] = isChosen ? this.#ends() : [0, this.#bars.length - 1];
		const text = isChosen ? `${this.#moment(first)} – ${this.#moment(last + 1)}: ${this.#countsOf(first, last)}` :
			this.#countsOf(first, last);

		this.shadow.setAttribute('x', String(first * 4 - 0.5));
		this.shadow.setAttribute('width', isChosen ? String((last - first + 1) * 4) : '0');
		setText(this.label, text);
		this.holder.setAttribute('aria-valuenow', String(this.#cursor ?? 0));
		this.holder.setAttribute('aria-valuetext', text);
	}

	#release() {
		this.#anchor = this.#cursor = null;
		this.#isDragging = false;
		this.#draw();
	}

	#choose() {
		if (this.#cursor === null)
			return;
		const [first, last] = this.#ends();

		this.#release();
		this.onChoose({ since: this.#since + first * this.#bucket, until: this.#since + (last + 1) * this.#bucket });
	}

	#placeOf(event) {
		const { left, width } = this.svg.getBoundingClientRect();
		const place = Math.floor((event.clientX - left) / width * this.#bars.length);

		return Math.min(this.#bars.length - 1, Math.max(0, place));
	}

	#onDown(event) {
		if (event.button !== 0 || this.#bars.length === 0)
			return;
		this.svg.setPointerCapture(event.pointerId);
		this.#isDragging = true;
		this.#anchor = this.#cursor = this.#placeOf(event);
		this.#draw();
	}

	#onMove(event) {
		if (this.#bars.length === 0)
			return;
		this.#cursor = this.#placeOf(event);
		if (!this.#isDragging)
			this.#anchor = null;
		this.#draw();
	}

	#onUp() {
		if (this.#isDragging)
			this.#choose();
	}

	#moveTo(place, isTaking) {
		const before = this.#cursor ?? this.#bars.length - 1;

		this.#anchor = isTaking ? this.#anchor ?? before : null;
		this.#cursor = Math.min(this.#bars.length - 1, Math.max(0, place));
		this.#draw();
	}

	#onKey(event) {
		const now = this.#cursor ?? this.#bars.length;
		const places = { ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - 10, PageDown: now + 10,
			Home: 0, End: this.#bars.length - 1 };

		if (this.#bars.length === 0 || event.ctrlKey || event.altKey || event.metaKey)
			return;
		if (Object.hasOwn(places, event.key))
			this.#moveTo(places[event.key], event.shiftKey);
		else if (event.key === 'Enter' && this.#cursor !== null)
			this.#choose();
		else if (event.key === 'Escape' && this.#cursor !== null)
			this.#release();
		else
			return;
		event.preventDefault();
		event.stopPropagation();
	}
}
