// SPDX-License-Identifier: Apache-2.0
/*
 * The history: searched, drawn, filtered, sent to somebody else; and what is said without one.
 * The daemon's records are of this machine's boot, however long ago: only "all" has them for sure.
 */
import assert from 'node:assert/strict';
import { activeId, browserTest, kprobe, open, rowCount, rows, stateIs, until } from './harness.mjs';
import { encode } from './mock-server.mjs';
import { makeEvent, sampleEvents, stamp } from './sample-events.mjs';


/* Events at given ages in minutes, the oldest first. */
function aged(server, ...list) {
	const now = Date.now();

	server.push(...list.map(([minutes, event], i) => ({ ...event, ...stamp((now - minutes * 60e3) * 1000, i + 1) })));
}

function loaded(name, uid = 0) {
	return makeEvent('module_loaded', 'medium', 'kprobe_reader', { module: name, uid },
		{ rule: 'module_loaded', attack: ['T1547.006'], message: `Module loaded: ${name} by uid ${uid}` });
}

function probe(symbol, severity = 'info') {
	return makeEvent('kprobe_registered', severity, 'kprobe_reader', { symbol }, { rule: 'kprobe_registered' });
}

function range(page, name) {
	return page.locator(`.range[data-range="${name}"]`);
}

function toggle(page, name) {
	return page.locator(`.toggle[data-name="${name}"]`);
}

async function dataIs(page, want) {
	const isBusy = () => page.locator('#scroller[aria-busy="true"]').count();

	await until(async () => JSON.stringify((await rows(page)).map((row) => row.data)) === JSON.stringify(want) && !await isBusy(),
		`the rows ${JSON.stringify(want)}`).catch(async (error) => {
		assert.deepEqual((await rows(page)).map((row) => row.data), want);
		throw error;
	});
}

function hashOf(page) {
	return new URL(page.url()).hash;
}

browserTest('the history is searched: words, fields, negation, ranges', {}, async ({ page, server }) => {
	await server.log(kprobe('commit_creds'), '[PHOTON RING] Module loaded: foo by uid 0',
		'[PHOTON RING] Module loaded: bar by uid 7', '[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe detected!');
	await rowCount(page, 4);
	await range(page, 'all').click();
	await until(async () => /^\d+ events?/.test(await page.locator('#shown').innerText()) &&
		(await rows(page)).length === 4, 'the history');
	const cases = [
		['data.module:foo', ['module=foouid=0']],
		['module=bar', ['module=baruid=7']],
		['type:module_loaded -data.module:foo', ['module=baruid=7']],
		['type:module_loaded -severity:medium', []],
		['"kallsyms_lookup_name probe" min_severity:high', ['SUSPICIOUS *** kallsyms_lookup_name probe detected!']],
		['-loaded source:kprobe_reader -type:suspicious_probe', ['symbol=commit_creds']],
		['attack:T1547.006', ['module=baruid=7', 'module=foouid=0']],
		['suspic*', ['SUSPICIOUS *** kallsyms_lookup_name probe detected!']],
	];
	for (const [text, want] of cases) {
		await page.fill('#search', text);
		await dataIs(page, want);
		await page.locator('#said', { hasText: `${want.length} event` }).waitFor({ state: 'attached' });
	}
	assert.equal(hashOf(page), '#range=all&q=suspic*');
	await page.fill('#search', '');
	await page.click('#order');
	await dataIs(page, ['symbol=commit_creds', 'module=foouid=0', 'module=baruid=7',
		'SUSPICIOUS *** kallsyms_lookup_name probe detected!']);
	await range(page, 'live').click();
	assert.equal(hashOf(page), '');
	assert.equal((await rows(page))[0].type, 'suspicious_probe');
});

