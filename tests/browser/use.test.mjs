// SPDX-License-Identifier: Apache-2.0
/* What the reader does with the list: filters, pause, details, keyboard, themes, narrow screens. */
import assert from 'node:assert/strict';
import { activeId, BINARY, browserTest, kprobe, open, rowCount, rows, until } from './harness.mjs';
import { makeSchema } from './mock-server.mjs';
import { sampleEvents } from './sample-events.mjs';

const MIX = [
	kprobe('commit_creds'),
	kprobe('vfs_read'),
	'[PHOTON RING] Module loaded: nf_tables by uid 0',
	'[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe detected!',
	'[PHOTON RING] type=sensor_gone severity=critical reason=unloaded',
	'[PHOTON RING] something new',
];

function toggle(page, name) {
	return page.locator(`:is(#facet-severity, #facet-type) .toggle[data-name="${name}"]`);
}

async function types(page) {
	return (await rows(page)).map((row) => row.type);
}

browserTest('filters by severity, type and text combine, count and stand in the address', {}, async ({ page, server, context }) => {
	await server.log(...MIX);
	await rowCount(page, 6);
	await until(async () => await toggle(page, 'kprobe_registered').locator('.count').innerText() === '2', 'counts');
	assert.equal(await toggle(page, 'critical').locator('.count').innerText(), '1');
	assert.equal(await toggle(page, 'medium').locator('.count').innerText(), '1');

	await toggle(page, 'high').click();
	await toggle(page, 'critical').click();
	assert.deepEqual(await types(page), ['sensor_gone', 'suspicious_probe']);
	assert.equal(await toggle(page, 'high').getAttribute('aria-pressed'), 'true');
	assert.equal(await toggle(page, 'kprobe_registered').locator('.count').innerText(), '0');

	await page.fill('#search', 'KALLSYMS');
	assert.deepEqual(await types(page), ['suspicious_probe']);
	assert.equal(new URL(page.url()).hash, '#severity=high,critical&q=KALLSYMS');
	assert.match(await page.locator('#shown').innerText(), /^1 of \d+ events shown$/);

	const other = await context.newPage();
	await other.goto(page.url());
	await other.locator('#rows tr.event').first().waitFor();
	assert.deepEqual(await types(other), ['suspicious_probe']);
	assert.equal(await other.inputValue('#search'), 'KALLSYMS');
	await other.close();

	await page.fill('#search', '-type=sensor_gone');
	assert.deepEqual(await types(page), ['suspicious_probe']);
	await page.click('#clear');
	assert.equal((await rows(page)).length, 6);
	assert.equal(new URL(page.url()).hash, '');
	await toggle(page, 'module_loaded').click();
	assert.deepEqual(await types(page), ['module_loaded']);
	await page.evaluate(() => { location.hash = '#q=symbol%3Dvfs_read'; });
	await rowCount(page, 1);
	assert.equal((await rows(page))[0].data, 'symbol=vfs_read');
});

browserTest('a row that another filter leaves is not made anew', {}, async ({ page, server }) => {
	await server.log(...MIX);
	await rowCount(page, 6);
	const row = await page.locator('#rows tr.event', { hasText: 'commit_creds' }).elementHandle();
	const isThere = () => row.evaluate((node) => node.isConnected);

	await page.fill('#search', 'symbol=commit_creds');
	await rowCount(page, 1);
	assert.equal(await isThere(), true, 'fewer');
	await page.click('#clear');
	await rowCount(page, 6);
	assert.equal(await isThere(), true, 'more');
	await page.fill('#search', 'symbol=nobody');
	await rowCount(page, 0);
	assert.equal(await isThere(), false, 'none');
});

browserTest('a filter holds for what comes in later', {}, async ({ page, server }) => {
	await server.log(...MIX);
	await rowCount(page, 6);
	await page.fill('#search', 'symbol=later');
	await page.locator('#unmatched').waitFor();
	await server.log(kprobe('other'), kprobe('later'));
	assert.equal((await rowCount(page, 1))[0].data, 'symbol=later');
	assert.equal(await page.locator('#unmatched').isVisible(), false);
});

