// SPDX-License-Identifier: Apache-2.0
/*
 * The last fifteen minutes at a glance: one bar per ten seconds, the severities stacked with
 * the worst at the bottom, where a single one still has its own visible foot. Counts events by
 * their own time, from the first one that this page saw.
 */
import { SEVERITIES } from './filter.js';
import { formatCount } from './format.js';

const BIN_MS = 10000;
const N_BINS = 90;
export const HEIGHT = 40;
const LEAST = 3;	/* no bar is so small that it cannot be seen */
const SVG = 'http://www.w3.org/2000/svg';

/* Stacks one bin's counts -> [{ y, height }] in the order of SEVERITIES. */
export function stack(counts, most) {
	let y = HEIGHT;

	return counts.map((count) => {
		const height = count === 0 ? 0 : Math.max(LEAST, count / most * (HEIGHT - 4 * LEAST));

		y -= height;
		return { y: Math.round(y * 10) / 10, height: Math.round(height * 10) / 10 };
	});
}

export class Activity {
	#bins = new Map();	/* number of the bin -> counts, in the order of SEVERITIES */
	#bars = [];

	constructor(svg, label) {
		this.svg = svg;
		this.label = label;
		svg.setAttribute('viewBox', `0 0 ${N_BINS * 4} ${HEIGHT}`);
		for (let i = 0; i < N_BINS; i++)
			this.#bars.push(SEVERITIES.map((severity) => {
				const bar = document.createElementNS(SVG, 'rect');

				bar.setAttribute('class', severity);
				bar.setAttribute('x', String(i * 4));
				bar.setAttribute('width', '3');
				bar.setAttribute('height', '0');
				svg.append(bar);
				return bar;
			}));
	}

	add(items) {
		for (const { event } of items) {
			const bin = Math.floor(Date.parse(event?.time) / BIN_MS);
			const severity = SEVERITIES.indexOf(event?.severity);

			if (Number.isNaN(bin) || severity < 0)
				continue;
			if (!this.#bins.has(bin))
				this.#bins.set(bin, [0, 0, 0, 0]);
			this.#bins.get(bin)[severity]++;
		}
	}

	draw(nowMs) {
		const newest = Math.floor(nowMs / BIN_MS);
		const oldest = newest - N_BINS + 1;
		let most = 1, total = 0, grave = 0;

		for (const [bin, counts] of this.#bins) {
			if (bin < oldest || bin > newest) {
				if (bin < oldest || bin > newest + N_BINS)
					this.#bins.delete(bin);
				continue;
			}
			const sum = counts.reduce((a, b) => a + b, 0);
			most = Math.max(most, sum);
			total += sum;
			grave += counts[0] + counts[1];
		}
		for (let i = 0; i < N_BINS; i++)
			stack(this.#bins.get(oldest + i) ?? [0, 0, 0, 0], most).forEach(({ y, height }, k) => {
				const bar = this.#bars[i][k];

				if (bar.getAttribute('height') !== String(height))
					bar.setAttribute('height', String(height));
				if (height > 0)
					bar.setAttribute('y', String(y));
			});
		this.#tell(total, grave);
	}

	#tell(total, grave) {
		const text = `${formatCount(total, 'event', 'events')}, ${grave.toLocaleString('en')} high or critical`;

		if (this.label.textContent !== text) {
			this.label.textContent = text;
			this.svg.setAttribute('aria-label', `Last 15 minutes: ${text}`);
		}
	}
}