browserTest('a range asks for its time, and only for it', { mock: true }, async ({ page, server }) => {
	aged(server, [20 * 1440, loaded('month')], [3 * 1440, loaded('week')], [300, loaded('day')], [30, loaded('hour')], [5, loaded('now')]);
	await rowCount(page, 5);
	for (const [name, want] of [['15m', ['now']], ['1h', ['now', 'hour']], ['24h', ['now', 'hour', 'day']],
		['7d', ['now', 'hour', 'day', 'week']], ['all', ['now', 'hour', 'day', 'week', 'month']]]) {
		await range(page, name).click();
		await dataIs(page, want.map((module) => `module=${module}uid=0`));
		assert.equal(await range(page, name).getAttribute('aria-pressed'), 'true');
		assert.equal(hashOf(page), `#range=${name}`);
	}
	await page.goBack();
	await dataIs(page, ['now', 'hour', 'day', 'week'].map((module) => `module=${module}uid=0`));
	assert.equal(await range(page, '7d').getAttribute('aria-pressed'), 'true', 'back is the range before');
	await page.keyboard.press('l');
	assert.equal(hashOf(page), '');
});

browserTest('what cannot be asked is said, not left out', { failures: true }, async ({ page, server }) => {
	await server.log(kprobe('a'));
	await rowCount(page, 1);
	await range(page, 'all').click();
	await dataIs(page, ['symbol=a']);
	await page.fill('#search', 'seq:7');
	await page.getByText('The history cannot look for seq:…').waitFor();
	assert.equal((await rows(page)).length, 0, 'old rows are no answer to it');
	await page.fill('#search', 'symbol:a');
	await dataIs(page, ['symbol=a']);
	assert.equal(await page.locator('#past-failed').isVisible(), false);
});

browserTest('a view can be sent: query, filters, order, time and the open event', {}, async ({ page, server, context }) => {
	await server.log(kprobe('x'), kprobe('y'), '[PHOTON RING] Module loaded: foo by uid 0');
	const list = await rowCount(page, 3);
	await range(page, 'all').click();
	await dataIs(page, ['module=foouid=0', 'symbol=y', 'symbol=x']);
	await page.fill('#search', '-module:foo');
	await dataIs(page, ['symbol=y', 'symbol=x']);
	await page.click('#order');
	await dataIs(page, ['symbol=x', 'symbol=y']);
	await page.locator(`tr[data-seq="${list[1].seq}"]`).click();
	await until(() => hashOf(page) === `#range=all&order=asc&q=-module:foo&event=${list[1].seq}`, 'the address');
	const other = await context.newPage();
	await other.goto(page.url());
	await dataIs(other, ['symbol=x', 'symbol=y']);
	await until(async () => await other.locator('#details').getAttribute('data-seq') === String(list[1].seq), 'the event');
	assert.equal(await other.inputValue('#search'), '-module:foo');
	assert.equal(await other.locator('tr[aria-selected="true"]').getAttribute('data-seq'), String(list[1].seq));
	await other.close();
});

browserTest('an event that the list does not have is opened from the history', { open: false, mock: true }, async ({ page, server }) => {
	aged(server, [3 * 1440, loaded('old')], [1, loaded('new')]);
	await open(page, server, '#range=15m&event=0');
	await dataIs(page, ['module=newuid=0']);
	await until(async () => await page.locator('#details').getAttribute('data-seq') === '0', 'the event');
	assert.match(await page.locator('#details-raw').innerText(), /"module": "old"/);
	await page.keyboard.press('Escape');
	await until(() => hashOf(page) === '#range=15m', 'the address');
});

