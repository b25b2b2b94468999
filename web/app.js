// SPDX-License-Identifier: Apache-2.0
/*
 * The page: ties the feed (events in) to the store (the last 500), the filters, the table and
 * the details. Whatever arrives is queued and shown in an animation frame, ten times a second
 * at most.
 */
import { Activity } from './activity.js';
import { getSchema } from './api.js';
import { Details } from './details.js';
import { byId, setText } from './dom.js';
import { Facets } from './facets.js';
import { Feed } from './feed.js';
import { compile, emptyFilter, formatHash, formatTerm, isEmpty, parseHash } from './filter.js';
import { formatCount, formatValue, shorten, visible } from './format.js';
import { bindKeys, fillHelp } from './keys.js';
import * as prefs from './prefs.js';
import { columnsOf, FALLBACK } from './schema.js';
import { SignIn, takeToken } from './signin.js';
import { LIMIT, MAX_NOTICES, Store } from './store.js';
import { Table } from './table.js';

const FLUSH_EVERY_MS = 100;
const FACETS_EVERY_MS = 250;
const ACTIVITY_EVERY_MS = 1000;
const STATES = {
	connecting: 'Connecting…',
	live: 'Live',
	polling: 'Polling every 2 s',
	reconnecting: 'Reconnecting…',
	'signed-out': 'Signed out',
};

const store = new Store();
const activity = new Activity(byId('activity'), byId('activity-label'));
const search = byId('search');
const helpDialog = byId('help-dialog');
let schema = FALLBACK;
let filter = emptyFilter();
let matches = compile(filter);
let state = 'connecting';
let queue = [];			/* arrived since the last frame */
let isFrameDue = false;
let lastFlush = 0;
let facetsTimer = 0;
let lastFacets = 0;
let nNewer = 0;			/* matching rows above what the reader looks at */
let nUnseen = 0;		/* high and critical, since the tab was hidden */
let host = '';

const table = new Table({
	scroller: byId('scroller'),
	head: byId('head'),
	body: byId('rows'),
	onSelect: (item) => {
		if (item && details.isOpen)
			details.show(item, schema, prefs.zone());
	},
	onOpen: openDetails,
	onScroll: showNewer,
});

const details = new Details({
	panel: byId('details'),
	title: byId('details-title'),
	summary: byId('details-summary'),
	fields: byId('details-fields'),
	raw: byId('details-raw'),
	copy: byId('details-copy'),
	close: byId('details-close'),
	onFilter: filterByValue,
	onClose: closeDetails,
});

const facets = new Facets({
	holders: {
		severity: byId('facet-severity'),
		type: byId('facet-type'),
		source: byId('facet-source'),
	},
	onToggle: toggleFacet,
});

const signIn = new SignIn({
	panel: byId('signin'),
	form: byId('signin-form'),
	input: byId('token'),
	error: byId('signin-error'),
	onDone: begin,
});

const feed = new Feed({ onItems: receive, onState: showState });

/* --- events in ------------------------------------------------------------------------- */

function receive(items) {
	const grave = items.filter(({ event }) =>
		event?.severity === 'high' || event?.severity === 'critical');

	if (document.hidden)
		nUnseen += grave.length;
	host = items.findLast(({ event }) => event?.host)?.event.host ?? host;
	showTitle();
	activity.add(items);
	/* A hidden tab gets no frames: nothing older than the table's size need be kept. */
	queue = queue.concat(items).slice(-LIMIT - MAX_NOTICES);
	if (!isFrameDue)
		setTimeout(() => requestAnimationFrame(flush), lastFlush + FLUSH_EVERY_MS - performance.now());
	isFrameDue = true;
}

/* The first event after a quiet moment is shown at once; a storm, ten times a second. */
function flush() {
	isFrameDue = false;
	lastFlush = performance.now();
	show(store.append(queue.splice(0)));
}

function show({ added, evicted }) {
	const shown = added.filter(isShown);

	if (table.isAnchored)
		nNewer += shown.filter((item) => item.event).length;
	table.update(shown, evicted);
	showNewer();
	if (performance.now() - lastFacets >= FACETS_EVERY_MS)
		showFacets();
	else
		facetsTimer ||= setTimeout(showFacets, FACETS_EVERY_MS);
	showEmptiness();
}

