// SPDX-License-Identifier: Apache-2.0
/*
 * What every browser test needs: a fresh server, a fresh page, and the promise that nothing
 * went wrong unseen: a console error or warning, an uncaught error, a dialog or a violation of
 * the Content-Security-Policy fails the test in which it happens.
 */
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { chromium } from 'playwright-core';
import { MockServer } from './mock-server.mjs';
import { RealServer } from './real-server.mjs';

const DEADLINE_MS = 30000;
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync'];
/* Chromium reports each failed request on the console, whatever the page does about it. */
const NETWORK_ERROR = /^Failed to load resource: (net::ERR_|the server responded with a status of (401|503))/;
export const BINARY = process.env.LKSM_BIN ?? '';

let browser = null;

export async function launch() {
	browser ??= await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: FLAGS,
	});
	return browser;
}

after(() => browser?.close());

/* Waits until `check` gives something true, and returns that. */
export async function until(check, what) {
	const deadline = Date.now() + DEADLINE_MS;

	for (;;) {
		const value = await check();

		if (value)
			return value;
		if (Date.now() > deadline)
			throw new assert.AssertionError({ message: `waited in vain for: ${what}`, stackStartFn: until });
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

function watch(page, problems, options) {
	page.on('console', (message) => {
		if (!['error', 'warning'].includes(message.type()))
			return;
		if (!(options.failures && NETWORK_ERROR.test(message.text())))
			problems.push(`console ${message.type()}: ${message.text()}`);
	});
	page.on('pageerror', (error) => problems.push(`uncaught: ${error.stack}`));
	page.on('crash', () => problems.push('the page crashed'));
	page.on('dialog', (dialog) => {
		problems.push(`dialog: ${dialog.message()}`);
		void dialog.dismiss();
	});
}

/*
 * One test with its own server and page.
 *	mock		only the mock server can bring it about: not among the daemon's tests
 *	failures	requests are meant to fail
 *	context		for browser.newContext()
 *	prepare(page, server)	before the page is opened
 *	open		false: the test opens the page itself
 */
export function browserTest(name, options, run) {
	if (options.mock && BINARY !== '')
		return;
	test(`browser: ${name}`, { timeout: 300000 }, async () => {
		const server = BINARY === '' ? new MockServer() : new RealServer(BINARY);
		const problems = [];

		await server.start();
		const context = await (await launch()).newContext(
			{ viewport: { width: 1280, height: 800 }, timezoneId: 'Europe/Berlin', ...options.context });
		context.setDefaultTimeout(DEADLINE_MS);
		try {
			const page = await context.newPage();
			watch(page, problems, options);
			await page.addInitScript(() => addEventListener('securitypolicyviolation', (event) =>
				console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`)));
			await options.prepare?.(page, server);
			if (options.open !== false)
				await open(page, server);
			await run({ page, server, context });
		} finally {
			await context.close();
			await server.destroy();
		}
		assert.deepEqual(problems, []);
	});
}

export function stateIs(page, state) {
	return page.locator(`#state[data-state="${state}"]`).waitFor();
}

export async function open(page, server, hash = '') {
	const token = server.token ? `#token=${server.token}${hash.replace(/^#/, '&')}` : hash;

	await page.goto(`${server.url}${token}`);
	await stateIs(page, 'live');
}

/* The rows from top to bottom, without those that the daemon reports about itself. */
export function rows(page) {
	return page.evaluate(() => [...document.querySelectorAll('#rows tr.event')].map((row) => {
		const cells = Object.fromEntries([...row.querySelectorAll('td')].map((cell) =>
			[cell.dataset.key, cell.textContent]));
		return { ...cells, seq: Number(row.dataset.seq) };
	}).filter((row) => row.source !== 'lksm'));
}

export async function rowCount(page, count) {
	await until(async () => (await rows(page)).length === count, `${count} rows`);
	return rows(page);
}

export function kprobe(symbol) {
	return `[PHOTON RING] Kprobe registered for symbol: ${symbol}`;
}

export function activeId(page) {
	return page.evaluate(() => document.activeElement?.id ?? '');
}
