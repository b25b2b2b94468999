// SPDX-License-Identifier: Apache-2.0
/*
 * The pictures in the README: docs/dashboard.png (light) and docs/dashboard-dark.png, of the
 * real page with made-up events. Run it after `./run`, which installs what it needs:
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

const server = new MockServer();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--headless', '--no-sandbox', '--disable-gpu'] });

await server.start();
server.push(...sampleEvents(340, Date.now()));
await take(browser, server, 'light', 'dashboard.png');
await take(browser, server, 'dark', 'dashboard-dark.png');
await browser.close();
await server.stop();