/* A notice belongs to the stream, not to a filter. */
function isShown(item) {
	return !item.event || matches(item);
}

/* --- what is shown --------------------------------------------------------------------- */

function showState(next, why) {
	const isBack = next === 'live' || next === 'polling';

	/* Another version of the server may have come up: its events may have other fields. */
	if (isBack && (state === 'reconnecting' || schema === FALLBACK))
		void loadSchema();
	if (isBack)
		signIn.hide();
	state = next;
	setText(byId('state-text'), STATES[state]);
	byId('state').dataset.state = state;
	byId('state').title = why;
	if (state === 'signed-out')
		signIn.ask();
	showEmptiness();
}

function showTitle() {
	const name = shorten(visible(formatValue(host)), 64);

	setText(byId('host'), name);
	document.title = `${nUnseen > 0 ? `(${nUnseen}) ` : ''}LKSM${name === '' ? '' : ` · ${name}`}`;
}

function showNewer() {
	const newer = byId('newer');

	if (!table.isAnchored)
		nNewer = 0;
	if (store.paused)
		setText(newer, `Paused · ${formatCount(store.nHeld, 'new event', 'new events')} · Resume`);
	else
		setText(newer, `↑ ${formatCount(nNewer, 'newer event', 'newer events')}`);
	newer.hidden = !store.paused && nNewer === 0;
	newer.classList.toggle('paused', store.paused);
}

function showFacets() {
	clearTimeout(facetsTimer);
	facetsTimer = 0;
	lastFacets = performance.now();
	facets.update(store.items, filter);
}

function showEmptiness() {
	const nEvents = store.items.filter((item) => item.event).length;
	const nShown = table.nEvents;
	const isReady = state === 'live' || state === 'polling';

	byId('empty').hidden = nEvents > 0 || !isReady;
	byId('unmatched').hidden = nEvents === 0 || nShown > 0;
	setText(byId('unmatched-count'), nEvents === 1 ? '1 event is' : `${nEvents} events are`);
	byId('activity-panel').hidden = nEvents === 0;
	byId('clear').hidden = isEmpty(filter);
	setText(byId('shown'), isEmpty(filter) ? `${formatCount(nEvents, 'event', 'events')} shown` +
		(nEvents === LIMIT ? ', the newest ones' : '') : `${nShown} of ${nEvents} events shown`);
}

function showPrefs() {
	setText(byId('theme'), prefs.theme() === 'dark' ? 'Light' : 'Dark');
	setText(byId('zone'), prefs.zone() === 'utc' ? 'UTC' : 'Local time');
}

function showAll() {
	table.setZone(prefs.zone());
	table.reset(store.items.filter(isShown));
	showFacets();
	showEmptiness();
}

/* --- what the reader does -------------------------------------------------------------- */

/* The address follows the filter, without a new entry in the history for every letter. */
function setFilter(next, isFromAddress = false) {
	filter = next;
	matches = compile(filter);
	if (search.value.trim() !== filter.text.trim())
		search.value = filter.text;
	if (!isFromAddress)
		history.replaceState(null, '', location.pathname + location.search + formatHash(filter));
	nNewer = 0;
	showAll();
	showNewer();
}

function toggleFacet(facet, name) {
	const names = filter[facet].includes(name) ? filter[facet].filter((other) => other !== name) :
		[...filter[facet], name];

	setFilter({ ...filter, [facet]: names });
}

function filterByValue(key, value, negated) {
	const term = formatTerm(key, value, negated);

	if (!filter.text.split(/\s+/).includes(term))
		setFilter({ ...filter, text: `${filter.text.trim()} ${term}`.trim() });
}

function clearFilters() {
	setFilter(emptyFilter());
}

function togglePause() {
	const pause = byId('pause');

	if (store.paused) {
		nNewer = 0;
		show(store.resume());
	} else {
		flush();
		store.pause();
		showNewer();
	}
	setText(pause, store.paused ? 'Resume' : 'Pause');
	pause.setAttribute('aria-pressed', String(store.paused));
}

function openDetails(item) {
	if (!item?.event)
		return;
	details.show(item, schema, prefs.zone());
	byId('details-title').focus({ preventScroll: true });
}

