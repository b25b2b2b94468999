// SPDX-License-Identifier: Apache-2.0
/* Hostile content, signing in, the rules that the browser is told, and access for all. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { activeId, browserTest, kprobe, open, rowCount, rows, stateIs, until } from './harness.mjs';
import { CSP } from './mock-server.mjs';
import { makeEvent, sampleEvents } from './sample-events.mjs';

const TOKEN = '5f0c3e';
const PAYLOADS = [
	'<img src=x onerror=window.pwned=1>',
	'<script>window.pwned=1</script>',
	'<svg/onload=window.pwned=1>',
	'"><img src=x onerror=window.pwned=1>',
	'\'-alert(1)-\'',
	'javascript:alert(1)',
	'</title><script>window.pwned=1</script>',
	'<iframe srcdoc="<script>parent.pwned=1</script>">',
	'{{constructor.constructor("window.pwned=1")()}}',
	'${window.pwned=1}',
	'<a href="javascript:window.pwned=1" autofocus onfocus=window.pwned=1>x</a>',
	'<style>*{display:none}</style>',
	'--></td></tr></table><h1>owned</h1>',
	'&lt;b&gt;&amp;',
	'__proto__',
];

/* Elements that only markup from an event could have made. */
function strangers(page) {
	return page.evaluate(() => document.querySelectorAll(
		'#rows :is(img, script, svg, iframe, a, style, h1, b), #details :is(img, script, svg, iframe, a:not(.attack), style, h1, b), ' +
		'#rail :is(img, script, iframe, a, style, h1, b)').length);
}

async function assertHarmless(page) {
	assert.equal(await strangers(page), 0);
	assert.equal(await page.evaluate(() => window.pwned), undefined);
	assert.equal(await page.evaluate(() => Object.prototype.polluted), undefined);
}

browserTest('hostile messages are shown as text and run nothing', {}, async ({ page, server }) => {
	await server.log(...PAYLOADS.map((payload) => `[PHOTON RING] ${payload}`));
	const list = await rowCount(page, PAYLOADS.length);

	assert.deepEqual(list.map((row) => row.data).reverse(), PAYLOADS);
	for (const [i, { seq }] of list.reverse().entries()) {
		await page.locator(`tr[data-seq="${seq}"]`).click();
		assert.equal(await page.locator('dd[data-key="data"] dd .value').textContent(), PAYLOADS[i]);
	}
	await assertHarmless(page);
});

browserTest('hostile types, keys, values, sources and hosts too', { mock: true }, async ({ page, server }) => {
	const events = PAYLOADS.map((payload) => ({
		...makeEvent(payload, payload, payload, JSON.parse(`{${JSON.stringify(payload)}: ${JSON.stringify(payload)}}`),
			{ host: payload, message: payload, tags: [payload], time: payload, boot_id: payload }), ts: 1 }));

	events.push({ ts: 'x', type: { a: 1 }, data: [['<img src=x onerror=window.pwned=1>']], severity: null, source: [1] },
		{ ts: null, type: null, data: null, severity: 'toString', source: 7, __proto__x: 1 });
	server.push(...events);
	const list = await rowCount(page, events.length);
	for (const [i, payload] of PAYLOADS.entries()) {
		assert.equal(list[events.length - 1 - i].type, payload);
		assert.equal(list[events.length - 1 - i].data, `${payload}=${payload}`);
	}
	for (const { seq } of list)
		await page.locator(`tr[data-seq="${seq}"]`).click();
	await until(() => page.locator('#facet-type .toggle').count(), 'facets');
	for (const name of await page.locator('#facet-type .toggle').all())
		await name.click();
	await page.locator('dd[data-key="type"] .mini').first().click();
	await assertHarmless(page);
});

browserTest('hostile search text and addresses run nothing', { open: false }, async ({ page, server }) => {
	await open(page, server, `#q=${encodeURIComponent(PAYLOADS[0])}&type=${encodeURIComponent(PAYLOADS[1])}&severity=__proto__`);
	assert.equal(await page.inputValue('#search'), PAYLOADS[0]);
	await assertHarmless(page);
});