browserTest('pause holds back and counts, resume inserts', {}, async ({ page, server }) => {
	await server.log(kprobe('before'));
	await rowCount(page, 1);
	await page.click('#pause');
	assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true');
	await server.log(kprobe('held1'), kprobe('held2'));
	await page.getByText('Paused · 2 new events · Resume').waitFor();
	assert.equal((await rows(page)).length, 1);
	await page.click('#newer');
	assert.deepEqual((await rowCount(page, 3)).map((row) => row.data), ['symbol=held2', 'symbol=held1', 'symbol=before']);
	assert.equal(await page.locator('#newer').isVisible(), false);
	assert.equal(await page.locator('#pause').innerText(), 'Pause');
});

browserTest('everything can be done from the keyboard', {}, async ({ page, server }) => {
	await server.log(...MIX);
	await rowCount(page, 6);
	const selected = () => page.evaluate(() =>
		document.querySelector('tr[aria-selected="true"] td[data-key="type"]')?.textContent ?? '');
	const press = async (...keys) => {
		for (const key of keys)
			await page.keyboard.press(key);
	};
	const order = await page.evaluate(() => [...document.querySelectorAll('tr.event td[data-key="type"]')]
		.map((cell) => cell.textContent));

	await press('j');
	assert.equal(await selected(), order[0]);
	await press('ArrowDown', 'j');
	assert.equal(await selected(), order[2]);
	await press('k');
	assert.equal(await selected(), order[1]);
	await press('G');
	assert.equal(await selected(), order.at(-1));
	await press('k', 'Home', 'ArrowUp');
	assert.equal(await selected(), order[0]);
	await press('j', 'Enter');
	assert.equal(await page.locator('#details-title').innerText(), order[1]);
	assert.equal(await activeId(page), 'details-title');
	await press('j');
	assert.equal(await page.locator('#details-title').innerText(), order[2], 'the details follow');
	await press('Escape');
	assert.equal(await page.locator('#details').isVisible(), false);
	assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-selected')), 'true');
	await press('Escape');
	assert.equal(await selected(), '');

	await press('/');
	assert.equal(await activeId(page), 'search');
	await page.keyboard.type('jkpt?');
	assert.equal(await page.inputValue('#search'), 'jkpt?', 'letters in a field are letters');
	await press('Escape', 'c');
	assert.equal(await page.inputValue('#search'), '');
	await press('p');
	assert.equal(await page.locator('#pause').innerText(), 'Resume');
	await press('p');
	assert.equal(await page.locator('#pause').innerText(), 'Pause');
	await press('?');
	assert.equal(await page.locator('#help-dialog').isVisible(), true);
	await press('Escape');
	assert.equal(await page.locator('#help-dialog').isVisible(), false);
});

browserTest('Tab reaches the list, Enter on a button presses the button', {}, async ({ page, server }) => {
	await server.log(kprobe('a'), kprobe('b'));
	await rowCount(page, 2);
	await page.focus('#help');
	await page.keyboard.press('Enter');
	assert.equal(await page.locator('#help-dialog').isVisible(), true);
	await page.keyboard.press('Escape');
	const stops = await page.locator('#rows tr[tabindex="0"]').count();
	assert.equal(stops, 1, 'one tab stop in the list');
	await page.focus('#rows tr[tabindex="0"]');
	await page.keyboard.press('Enter');
	assert.equal(await page.locator('#details-title').innerText(), 'kprobe_registered');
});

browserTest('the focus stays where it is, whatever moves', { mock: true }, async ({ page, server }) => {
	const focused = () => page.evaluate(() => document.activeElement.closest('tr')?.dataset.seq ??
		document.activeElement.dataset.name ?? document.activeElement.id);

	await server.log(...MIX);
	await rowCount(page, MIX.length);
	await page.focus('#facet-type .toggle[data-name="module_loaded"]');
	await server.log('[PHOTON RING] type=aaa severity=info a=1', '[PHOTON RING] type=zzz severity=info a=1');
	await page.locator('#facet-type .toggle[data-name="zzz"]').waitFor();
	assert.deepEqual(await page.locator('#facet-type .toggle').evaluateAll((list) =>
		list.map((toggle) => toggle.dataset.name)), await page.locator('#facet-type .toggle')
		.evaluateAll((list) => list.map((toggle) => toggle.dataset.name).sort()));
	assert.equal(await focused(), 'module_loaded', 'beside new toggles');

	await page.focus('tr[data-seq="3"]');
	await page.keyboard.press('j');
	const seq = await focused();
	await page.keyboard.press('u');
	assert.equal(await focused(), seq, 'in another time zone');
	server.push(...sampleEvents(500, Date.now()));
	await page.locator(`tr[data-seq="${seq}"]`).waitFor({ state: 'detached' });
	assert.equal(await focused(), 'scroller', 'when the row has gone');
});

