// SPDX-License-Identifier: Apache-2.0
/*
 * The pictures in the docs: docs/dashboard.png (light), docs/dashboard-dark.png and
 * docs/dashboard-history.png, of the real page with made-up events. Run it after `./run`, which installs what it needs:
 *
 *	node tests/browser/screenshot.mjs
 */
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { MockServer } from './mock-server.mjs';
import { sampleEvents } from './sample-events.mjs';

const DOCS = fileURLToPath(new URL('../../docs/', import.meta.url));

async function take(browser, server, colorScheme, name) {
	const page = await browser.newPage({ viewport: { width: 1440, height: 810 }, colorScheme,
		timezoneId: 'Europe/Berlin' });

	await page.goto(server.url);
	await page.locator('#rows tr.event').nth(100).waitFor({ state: 'attached' });
	await page.locator('#activity rect.critical:not([height="0"])').first().waitFor({ state: 'attached' });
	await page.locator('tr.critical').first().click();
	await page.locator('#facet-type .toggle').first().waitFor();
	await page.screenshot({ path: `${DOCS}${name}` });
	await page.close();
	console.log(`docs/${name}`);
}

/* Some days that differ, each with a busy and a quiet time. */
function week(nowMs) {
	return Array.from({ length: 48 }, (_, i) => 48 - i).flatMap((n) =>
		sampleEvents(12 + 9 * (n * 7 % 5) + (n % 8 < 3 ? 40 : 0), nowMs - n * 3.4 * 3600e3, n)
			.filter(({ severity }) => severity === 'info' || n % 6 === 0 || severity === 'medium' && n % 2 === 0));
}

async function takeHistory(browser, server) {
	const page = await browser.newPage({ viewport: { width: 1440, height: 810 }, colorScheme: 'light',
		timezoneId: 'Europe/Berlin' });

	await page.goto(`${server.url}#range=7d&type=!kernel_message&q=-data.module:overlay`);
	await page.locator('#timeline rect.critical').first().waitFor({ state: 'attached' });
	await page.locator('#facet-type .toggle.without').waitFor();
	await page.locator('tr.high:not([hidden]) td[data-key="type"]').first().click();
	await page.screenshot({ path: `${DOCS}dashboard-history.png` });
	await page.close();
	console.log('docs/dashboard-history.png');
}

const server = new MockServer();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--headless', '--no-sandbox', '--disable-gpu'] });

server.types.sensor_gone = { attack: [], sentence: "The sensor's channel ended: its module was unloaded; " +
	'last is the last record that was read from it' };
server.types.records_lost = { attack: [], sentence: 'Records of a stream were gone before they could be read' };
server.status.lost = { overrun: 12 };
await server.start();
server.push(...week(Date.now()));
server.push(...sampleEvents(340, Date.now()));
await take(browser, server, 'light', 'dashboard.png');
await take(browser, server, 'dark', 'dashboard-dark.png');
await takeHistory(browser, server);
await browser.close();
await server.stop();