browserTest('control and direction characters are shown and break nothing', { mock: true }, async ({ page, server }) => {
	const text = 'a\u202egnp.exe\u2066\u200b\u001b[31m\u0007\nend\u2028\u00ad';

	server.push({ ...makeEvent('plain', 'info', 'x', { v: 'plain' }), ts: 1 },
		{ ...makeEvent(text, 'info', text, { [text]: text, zalgo: 'z\u0300'.repeat(4000), rtl: 'שלום עולם' }), ts: 1 });
	const [row] = await rowCount(page, 2);
	const shown = 'a\\u202egnp.exe\\u2066\\u200b␛[31m␇␊end\\u2028\\u00ad';

	assert.equal(row.type, shown);
	assert.ok(row.data.startsWith(`${shown}=${shown}`));
	const [hostile, plain] = await page.locator('#rows tr').evaluateAll((list) =>
		list.map((one) => [...one.children].map((cell) => {
			const { x, width, height } = cell.getBoundingClientRect();
			return [x, width, height];
		})));
	assert.deepEqual(hostile, plain, 'the cells stand where those of a plain row stand');
	await page.locator('#rows tr').first().click();
	assert.equal(await page.locator('#details-title').textContent(), shown);
});

browserTest('the token in the address is traded for a cookie and vanishes', { mock: true, open: false }, async ({ page, server, context }) => {
	server.requireToken(TOKEN);
	await server.log(kprobe('secret'));
	await open(page, server, '#severity=info');
	await rowCount(page, 1);
	assert.equal(new URL(page.url()).hash, '#severity=info');
	const [cookie] = await context.cookies();
	assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict']);
	assert.equal(await page.evaluate((token) => JSON.stringify([localStorage, sessionStorage, document.cookie,
		document.documentElement.outerHTML]).includes(token), TOKEN), false);
	await page.reload();
	await stateIs(page, 'live');
	await rowCount(page, 1);
});

browserTest('without a token it asks for one, and says where to find it', { open: false, failures: true }, async ({ page, server }) => {
	if (!server.isReal)
		server.requireToken(TOKEN);
	await page.goto(server.url);
	await stateIs(page, 'signed-out');
	assert.match(await page.locator('#signin').innerText(), /lksm run[^]*\.dashboard_token/);
	assert.equal(await activeId(page), 'token');
	assert.equal((await rows(page)).length, 0);

	await page.fill('#token', 'wrong');
	await page.keyboard.press('Enter');
	await page.getByText('does not know this token').waitFor();
	await page.fill('#token', 'two words');
	await page.keyboard.press('Enter');
	await page.getByText('That is not a token').waitFor();
	await page.fill('#token', `${server.url}#token=${server.token}`);
	await page.keyboard.press('Enter');
	await stateIs(page, 'live');
	assert.equal(await page.locator('#signin').isVisible(), false);
	await server.log(kprobe('seen'));
	await rowCount(page, 1);
});

browserTest('a session that ends is told, and can be taken up again', { mock: true, open: false, failures: true }, async ({ page, server }) => {
	server.requireToken(TOKEN);
	await open(page, server);
	await server.log(kprobe('a'));
	await rowCount(page, 1);
	server.requireToken('another');
	server.dropStreams();
	await stateIs(page, 'signed-out');
	await server.log(kprobe('b'));
	await page.fill('#token', 'another');
	await page.click('#signin button');
	await stateIs(page, 'live');
	assert.deepEqual((await rowCount(page, 2)).map((row) => row.data), ['symbol=b', 'symbol=a']);
});