browserTest('details show all fields and the logged line, byte for byte', {
	context: { permissions: ['clipboard-read', 'clipboard-write'] },
}, async ({ page, server }) => {
	await server.log(kprobe('commit_creds'));
	const [{ seq }] = await rowCount(page, 1);
	await page.click(`tr[data-seq="${seq}"]`);
	const lines = await page.evaluate(async () => (await fetch('/api/events')).text());
	const line = lines.match(new RegExp(`\\{"seq": ${seq}, .*?\\}(?=\\s*\\]|,\\s*\\{"seq")`, 's'))[0];

	assert.match(line, /"ts": \d+\.\d{6}, /);
	assert.equal(await page.locator('#details-raw').textContent(), line);
	await page.click('#details-copy');
	await page.getByText('Copied').waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), line);
	const terms = await page.locator('#details-fields > dt').allTextContents();
	const schema = await page.evaluate(async () => (await fetch('/api/v1/schema')).json());
	assert.deepEqual(terms, Object.entries(schema.properties).filter(([key]) => key in JSON.parse(line))
		.map(([, property]) => property.title));
	assert.match(await page.locator('dd[data-key="ts"]').textContent(), /^\d+\.\d{6} s$/);
});

browserTest('a value in the details becomes a filter', {}, async ({ page, server }) => {
	await server.log(kprobe('commit_creds'), kprobe('vfs_read'), kprobe('commit_creds'));
	const list = await rowCount(page, 3);
	await page.click(`tr[data-seq="${list[0].seq}"]`);
	await page.click('dd[data-key="symbol"] .mini >> nth=0');
	assert.equal(await page.inputValue('#search'), 'data.symbol:commit_creds');
	assert.equal((await rows(page)).length, 2);
	await page.click('#clear');
	await page.click('dd[data-key="symbol"] .mini >> nth=1');
	assert.deepEqual((await rows(page)).map((row) => row.data), ['symbol=vfs_read']);
});

browserTest('what is being read stays in place', {}, async ({ page, server }) => {
	await server.log(...Array.from({ length: 60 }, (_, i) => kprobe(`s${i}`)));
	const list = await rowCount(page, 60);
	const row = page.locator(`tr[data-seq="${list[30].seq}"]`);
	await page.locator('#scroller').evaluate((scroller) => scroller.scrollTo(0, 700));
	const { y } = await row.boundingBox();
	await server.log(kprobe('new1'), kprobe('new2'), kprobe('new3'));
	await page.getByText('↑ 3 newer events').waitFor();
	assert.equal((await row.boundingBox()).y, y);
	await page.click('#newer');
	await until(() => page.locator('#scroller').evaluate((scroller) => scroller.scrollTop === 0), 'the top');
	assert.equal(await page.locator('#newer').isVisible(), false);
});

for (const scheme of ['light', 'dark'])
	browserTest(`the theme follows the system (${scheme}) until one is chosen`, { context: { colorScheme: scheme } },
		async ({ page }) => {
			const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
			const colours = { light: 'rgb(255, 255, 255)', dark: 'rgb(18, 20, 23)' };
			const other = scheme === 'light' ? 'dark' : 'light';

			assert.equal(await ground(), colours[scheme]);
			await page.keyboard.press('t');
			assert.equal(await ground(), colours[other]);
			await page.reload();
			assert.equal(await ground(), colours[other], 'kept');
			assert.equal((await page.locator('#theme').innerText()).toLowerCase(), scheme, 'the button names the way back');
		});