browserTest('the timeline: bars with severities, dragged over or chosen with keys', { mock: true }, async ({ page, server }) => {
	aged(server, [59, loaded('first')], [40, probe('a', 'critical')], [39, loaded('b')], [2, loaded('last')]);
	await rowCount(page, 4);
	await range(page, '1h').click();
	await page.locator('#timeline rect.critical').waitFor({ state: 'attached' });
	assert.equal(await page.locator('#timeline-label').innerText(), '4 events, 1 high or critical');
	assert.equal(await page.locator('#timeline rect.medium').count(), 3);

	const box = await page.locator('#timeline').boundingBox();
	const bars = Number((await page.locator('#timeline').getAttribute('viewBox')).split(' ')[2]) / 4;
	const x = (bar) => box.x + (bar + 0.5) / bars * box.width;
	const from = Math.round(bars * 0.2), to = Math.round(bars * 0.45);
	await page.mouse.move(x(from), box.y + 10);
	await page.mouse.down();
	await page.mouse.move(x(to), box.y + 20, { steps: 3 });
	assert.match(await page.locator('#timeline-label').innerText(), /–.*: 2 events, 1 high or critical$/);
	await page.mouse.up();
	await dataIs(page, ['module=buid=0', 'symbol=a']);
	assert.match(hashOf(page), /^#since=[\dT:-]+Z&until=[\dT:-]+Z$/);
	assert.equal(await page.locator('#custom').isVisible(), true);
	assert.match(await page.locator('#custom').innerText(), /^\d\d-\d\d \d\d:\d\d – \d\d-\d\d \d\d:\d\d ✕$/);

	await page.goBack();
	await dataIs(page, ['module=lastuid=0', 'module=buid=0', 'symbol=a', 'module=firstuid=0']);
	const holder = page.locator('#timeline-holder');
	await holder.focus();
	await page.keyboard.press('Home');
	await page.keyboard.press('Shift+PageDown');
	await page.keyboard.press('Shift+ArrowLeft');
	assert.match(await holder.getAttribute('aria-valuetext'), /: 1 event, 0 high or critical$/);
	await page.keyboard.press('Escape');
	assert.equal(await holder.getAttribute('aria-valuetext'), '4 events, 1 high or critical');
	assert.equal(await activeId(page), 'timeline-holder');
	await page.keyboard.press('Home');
	await page.keyboard.press('Shift+PageDown');
	await page.keyboard.press('Enter');
	await dataIs(page, ['module=firstuid=0']);
	await page.keyboard.press('u');
	assert.match(await page.locator('#custom').innerText(), new RegExp(`^${new Date(Date.now() - 3600e3).toISOString().slice(5, 10)}`));
});

browserTest('facets show, hide and let go, each with the counts beside it', {}, async ({ page, server }) => {
	await server.log(kprobe('a'), kprobe('b'), '[PHOTON RING] Module loaded: foo by uid 0',
		'[PHOTON RING] SUSPICIOUS *** kallsyms_lookup_name probe detected!');
	await rowCount(page, 4);
	for (const name of ['live', 'all']) {
		await range(page, name).click();
		await until(async () => await toggle(page, 'kprobe_registered').first().locator('.count').innerText() === '2', 'counts');
		const type = page.locator('#facet-type .toggle[data-name="kprobe_registered"]');
		await type.click();
		assert.equal(await type.getAttribute('aria-pressed'), 'true');
		await dataIs(page, ['symbol=b', 'symbol=a']);
		assert.equal(await page.locator('#facet-type .toggle[data-name="module_loaded"] .count').innerText(), '1',
			'what another would give');
		await until(async () => await toggle(page, 'high').locator('.count').innerText() === '0', 'the other facets');
		await type.click();
		assert.equal(await type.getAttribute('aria-pressed'), 'mixed');
		assert.match(await type.innerText(), /^not\s/);
		await until(async () => (await rows(page)).map((row) => row.type).join() === 'suspicious_probe,module_loaded', 'the others');
		assert.match(hashOf(page), /type=!kprobe_registered/);
		await page.locator('#facet-rule .toggle[data-name="module_loaded"]').click();
		await dataIs(page, ['module=foouid=0']);
		await page.click('#clear');
		await until(async () => (await rows(page)).length === 4, 'all');
		assert.equal(await type.getAttribute('aria-pressed'), 'false');
	}
});

browserTest('pages come as the reader comes to the end, and the list is bounded', { mock: true }, async ({ page, server }) => {
	const now = Date.now();

	server.push(...Array.from({ length: 2300 }, (_, i) => ({ ...probe(`s${i}`), ...stamp((now - 2300e3 + i * 1000) * 1000, i + 1) })));
	await range(page, 'all').click();
	await until(async () => (await rows(page)).length === 100 && (await rows(page))[0].seq === 2299, 'the first page');
	for (const count of [200, 300, 400, 500, 600, 700, 800, 900, 1000]) {
		await page.keyboard.press('G');
		await until(async () => (await rows(page)).length === count, `${count} rows`);
	}
	await page.keyboard.press('G');
	await page.locator('#older').waitFor();
	const list = await rows(page);
	assert.deepEqual(list.map((row) => row.seq), Array.from({ length: 1000 }, (_, i) => 2299 - i), 'each once, in order');
	await page.click('#older-button');
	await until(async () => (await rows(page))[0].seq === 1299 && (await rows(page)).length === 100, 'the next part');
	assert.equal(hashOf(page), '#range=all&before=1300');
	await page.getByText('↑ To the newest').click();
	await until(async () => (await rows(page))[0].seq === 2299, 'the newest');
});

browserTest('new events are told while the history is looked at', {}, async ({ page, server }) => {
	await server.log(kprobe('a'));
	await rowCount(page, 1);
	await range(page, 'all').click();
	await dataIs(page, ['symbol=a']);
	await page.fill('#search', '-symbol:c');
	await dataIs(page, ['symbol=a']);
	await server.log(kprobe('b'), kprobe('c'));
	await page.getByText('↑ 1 newer event').waitFor();
	assert.equal((await rows(page)).length, 1, 'the list stays as it was');
	await until(async () => {
		if (await page.locator('#newer').isVisible())
			await page.click('#newer');
		return (await rows(page)).length === 2;
	}, 'the new one');
	assert.equal((await rows(page))[0].data, 'symbol=b');
});

browserTest('what the history already has is not told as new', { mock: true, open: false }, async ({ page, server }) => {
	aged(server, [9, probe('a')], [5, probe('b')]);
	await open(page, server, '#range=1h');
	await dataIs(page, ['symbol=b', 'symbol=a']);
	await server.log(kprobe('c'));
	await page.getByText('↑ 1 newer event').waitFor();
});

browserTest('what comes in late is not told as new, if the history has it', { mock: true }, async ({ page, server }) => {
	const now = (i) => stamp(Date.now() * 1000, i);

	aged(server, [9, probe('a')]);
	await rowCount(page, 1);
	const late = server.hold({ ...probe('b'), ...now(2) });
	await range(page, '1h').click();
	await dataIs(page, ['symbol=b', 'symbol=a']);
	server.deliver([...late, ...server.hold({ ...probe('c'), ...now(3) })]);
	await page.getByText('↑ 1 newer event').waitFor();
});

browserTest('repeats are folded with a count, unfolded, and never lost', {}, async ({ page, server }) => {
	const shown = () => page.locator('#rows tr.event:not([hidden]) td[data-key="data"]').allTextContents();

	await server.log(kprobe('a'), kprobe('b'), kprobe('a'), kprobe('c'), kprobe('a'));
	await rowCount(page, 5);
	for (const name of ['live', 'all']) {
		await range(page, name).click();
		await until(async () => (await shown()).filter((text) => /symbol/.test(text)).join() === '×3symbol=a,symbol=c,symbol=b', 'folded');
		assert.match(await page.locator('#shown').innerText(), /2 repeats folded$/);
		await page.locator('.times').click();
		assert.deepEqual((await shown()).filter((text) => /symbol/.test(text)), ['×3symbol=a', 'symbol=c', 'symbol=a', 'symbol=b', 'symbol=a']);
		assert.equal(await page.locator('#details').isVisible(), false, 'the count is no row');
		assert.equal(await page.locator('.times').getAttribute('aria-expanded'), 'true');
		await page.keyboard.press('G');
		await page.locator('#rows tr.member').last().click();
		await page.keyboard.press('Escape');
		await page.keyboard.press('x');
		assert.deepEqual((await shown()).filter((text) => /symbol/.test(text)), ['×3symbol=a', 'symbol=c', 'symbol=b']);
		assert.match(await page.locator('tr[aria-selected="true"]').innerText(), /×3/, 'the selection goes to the one that stays');
		await page.keyboard.press('X');
		assert.equal((await shown()).filter((text) => /symbol/.test(text)).length, 5);
		await page.keyboard.press('X');
	}
	await range(page, 'live').click();
	await page.keyboard.press('Escape');
	await server.log(kprobe('b'));
	await until(async () => (await shown()).filter((text) => /symbol/.test(text)).join() === '×2symbol=b,×3symbol=a,symbol=c', 'a new head');
});

browserTest('details: what it means, ATT&CK, more like this, mute, link', {
	context: { permissions: ['clipboard-read', 'clipboard-write'] },
}, async ({ page, server }) => {
	await server.log('[PHOTON RING] Module loaded: foo by uid 0', kprobe('a'), "[PHOTON RING] Module loaded: it's by uid 7");
	const list = await rowCount(page, 3);
	await page.locator(`tr[data-seq="${list[0].seq}"]`).click();
	const link = page.locator('a.attack');
	assert.equal(await link.getAttribute('href'), 'https://attack.mitre.org/techniques/T1547/006/');
	assert.match(await link.getAttribute('rel'), /noopener/);
	if (!server.isReal)
		assert.equal(await page.locator('#details-meaning').innerText(), 'A kernel module was loaded.');
	assert.equal(await page.locator('dd[data-key="rule"] .value').innerText(), 'module_loaded');
	assert.equal(await page.locator('dd[data-key="rule"] code').innerText(), 'lksm rules show module_loaded');

	await page.click('#details-mute');
	assert.equal(await page.locator('#mute-command').textContent(),
		"lksm mute --type module_loaded --data 'module=it'\\''s' --data uid=7 --for 7d");
	await page.locator('#mute-choices input').last().uncheck();
	await page.selectOption('#mute-for', '');
	await page.fill('#mute-reason', 'known');
	assert.equal(await page.locator('#mute-command').textContent(),
		"lksm mute --type module_loaded --data 'module=it'\\''s' --reason known");
	await page.click('#mute-copy');
	await page.locator('#mute-copy', { hasText: 'Copied' }).waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
		"lksm mute --type module_loaded --data 'module=it'\\''s' --reason known");
	await page.keyboard.press('Escape');

	await page.click('#details-link');
	await page.locator('#details-link', { hasText: 'Copied' }).waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${server.url}#event=${list[0].seq}`);
	await page.click('#details-like');
	await dataIs(page, ["module=it'suid=7", 'module=foouid=0']);
	assert.match(hashOf(page), /^#range=all&type=module_loaded/);
});

browserTest('export is the question of the list, or what is live', {}, async ({ page, server }) => {
	await server.log(kprobe('a'), '[PHOTON RING] Module loaded: foo by uid 0');
	await rowCount(page, 2);
	const text = async (link) => {
		const [download] = await Promise.all([page.waitForEvent('download'), page.click(link)]);
		let all = '';

		for await (const chunk of await download.createReadStream())
			all += chunk;
		return all;
	};

	await page.fill('#search', 'type:module_loaded');
	await rowCount(page, 1);
	await page.locator('#search').blur();
	for (const name of ['live', 'all']) {
		await range(page, name).click();
		await dataIs(page, ['module=foouid=0']);
		await page.keyboard.press('e');
		const lines = (await text('#export-jsonl')).trim().split('\n');
		assert.equal(lines.length, 1);
		assert.equal(JSON.parse(lines[0]).data.module, 'foo');
		if (name === 'live' || server.isReal)
			assert.match(await text('#export-csv'), /^"?seq"?,[^]*\r\n\d+,[^]*module_loaded[^]*\r\n$/);
		await page.keyboard.press('Escape');
	}
});

browserTest('without a history it works live, and says how to turn it on', { mock: true, open: false }, async ({ page, server }) => {
	server.history = null;
	await server.log(kprobe('a'));
	await open(page, server);
	await rowCount(page, 1);
	await page.locator('#status', { hasText: 'History off' }).waitFor();
	await range(page, '24h').click();
	await page.locator('#past-off').waitFor();
	assert.match(await page.locator('#past-off').innerText(), /lksm\.yaml[^]*enabled: true/);
	assert.equal((await rows(page)).length, 0);
	assert.equal(server.asked.length, 0, 'nothing is asked in vain');
	await page.locator('#past-off .to-live').click();
	await rowCount(page, 1);
	assert.equal(await page.locator('#past-off').isVisible(), false);
});

browserTest('a history that is being made, busy or broken is told, and tried again', { mock: true, failures: true }, async ({ page, server }) => {
	await server.log(kprobe('a'));
	await rowCount(page, 1);
	server.problem = { status: 503, title: 'The history is being made', detail: 'not all logs have been read' };
	await range(page, '24h').click();
	await page.getByText('The history is being made from the logs.').waitFor();
	server.problem = { status: 503, title: 'Too many questions at once', detail: 'come again in a second' };
	await until(() => server.asked.length > 3, 'more tries');
	server.problem = { status: 503, title: 'Too much to search', detail: 'the query took too long' };
	await page.getByText('the query took too long').waitFor();
	server.problem = null;
	await page.click('#past-retry');
	await dataIs(page, ['symbol=a']);
});

browserTest('the history comes back with the server', { mock: true, failures: true }, async ({ page, server }) => {
	await server.log(kprobe('a'));
	await rowCount(page, 1);
	await server.stop();
	await stateIs(page, 'reconnecting');
	await range(page, '24h').click();
	await page.getByText('The server cannot be reached.').waitFor();
	await server.start();
	await stateIs(page, 'live');
	await dataIs(page, ['symbol=a']);
});

browserTest('the state of the watching', { mock: true, open: false }, async ({ page, server }) => {
	Object.assign(server.status, { sensor: 'disarmed', lost: { overrun: 12, before_start: 3 } });
	await open(page, server);
	await page.locator('#status li', { hasText: 'Sensor disarmed' }).waitFor();
	assert.deepEqual(await page.locator('#status li.bad').allInnerTexts(), ['Sensor disarmed', '12 records lost']);
});

browserTest('the real one says it, too', {}, async ({ page, server }) => {
	if (!server.isReal)
		return;
	await server.log(kprobe('a'));
	await page.locator('#status li', { hasText: 'No sensor' }).waitFor();
	assert.equal(await page.locator('#status li').count(), 4);
});

for (const [width, height] of [[320, 640], [320, 256], [3840, 2160]])
	browserTest(`the history fits ${width} × ${height}`, { mock: true, open: false, context: { viewport: { width, height } } },
		async ({ page, server }) => {
			server.push(...sampleEvents(300, Date.now()));
			aged(server, [1, makeEvent('x'.repeat(200), 'high', 'y'.repeat(200), { ['k'.repeat(99)]: 'v'.repeat(9999) })]);
			await open(page, server, '#range=1h');
			await until(async () => (await rows(page)).length > 50, 'rows');
			const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth &&
				[...document.querySelectorAll('button, input, .foot, .status li')].filter((node) => node.checkVisibility())
					.every((node) => node.closest('.scroller, .rail-more, dialog') || node.getBoundingClientRect().right <= innerWidth + 0.5));

			assert.equal(await fits(), true, 'the list');
			assert.ok((await page.locator('#scroller').boundingBox()).height > 100, 'there is room for rows');
			await page.keyboard.press('j');
			await page.keyboard.press('Enter');
			assert.equal(await page.locator('.panel-body').evaluate((body) => body.scrollWidth <= body.clientWidth), true);
			await page.keyboard.press('m');
			assert.equal(await fits(), true, 'the dialog');
		});

browserTest('hostile values in the history and its commands run nothing', { mock: true }, async ({ page, server }) => {
	const evil = '<img src=x onerror=window.pwned=1>';

	server.history.push(encode({ seq: 900, ...stamp(Date.now() * 1000, 900), type: evil, data: { [evil]: evil, ok: "'; $(reboot) #" },
		severity: 'high', source: evil, rule: evil, attack: ['T1014', 'javascript:alert(1)', 'T1014/../../evil'] }));
	await range(page, 'all').click();
	await until(async () => (await rows(page)).length === 1, 'the row');
	await page.keyboard.press('j');
	await page.keyboard.press('Enter');
	assert.deepEqual(await page.locator('#details a').evaluateAll((links) => links.map((link) => link.href)),
		['https://attack.mitre.org/techniques/T1014/']);
	await page.keyboard.press('m');
	assert.match(await page.locator('#mute-command').textContent(), /--data 'ok='\\''; \$\(reboot\) #'/);
	await page.keyboard.press('Escape');
	await page.keyboard.press('s');
	assert.equal(await page.evaluate(() => window.pwned), undefined);
	assert.equal(await page.locator('main img, aside img, dialog img').count(), 0);
});