browserTest('the page and its parts are served under a strict policy', {}, async ({ page, server }) => {
	const folder = new URL('../../web/', import.meta.url);

	for (const name of ['', ...readdirSync(folder).filter((file) => /\.(js|css|svg)$/.test(file))]) {
		const answer = await page.request.get(server.url + name, { headers: { Cookie: '' } });

		assert.equal(answer.status(), 200, `/${name}`);
		if (name === '')
			assert.deepEqual(answer.headers()['content-security-policy'].split(/;\s*/).filter(Boolean).sort(),
				CSP.split('; ').sort());
	}
});

async function assertAccessible(page, what) {
	const { violations } = await new AxeBuilder({ page })
		.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
	const grave = violations.filter(({ impact }) => ['moderate', 'serious', 'critical'].includes(impact));

	assert.deepEqual(grave.map(({ id, nodes }) => `${what}: ${id}: ${nodes.map((node) =>
		`${node.target.join(' ')} ${node.failureSummary}`).join('; ')}`), []);
}

for (const colorScheme of ['light', 'dark'])
	browserTest(`axe finds no fault (${colorScheme})`, { context: { colorScheme }, failures: true }, async ({ page, server }) => {
		if (!server.isReal) {
			await assertAccessible(page, 'empty');
			server.push(...sampleEvents(16, Date.now()));
			server.overrun(3);
		}
		await server.log('[PHOTON RING] SUSPICIOUS *** \u001b', '[PHOTON RING] type=x severity=critical a=1',
			'[PHOTON RING] Module loaded: a by uid 0', kprobe('a'));
		await page.getByText('symbol=a').first().waitFor();
		await until(() => page.locator('#facet-type .toggle').count(), 'facets');
		await assertAccessible(page, 'list');
		for (const key of ['j', 'j', 'j', 'Enter'])
			await page.keyboard.press(key);
		await assertAccessible(page, 'details');
		await page.keyboard.press('Escape');
		await page.keyboard.press('p');
		await assertAccessible(page, 'paused');
		await page.fill('#search', 'no such thing');
		await assertAccessible(page, 'nothing matches');
		await page.locator('#search').blur();
		await page.keyboard.press('?');
		await assertAccessible(page, 'help');
		await page.keyboard.press('Escape');
		await page.setViewportSize({ width: 390, height: 844 });
		await page.keyboard.press('c');
		await assertAccessible(page, 'narrow');
		if (server.isReal)
			return;
		server.requireToken(TOKEN);
		server.dropStreams();
		await stateIs(page, 'signed-out');
		await assertAccessible(page, 'signed out');
	});

for (const colorScheme of ['light', 'dark'])
	browserTest(`axe finds no fault in the history (${colorScheme})`, { context: { colorScheme } }, async ({ page, server }) => {
		await server.log('[PHOTON RING] type=x severity=critical a=1', '[PHOTON RING] Module loaded: a by uid 0', kprobe('a'), kprobe('a'));
		await page.getByText('symbol=a').first().waitFor();
		await page.locator('.range[data-range="all"]').click();
		await page.locator('#timeline rect:not(.selection)').first().waitFor({ state: 'attached' });
		await page.locator('#facet-type .toggle').first().click();
		await page.locator('#facet-type .toggle').first().click();
		await page.locator('#scroller[aria-busy="false"]').waitFor();
		await page.locator('#timeline-holder').focus();
		await page.keyboard.press('Home');
		await assertAccessible(page, 'history');
		await page.keyboard.press('Escape');
		await page.keyboard.press('e');
		await assertAccessible(page, 'export');
		await page.keyboard.press('Escape');
		for (const key of ['j', 'Enter', 'm'])
			await page.keyboard.press(key);
		await assertAccessible(page, 'mute');
		await page.keyboard.press('Escape');
		await page.keyboard.press('Escape');
		await page.fill('#search', 'nosuchthing');
		await page.locator('#past-empty').waitFor();
		await assertAccessible(page, 'nothing found');
		await page.fill('#search', 'seq:1');
		await page.locator('#past-failed').waitFor();
		await assertAccessible(page, 'refused');
	});
