// SPDX-License-Identifier: Apache-2.0
/* Events come in: live, in order, each once, whatever happens to the connection. */
import assert from 'node:assert/strict';
import { browserTest, kprobe, open, rowCount, rows, stateIs, until } from './harness.mjs';
import { makeEvent, sampleEvents, stamp } from './sample-events.mjs';

function symbols(list) {
	return list.map((row) => row.data.replace('symbol=', ''));
}

function range(from, to) {
	return Array.from({ length: to - from }, (_, i) => `s${from + i}`);
}

browserTest('rows appear live, newest first', {}, async ({ page, server }) => {
	await server.log(kprobe('first'));
	await rowCount(page, 1);
	await server.log('[PHOTON RING] Module loaded: nf_tables by uid 0',
		'[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe detected!');
	const list = await rowCount(page, 3);

	assert.deepEqual(list.map((row) => [row.severity, row.type]),
		[['high', 'suspicious_probe'], ['medium', 'module_loaded'], ['info', 'kprobe_registered']]);
	assert.equal(list[1].data, 'module=nf_tablesuid=0');
	assert.ok(list[0].seq > list[1].seq && list[1].seq > list[2].seq);
});

browserTest('events from before the page was opened are there', { open: false }, async ({ page, server }) => {
	await server.log(...range(0, 5).map(kprobe));
	await open(page, server);
	assert.deepEqual(symbols(await rowCount(page, 5)), range(0, 5).reverse());
});

browserTest('nothing is lost or doubled when the server restarts', { failures: true }, async ({ page, server }) => {
	await server.log(...range(0, 5).map(kprobe));
	await rowCount(page, 5);
	await server.stop();
	await stateIs(page, 'reconnecting');
	if (server.isReal)
		await server.log(...range(5, 8).map(kprobe));
	await server.start();
	if (!server.isReal)
		await server.log(...range(5, 8).map(kprobe));
	await stateIs(page, 'live');
	await server.log(...range(8, 12).map(kprobe));
	assert.deepEqual(symbols(await rowCount(page, 12)), range(0, 12).reverse());
	const seqs = (await rows(page)).map((row) => row.seq);
	assert.equal(new Set(seqs).size, 12);
});

browserTest('nothing is lost or doubled when connections drop', { mock: true, failures: true }, async ({ page, server }) => {
	for (let i = 0; i < 10; i++) {
		await server.log(kprobe(`s${2 * i}`));
		if (i % 3 === 2)
			server.dropStreams();
		await server.log(kprobe(`s${2 * i + 1}`));
	}
	assert.deepEqual(symbols(await rowCount(page, 20)), range(0, 20).reverse());
	await stateIs(page, 'live');
});

browserTest('without a stream it polls, and streams again when it can', { failures: true, open: false },
	async ({ page, server }) => {
		let hasStream = false;

		await page.route('**/api/v1/stream*', (route) =>
			hasStream ? route.continue() : route.fulfill({ status: 503, body: '' }));
		await page.goto(server.url + (server.token ? `#token=${server.token}` : ''));
		await stateIs(page, 'polling');
		assert.equal(await page.locator('#state').innerText(), 'Polling every 2 s');
		await server.log(kprobe('polled'));
		await rowCount(page, 1);
		hasStream = true;
		await stateIs(page, 'live');
		await server.log(kprobe('streamed'));
		assert.deepEqual(symbols(await rowCount(page, 2)), ['streamed', 'polled']);
	});

browserTest('the connection is told in words', { failures: true }, async ({ page, server }) => {
	const state = page.locator('#state');

	assert.equal(await state.innerText(), 'Live');
	assert.equal(await state.getAttribute('role'), 'status');
	await server.stop();
	await stateIs(page, 'reconnecting');
	assert.equal(await state.innerText(), 'Reconnecting…');
	await server.start();
	await stateIs(page, 'live');
});

browserTest('an overrun is told in its place', { mock: true }, async ({ page, server }) => {
	await server.log(kprobe('before'));
	server.overrun(1200);
	await server.log(kprobe('after'));
	await rowCount(page, 2);
	const texts = await page.locator('#rows tr').allInnerTexts();

	assert.match(texts[0], /after/);
	assert.match(texts[1], /^1,200 events not shown: seq 1–1200 /);
	assert.match(texts[2], /before/);
	await page.fill('#search', 'nothing has this');
	assert.equal(await page.locator('#shown').innerText(), '0 of 2 events shown');
	assert.equal(await page.locator('#unmatched').isVisible(), true);
	assert.equal(await page.locator('#rows tr').count(), 1, 'a gap is shown under any filter');
});

