// SPDX-License-Identifier: Apache-2.0
/*
 * The page's last line: is anything wrong with the watching itself? Asked every ten seconds
 * while the page is looked at.
 */
import { getStats, getStatus } from './api.js';
import { element } from './dom.js';
import { formatCount } from './format.js';

const EVERY_MS = 10000;

const SENSORS = {
	armed: ['', 'Sensor armed', 'The sensor in the kernel is loaded, and its probes see what happens'],
	disarmed: ['bad', 'Sensor disarmed', 'The sensor is loaded, but its probes see nothing: look for sensor_disarmed events'],
	gone: ['warn', 'No sensor', 'photon_ring.ko is not loaded: only the kernel log is followed. lksm doctor says what to do'],
};

function sensorPart({ sensor }) {
	return Object.hasOwn(SENSORS, sensor ?? '') ? SENSORS[sensor] : ['warn', 'Sensor unknown', 'This server does not say'];
}

/* What was gone before the first look of this boot is no loss that anybody could have prevented. */
function lostPart({ lost = {} }) {
	const reasons = Object.entries(lost).filter(([reason, n]) => reason !== 'before_start' && n > 0);
	const sum = reasons.reduce((total, [, n]) => total + n, 0);

	return sum === 0 ? ['', 'Nothing lost', 'Each record that the kernel gave is in the log'] :
		['bad', `${formatCount(sum, 'record', 'records')} lost`,
			`Gone before they could be read: ${reasons.map(([reason, n]) => `${n} ${reason}`).join(', ')}. ` +
			'Search for type:records_lost'];
}

function sealPart({ seals = 0, sealed_to: to, newest_seq: newest }) {
	if (seals === 0)
		return [newest === undefined ? '' : 'warn', 'Not sealed yet', 'The first event is sealed within a second; lksm doctor says if seals are off'];
	const behind = newest - to;

	return behind > 0 ? ['', `Sealed up to ${to}`, `${formatCount(behind, 'event waits', 'events wait')} for the next seal, within a second`] :
		['', 'All sealed', `Seal ${seals} vouches for all up to event ${to}: lksm verify checks it`];
}

function historyPart({ history }, stats) {
	if (!history)
		return ['', 'History off', 'Set history.enabled to true in lksm.yaml to search older events'];
	if (!stats)
		return ['warn', 'History: no answer', 'It is being made, or busy; live events come in all the same'];
	if (!stats.complete)
		return ['warn', `History: ${formatCount(stats.events, 'event', 'events')} so far`, 'It is being made from the logs'];
	return ['', `History: ${formatCount(stats.events, 'event', 'events')}`,
		stats.since ? `The oldest one is of ${stats.since}` : 'It is empty'];
}

function logPart({ log_failures: failures = 0, writer }) {
	if (writer === 'blocked')
		return ['bad', 'Log cannot be written', 'It is tried again, and nothing is shown meanwhile: is the disk full?'];
	if (writer !== 'running')
		return ['bad', `Writer ${writer}`, 'The part that writes the log does not run'];
	return failures > 0 ? ['bad', 'Log write failures',
		`${formatCount(failures, 'write', 'writes')} had to be tried again: is the disk full?`] : null;
}

/* -> [[level, text, title]]; level: "", warn, bad */
export function describe(status, stats) {
	return [sensorPart(status), lostPart(status), logPart(status), sealPart(status), historyPart(status, stats)]
		.filter((part) => part !== null);
}

export class Status {
	#timer = 0;
	#isAsking = false;
	hasHistory = null;	/* null: not known yet */

	/* onHistory(bool): it became known, or another */
	constructor({ list, onHistory }) {
		this.list = list;
		this.onHistory = onHistory;
		document.addEventListener('visibilitychange', () => {
			if (!document.hidden && this.#timer)
				void this.#ask();
		});
	}

	start() {
		this.#timer ||= setInterval(() => document.hidden || void this.#ask(), EVERY_MS);
		void this.#ask();
	}

	stop() {
		clearInterval(this.#timer);
		this.#timer = 0;
	}

	async #ask() {
		if (this.#isAsking)
			return;
		this.#isAsking = true;
		try {
			const status = await getStatus();
			const stats = status.history ? await getStats().catch(() => null) : null;

			this.#show(describe(status, stats));
			if (this.hasHistory !== status.history) {
				this.hasHistory = status.history;
				this.onHistory(status.history);
			}
		} catch {
			/* the feed meets the same trouble and says so; what was known says nothing any more */
			this.list.replaceChildren();
		} finally {
			this.#isAsking = false;
		}
	}

	#show(parts) {
		this.list.replaceChildren(...parts.map(([level, text, title]) => {
			const item = element('li', level, text);

			item.title = title;
			return item;
		}));
	}
}