function openSelected() {
	table.selectFocused();
	openDetails(table.selectedItem);
}

function closeDetails() {
	details.close();
	table.focusSelected();
}

/* Escape leaves the innermost thing first. */
function escape() {
	if (document.activeElement === search)
		search.blur();
	else if (details.isOpen)
		closeDetails();
	else
		toTop();
}

function toTop() {
	table.toTop();
	showNewer();
}

function move(step) {
	table.move(step);
	if (!details.isOpen)
		table.focusSelected();
	showNewer();
}

function toggleTheme() {
	prefs.toggleTheme();
	showPrefs();
}

function toggleZone() {
	prefs.toggleZone();
	showPrefs();
	showAll();
	details.refresh(schema, prefs.zone());
}

function toggleRail() {
	const isOpen = document.body.classList.toggle('rail-open');

	byId('filters').setAttribute('aria-expanded', String(isOpen));
}

const BINDINGS = [
	{ keys: ['j', 'ArrowDown'], show: ['j', '↓'], help: 'next (older) event', run: () => move(1) },
	{ keys: ['k', 'ArrowUp'], show: ['k', '↑'], help: 'previous (newer) event', run: () => move(-1) },
	{ keys: ['g', 'Home'], show: ['g', 'Home'], help: 'newest event', run: () => move(-Infinity) },
	{ keys: ['G', 'End'], show: ['G', 'End'], help: 'oldest event', run: () => move(Infinity) },
	{ keys: ['Enter'], show: ['Enter'], help: 'details', run: openSelected },
	{ keys: ['Escape'], show: ['Esc'], help: 'close; then back to the top', run: escape },
	{ keys: ['/'], show: ['/'], help: 'search', run: () => search.select() },
	{ keys: ['c'], show: ['c'], help: 'clear all filters', run: clearFilters },
	{ keys: ['p'], show: ['p'], help: 'pause, resume', run: togglePause },
	{ keys: ['u'], show: ['u'], help: 'UTC or local time', run: toggleZone },
	{ keys: ['t'], show: ['t'], help: 'light or dark', run: toggleTheme },
	{ keys: ['?'], show: ['?'], help: 'this help', run: () => helpDialog.showModal() },
];

function listen() {
	bindKeys(BINDINGS, () => helpDialog.open);
	fillHelp(byId('help-keys'), BINDINGS);
	byId('pause').addEventListener('click', togglePause);
	byId('zone').addEventListener('click', toggleZone);
	byId('theme').addEventListener('click', toggleTheme);
	byId('filters').addEventListener('click', toggleRail);
	byId('help').addEventListener('click', () => helpDialog.showModal());
	byId('clear').addEventListener('click', clearFilters);
	byId('unmatched-clear').addEventListener('click', clearFilters);
	byId('newer').addEventListener('click', () => store.paused ? togglePause() : toTop());
	search.addEventListener('input', () => setFilter({ ...filter, text: search.value }));
	byId('search-form').addEventListener('submit', (event) => {
		event.preventDefault();
		search.blur();
		move(-Infinity);
	});
	addEventListener('hashchange', () => void arrive());
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showPrefs);
	document.addEventListener('visibilitychange', () => {
		nUnseen = 0;
		showTitle();
	});
	setInterval(() => document.hidden || activity.draw(Date.now()), ACTIVITY_EVERY_MS);
}

/* --- beginning ------------------------------------------------------------------------- */

/* The address may bring a filter, a token, or both; true if the token opened the door. */
async function arrive() {
	const token = takeToken();

	setFilter(parseHash(location.hash), true);
	return token !== null && await signIn.submit(token);
}

async function loadSchema() {
	try {
		const next = await getSchema();

		if (JSON.stringify(next) === JSON.stringify(schema))
			return;
		schema = next;
	} catch {
		/* The feed meets the same trouble and says so; the fixed six fields will do. */
	}
	table.setColumns(columnsOf(schema));
	showAll();
	details.refresh(schema, prefs.zone());
}

/* Also after signing in: what was refused before is asked for again. */
async function begin() {
	await loadSchema();
	feed.start();
}

listen();
showPrefs();
activity.draw(Date.now());
if (!await arrive())
	await begin();