browserTest('times are local or UTC', {}, async ({ page, server }) => {
	await server.log(kprobe('a'));
	const [row] = await rowCount(page, 1);
	const iso = await page.locator(`tr[data-seq="${row.seq}"] time`).getAttribute('datetime');
	const local = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit',
		minute: '2-digit', second: '2-digit' }).format(new Date(iso));

	assert.equal(row.time.slice(6, 14), local);
	await page.keyboard.press('u');
	assert.equal((await rows(page))[0].time, iso.slice(5, 23).replace('T', ' '));
	assert.equal(await page.locator('#zone').innerText(), 'UTC');
});

browserTest('a field that the page has never heard of is a column', {
	open: false,
	prepare: (page) => page.route('**/api/v1/schema', async (route) => {
		const schema = BINARY === '' ? makeSchema() : await (await route.fetch()).json();

		schema.properties.risk = { title: 'Risk score', description: 'How bad', type: 'integer', 'x-lksm-view': 'table' };
		await route.fulfill({ json: schema });
	}),
}, async ({ page, server }) => {
	await open(page, server);
	await page.getByRole('columnheader', { name: 'Risk score' }).waitFor();
	if (server.isReal)
		return;
	server.push({ ts: 1, type: 'a', data: {}, severity: 'info', source: 'x', risk: 87 },
		{ ts: 2, type: 'b', data: {}, severity: 'info', source: 'x' });
	assert.deepEqual((await rowCount(page, 2)).map((row) => row.risk), ['', '87']);
});

browserTest('the empty page says what to do', { mock: true }, async ({ page, server }) => {
	await page.locator('#empty').waitFor();
	assert.match(await page.locator('#empty').innerText(), /tee \/dev\/kmsg/);
	await server.log(kprobe('a'));
	await rowCount(page, 1);
	assert.equal(await page.locator('#empty').isVisible(), false);
});

browserTest('the narrowest screen shows whole counts and a whole last line', { mock: true,
	context: { viewport: { width: 320, height: 640 } } }, async ({ page, server }) => {
	const cut = () => page.evaluate(() => [...document.querySelectorAll('.severities .toggle, .foot #shown, .foot li')]
		.filter((node) => node.getBoundingClientRect().right > innerWidth || node.scrollWidth > node.clientWidth + 1)
		.map((node) => node.textContent));

	server.push(...sampleEvents(250, Date.now()), ...Array.from({ length: 350 }, () => sampleEvents(1, Date.now())[0]));
	await until(async () => /newest ones.*folded/.test(await page.locator('#shown').innerText()), 'the long line');
	assert.deepEqual(await cut(), []);
	await page.locator('.severities .count').evaluateAll((nodes) => nodes.forEach((node) => { node.textContent = '100,000'; }));
	assert.deepEqual(await cut(), []);
});

browserTest('a narrow screen has everything, without scrolling sideways', { context: { viewport: { width: 390, height: 844 } } },
	async ({ page, server }) => {
		await server.log(...MIX, `[PHOTON RING] ${'very_long_word'.repeat(100)}`);
		const list = await rowCount(page, 7);
		const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth &&
			document.getElementById('scroller').scrollWidth <= innerWidth);

		assert.equal(await fits(), true);
		await toggle(page, 'high').click();
		assert.deepEqual(await types(page), ['suspicious_probe']);
		await page.click('#clear');
		assert.equal(await toggle(page, 'module_loaded').isVisible(), false);
		await page.click('#filters');
		await toggle(page, 'module_loaded').click();
		assert.deepEqual(await types(page), ['module_loaded']);
		await page.click('#clear');
		await page.click('#filters');
		await page.click(`tr[data-seq="${list[0].seq}"]`);
		assert.equal((await page.locator('#details').boundingBox()).width, 390);
		assert.equal(await page.locator('.panel-body').evaluate((body) => body.scrollWidth <= body.clientWidth), true);
		await page.click('#details-close');
		assert.equal(await page.locator('#details').isVisible(), false);
		await server.log(...Array.from({ length: 40 }, (_, i) => kprobe(`s${i}`)));
		await rowCount(page, 47);
		await page.keyboard.press('G');
		for (const selector of ['#rows tr:last-child', '.foot']) {
			const box = await page.locator(selector).boundingBox();

			assert.ok(box.y >= 0 && box.y + box.height <= 844, `${selector} can be reached`);
		}
	});
