// SPDX-License-Identifier: Apache-2.0
/*
 * How long the dashboard takes to answer: from an input to the frame in which its effect is seen.
 * Once a round each: a line of JSON {"name", "ms"}. The page is that of a running daemon, driven
 * in Chromium by what tests/browser has installed. See rows_browser.py.
 *	interactions.mjs URL TOKEN ROUNDS
 */
import { createRequire } from 'node:module';

const require = createRequire(new URL('../tests/browser/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const DEADLINE_MS = 60000;
const [url, token, rounds] = process.argv.slice(2);

/* In the page; globalThis.answer will have the milliseconds. isDone(before) is asked in each frame behind the first of these events. */
function watch(isDone, before) {
	let began = null;
	const begin = (event) => {
		began ??= event.timeStamp;
	};
	const events = ['keydown', 'pointerup', 'input'];

	for (const name of events)
		addEventListener(name, begin, { capture: true });
	globalThis.answer = new Promise((resolve, reject) => {
		const end = performance.now() + 20000;
		const look = () => {
			if (performance.now() > end)
				reject(new Error(began === null ? 'there was no input' : 'it had no effect'));
			else if (began === null || !isDone(before)) {
				requestAnimationFrame(look);
			} else {
				for (const name of events)
					removeEventListener(name, begin, { capture: true });
				resolve(performance.now() - began);
			}
		};

		requestAnimationFrame(look);
	});
}

/* In the page, too: what is looked at, and when an input has had its effect. */
const look = {
	rows: () => document.querySelectorAll('#rows tr.event').length,
	selected: () => document.querySelector('#rows tr[aria-selected="true"]')?.dataset.seq ?? '',
	nothing: () => null,
};
const done = {
	/* the list has been asked for, and has come */
	list: () => document.querySelector('#scroller').getAttribute('aria-busy') !== 'true',
	/* so have the timeline and the counts of facets: all has been said, or refused after 2 s */
	all: () => document.querySelector('#scroller').getAttribute('aria-busy') !== 'true' &&
		document.querySelector('#said').textContent !== '' || document.querySelector('#search-error').checkVisibility(),
	more: (before) => document.querySelectorAll('#rows tr.event').length > before,
	moved: (before) => (document.querySelector('#rows tr[aria-selected="true"]')?.dataset.seq ?? '') !== before,
	details: () => !document.querySelector('#details').hidden,
	closed: () => document.querySelector('#details').hidden,
	mute: () => document.querySelector('#mute-dialog').open,
	filtered: () => [...document.querySelectorAll('#rows tr.event td[data-key="type"]')].every((cell) =>
		cell.textContent === 'module_loaded'),
};

async function drag(page) {
	const box = await page.locator('#timeline').boundingBox();

	await page.mouse.move(box.x + box.width * 0.003, box.y + 10);
	await page.mouse.down();
	await page.mouse.move(box.x + box.width * 0.012, box.y + 12, { steps: 3 });
	await page.mouse.up();
}

const press = (key) => (page) => page.keyboard.press(key);
const search = (text) => async (page) => page.fill('#search', text(page));
const blur = (page) => page.evaluate(() => document.activeElement.blur());
const back = (page) => page.evaluate(() => document.querySelector('.range[data-range="all"]').click());
const clear = async (page) => {
	await page.fill('#search', '');
	await blur(page);
};
let n = 1;
const rare = () => `sym_${n++ * 37 % 5000}`;
const module = '#facet-type .toggle[data-name="module_loaded"]';
/* name; the input; done when; what it is compared with; what is done before, after */
const PAST = [
	['history: a range', (page) => page.click('.range[data-range="all"]'), 'list', 'nothing', (page) => page.click('.range[data-range="1h"]')],
	['history: a rare word', search(rare), 'list', 'nothing', null, clear],
	['history: a rare word, with timeline and facets', search(rare), 'all', 'nothing', null, clear],
	['history: a frequent word', search(() => 'insmod'), 'list', 'nothing', null, clear],
	['history: a frequent word, with timeline and facets', search(() => 'insmod'), 'all', 'nothing', null, clear],
	['history: a facet', (page) => page.click(module), 'list', 'nothing', null, press('c')],
	['history: a facet, with timeline and facets', (page) => page.click(module), 'all', 'nothing', null, press('c')],
	['history: a drag on the timeline', drag, 'list', 'nothing', null, back],
	['history: the next page', press('G'), 'more', 'rows', press('g'), press('g')],
	['history: the next event (j)', press('j'), 'moved', 'selected', press('g')],
	['history: the event before (k)', press('k'), 'moved', 'selected', press('j')],
	['history: open details', press('Enter'), 'details', 'nothing', press('j')],
	['history: close details', press('Escape'), 'closed', 'nothing'],
	['history: mute', press('m'), 'mute', 'nothing', press('j'), (page) => page.keyboard.press('Escape')],
];
const LIVE = [
	['live: a word', search(() => 'module'), 'list', 'nothing', null, clear],
	['live: a facet', (page) => page.click(module), 'filtered', 'nothing', null, press('c')],
	['live: the next event (j)', press('j'), 'moved', 'selected', press('g')],
	['live: the event before (k)', press('k'), 'moved', 'selected', press('j')],
	['live: open details', press('Enter'), 'details', 'nothing', press('j')],
	['live: close details', press('Escape'), 'closed', 'nothing'],
	['live: mute', press('m'), 'mute', 'nothing', press('j'), (page) => page.keyboard.press('Escape')],
];

/* Until nothing is asked for any more. */
async function rest(page, isPast) {
	if (isPast)
		await page.waitForFunction(() => document.querySelector('#said').textContent !== '' ||
			document.querySelector('#search-error').checkVisibility());
	await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

async function measure(page, [name, act, isDone, compared, before, after], isPast) {
	await before?.(page);
	await rest(page, isPast);
	const was = JSON.stringify(await page.evaluate(look[compared]));

	await page.evaluate(`(${watch})(${done[isDone]}, ${was})`);
	await act(page);
	const ms = await page.evaluate(() => globalThis.answer);
	process.stdout.write(`${JSON.stringify({ name, ms })}\n`);
	await rest(page, isPast);
	await after?.(page);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });

page.setDefaultTimeout(DEADLINE_MS);
await page.goto(`${url}/#token=${token}`);
await page.locator('#state[data-state="live"]').waitFor();
await page.locator(module).waitFor();
for (let i = 0; i < Number(rounds); i++)
	for (const one of LIVE)
		await measure(page, one, false);
await page.click('.range[data-range="all"]');
await blur(page);
for (let i = 0; i < Number(rounds); i++)
	for (const one of PAST)
		await measure(page, one, true);
await browser.close();