browserTest('a long absence is told as a gap', { mock: true, failures: true }, async ({ page, server }) => {
	await server.log(kprobe('s0'));
	await rowCount(page, 1);
	server.hasStream = false;
	server.dropStreams();
	server.push(...sampleEvents(510, Date.now()));
	await page.locator('#rows tr.gap').waitFor({ state: 'attached' });
	assert.match(await page.locator('#rows tr.gap').textContent(), /^10 events not shown: seq 1–10 /);
	assert.equal(await page.locator('#rows tr.event').count(), 500);
	assert.match(await page.locator('#rows tr').last().getAttribute('class'), /gap/);
});

browserTest('another log on the same port is noticed', { mock: true, failures: true }, async ({ page, server }) => {
	await server.log(...range(0, 5).map(kprobe));
	await rowCount(page, 5);
	await server.stop();
	server.forget();
	server.push({ ...makeEvent('kprobe_registered', 'info', 'kprobe_reader', { symbol: 'other' }), ts: 1 });
	await server.start();
	await rowCount(page, 6);
	assert.equal((await rows(page))[0].data, 'symbol=other');
	assert.match(await page.locator('#rows tr').nth(1).innerText(), /another log/);
});

browserTest('another log that is still empty is noticed with its first event', { mock: true, failures: true },
	async ({ page, server }) => {
		await server.log(...range(0, 5).map(kprobe));
		await rowCount(page, 5);
		await server.stop();
		await stateIs(page, 'reconnecting');
		server.forget();
		await server.start();
		await stateIs(page, 'live');
		await server.log(kprobe('other'), kprobe('next'));
		assert.deepEqual(symbols(await rowCount(page, 7)), ['next', 'other', ...range(0, 5).reverse()]);
		assert.match(await page.locator('#rows tr').nth(2).innerText(), /another log/);
	});

browserTest('only the last 500 are kept', { mock: true }, async ({ page, server }) => {
	server.push(...sampleEvents(700, Date.now()));
	await until(async () => (await rows(page))[0]?.seq === 699, 'the newest');
	assert.equal(await page.locator('#rows tr').count(), 500);
	assert.match(await page.locator('#shown').innerText(), /^500 events shown/);
});

browserTest('the title counts high and critical while the tab is hidden', {
	mock: true,
	prepare: (page) => page.addInitScript(() => {
		let isHidden = false;

		Object.defineProperty(document, 'hidden', { get: () => isHidden });
		window.setHidden = (value) => {
			isHidden = value;
			document.dispatchEvent(new Event('visibilitychange'));
		};
	}),
}, async ({ page, server }) => {
	await page.evaluate(() => window.setHidden(true));
	server.push(makeEvent('a', 'high', 'x', {}, { ts: 1, host: 'web-1' }),
		makeEvent('b', 'critical', 'x', {}, { ts: 1 }), makeEvent('c', 'info', 'x', {}, { ts: 1 }));
	await until(async () => await page.title() === '(2) LKSM · web-1', 'the title');
	await page.evaluate(() => window.setHidden(false));
	assert.equal(await page.title(), 'LKSM · web-1');
});

browserTest('stays smooth with 500 rows changing at 100 events/s', { mock: true }, async ({ page, server }) => {
	const seconds = 10;

	server.push(...sampleEvents(500, Date.now()));
	await until(async () => await page.locator('#rows tr').count() === 500, '500 rows');
	const cdp = await page.context().newCDPSession(page);
	const cpu = async () => (await cdp.send('Performance.getMetrics')).metrics
		.find(({ name }) => name === 'TaskDuration').value;

	await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
	await page.evaluate(() => {
		window.longTasks = [];
		new PerformanceObserver((list) => window.longTasks.push(...list.getEntries()
			.map((entry) => entry.duration))).observe({ type: 'longtask' });
	});
	const before = await cpu();
	await new Promise((resolve) => {
		let sent = 0;
		const begun = Date.now();
		const timer = setInterval(() => {
			const due = Math.min(seconds * 100, Math.floor((Date.now() - begun) / 10));

			for (; sent < due; sent++)
				server.push({ ...makeEvent(sent % 50 ? 'kprobe_registered' : 'suspicious_probe',
					sent % 50 ? 'info' : 'high', 'kprobe_reader',
					{ symbol: `symbol_${sent}`, pid: sent }), ...stamp(Date.now() * 1000, sent) });
			if (sent === seconds * 100) {
				clearInterval(timer);
				resolve();
			}
		}, 5);
	});
	await until(async () => (await rows(page))[0].seq === 500 + seconds * 100 - 1, 'the last event');
	assert.equal(await page.locator('#rows tr').count(), 500);
	const busy = (await cpu() - before) / seconds;
	const long = await page.evaluate(() => window.longTasks);
	const blocked = long.reduce((sum, ms) => sum + ms, 0) / (seconds * 1000);

	const figures = `main thread busy ${(100 * busy).toFixed(1)} % (CPU), ${long.length} long tasks, ` +
		`${(100 * blocked).toFixed(1)} % of ${seconds} s`;
	console.error(`# ${figures}`);
	/* Long tasks are shown only: they grow with whatever else the machine does. */
	assert.ok(busy < 0.5, figures);
});
