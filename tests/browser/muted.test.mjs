// SPDX-License-Identifier: Apache-2.0
/* What is muted is left out live, counted, and shown to who wants to see it; the history has it. */
import assert from 'node:assert/strict';
import { browserTest, kprobe, open, rowCount, rows, until } from './harness.mjs';

const LOADED = '[PHOTON RING] Module loaded: nf_tables by uid 0';
const GONE = '[PHOTON RING] type=sensor_gone severity=critical reason=unloaded';

async function typesAre(page, want) {
	await until(async () => (await rows(page)).map((row) => row.type).join() === want.join(), `the rows ${want}`);
}

browserTest('what is muted is hidden, counted, shown when it is wanted', { mock: true, open: false }, async ({ page, server }) => {
	server.mutes = [{ id: 1, type: ['module_loaded'], data: ['module=nf_*'] }];
	await server.log(kprobe('a'), LOADED, GONE, '[PHOTON RING] Module loaded: evil by uid 0');
	await open(page, server);
	await typesAre(page, ['module_loaded', 'sensor_gone', 'kprobe_registered']);
	assert.equal((await rows(page))[0].data, 'module=eviluid=0');
	assert.match(await page.locator('#shown').innerText(), /^3 events shown, 1 muted$/);
	assert.equal(await page.locator('#muted').innerText(), '1 muted hidden');
	await until(async () => await page.locator('#facet-type .toggle[data-name="module_loaded"] .count').innerText() === '1', 'counts');

	await page.click('#muted');
	await rowCount(page, 4);
	assert.equal(await page.locator('#muted').getAttribute('aria-pressed'), 'true');
	assert.equal(await page.locator('#muted').innerText(), '1 muted shown');
	assert.match(await page.locator('#shown').innerText(), /^4 events shown$/);
	await page.reload();
	await rowCount(page, 4);
	await page.keyboard.press('M');
	await rowCount(page, 3);

	await server.log(LOADED, kprobe('b'));
	await rowCount(page, 4);
	assert.equal(await page.locator('#muted').innerText(), '2 muted hidden');
	await page.locator('.range[data-range="all"]').click();
	await rowCount(page, 6);
	assert.equal(await page.locator('#muted').isVisible(), false, 'the history has all');
});

browserTest('a mute that comes, ends or may not be is seen at once', { mock: true }, async ({ page, server }) => {
	await server.log(LOADED, GONE);
	await rowCount(page, 2);
	server.mute({ id: 1, source: ['kprobe_reader'] });
	await typesAre(page, ['sensor_gone']);
	server.mute();
	await typesAre(page, ['sensor_gone', 'module_loaded']);
	server.mute({ id: 2, type: ['module_loaded'], until: new Date(Date.now() + 3000).toISOString() });
	await typesAre(page, ['sensor_gone']);
	await typesAre(page, ['sensor_gone', 'module_loaded']);
});

browserTest('while nobody says what is muted, nothing is hidden', { mock: true, failures: true }, async ({ page, server }) => {
	server.mute({ id: 1, type: ['module_loaded'] });
	await server.log(LOADED, GONE);
	await typesAre(page, ['sensor_gone']);
	server.hasMutes = false;
	server.mute({ id: 2, type: ['kprobe_registered'] });
	await typesAre(page, ['sensor_gone', 'module_loaded']);
	await server.log(kprobe('a'));
	await typesAre(page, ['kprobe_registered', 'sensor_gone', 'module_loaded']);
	server.hasMutes = true;
	await typesAre(page, ['sensor_gone', 'module_loaded']);
});

const behind = (page) => page.addInitScript(() => {
	const now = Date.now;

	Date.now = () => now() - 3600000;
});

/* That the kprobe is hidden says that the page knows the mutes. */
browserTest('a mute is over by the server\'s clock', { mock: true, open: false, prepare: behind }, async ({ page, server }) => {
	server.mutes = [{ id: 1, type: ['module_loaded'], until: new Date(Date.now() - 60000).toISOString() },
		{ id: 2, type: ['kprobe_registered'], until: new Date(Date.now() + 3600000).toISOString() }];
	await server.log(LOADED, kprobe('a'), GONE);
	await open(page, server);
	await typesAre(page, ['sensor_gone', 'module_loaded']);
	server.mute({ id: 2, type: ['module_loaded'], until: new Date(Date.now() + 3000).toISOString() });
	await typesAre(page, ['sensor_gone', 'kprobe_registered']);
	await typesAre(page, ['sensor_gone', 'kprobe_registered', 'module_loaded']);
});

browserTest('where all is muted, that is said', { mock: true, open: false }, async ({ page, server }) => {
	server.mutes = [{ id: 1, type: ['*'] }];
	await server.log(LOADED, LOADED);
	await open(page, server);
	await page.locator('#all-muted').waitFor();
	assert.match(await page.locator('#all-muted').innerText(), /2 events are there/);
	await page.click('#all-muted-show');
	await rowCount(page, 2);
	assert.equal(await page.locator('#all-muted').isVisible(), false);
});
