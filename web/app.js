// SPDX-License-Identifier: Apache-2.0
/*
 * The page: ties together what there is to see. One view (view.js), which is also the address,
 * says whether the list shows what is live (live.js, fed by feed.js) or the history (past.js),
 * and under which filter; facets, charts, details and keys change the view.
 */
import { Activity } from './activity.js';
import { getEvent, getSchema, getTypes } from './api.js';
import { Details } from './details.js';
import { byId, copyText, setText } from './dom.js';
import { ExportDialog } from './export.js';
import { Facets } from './facets.js';
import { Feed } from './feed.js';
import { compile, cycle, emptyFilter, formatTerm, likeThis } from './filter.js';
import { formatCount } from './format.js';
import { bindKeys, fillHelp } from './keys.js';
import { Live } from './live.js';
import { MuteDialog } from './mute.js';
import { Mutes } from './mutes.js';
import { showFeedState, showPanels, showPastWords, showPill } from './panels.js';
import { Past } from './past.js';
import * as prefs from './prefs.js';
import { RangeBar } from './rangebar.js';
import { columnsOf, FALLBACK } from './schema.js';
import { SignIn, takeToken } from './signin.js';
import { Status } from './status.js';
import { Table } from './table.js';
import { Timeline } from './timeline.js';
import { Title } from './title.js';
import { emptyView, formatHash, parseHash } from './view.js';

const FACETS_EVERY_MS = 250;
const ACTIVITY_EVERY_MS = 1000;
const ADDRESS_AFTER_MS = 300;
const ASK_AFTER_MS = 20;
const NEAR_END_PX = 600;

const title = new Title();
const live = new Live({ onFlush: show });
const { store } = live;
const mutes = new Mutes({ button: byId('muted'), onChange: showMutes });
const activity = new Activity(byId('activity'), byId('activity-label'));
const search = byId('search');
const dialogs = ['help-dialog', 'export-dialog', 'mute-dialog'].map(byId);
let schema = FALLBACK;
let view = emptyView();
let matches = compile(view.filter);
let state = 'connecting';
let pastState = 'ready';
let hasMore = false;		/* pages of the history behind those in the list … */
let isFull = false;		/* … which takes no more */
let hasTimeline = false;
let pastCounts = {};
let facetsTimer = 0, addressTimer = 0, askTimer = 0, lastFacets = 0;
let nNewer = 0;			/* matching events above what the reader looks at */
let wantedEvent = null;		/* the address names it; it is opened when it is there */

const isLive = () => view.range === null;

const table = new Table({
	scroller: byId('scroller'),
	head: byId('head'),
	body: byId('rows'),
	onSelect: (item) => {
		if (item && details.isOpen)
			details.show(item, schema, prefs.zone());
		if (item?.event)
			noteEvent(item.seq);
		else if (!details.isOpen)
			noteEvent(null);
	},
	onOpen: openDetails,
	onScroll: () => {
		showNewer();
		takeMore();
	},
});

const details = new Details({
	panel: byId('details'),
	title: byId('details-title'),
	summary: byId('details-summary'),
	meaning: byId('details-meaning'),
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
		rule: byId('facet-rule'),
	},
	onToggle: (facet, name) => setFilter(cycle(view.filter, facet, name)),
});

const timeline = new Timeline({
	holder: byId('timeline-holder'),
	svg: byId('timeline'),
	label: byId('timeline-label'),
	begin: byId('timeline-begin'),
	end: byId('timeline-end'),
	onChoose: setRange,
});

const rangeBar = new RangeBar({
	group: byId('ranges'),
	custom: byId('custom'),
	onChoose: setRange,
});

const past = new Past({
	onState: showPastState,
	onItems: showPage,
	onHistogram: (answer, times) => {
		timeline.show(answer, times, prefs.zone(), Date.now() / 1000);
		hasTimeline = true;
		showEmptiness();
	},
	onFacets: (counts) => {
		pastCounts = counts;
		showFacets();
	},
});

const status = new Status({
	list: byId('status'),
	onHistory: () => isLive() || askPast(),
});

const muteDialog = new MuteDialog({
	dialog: byId('mute-dialog'),
	list: byId('mute-choices'),
	duration: byId('mute-for'),
	reason: byId('mute-reason'),
	command: byId('mute-command'),
	copy: byId('mute-copy'),
	note: byId('mute-note'),
});

const exportDialog = new ExportDialog({
	dialog: byId('export-dialog'),
	text: byId('export-text'),
	jsonl: byId('export-jsonl'),
	csv: byId('export-csv'),
});

const signIn = new SignIn({
	panel: byId('signin'),
	form: byId('signin-form'),
	input: byId('token'),
	error: byId('signin-error'),
	onDone: begin,
});

const feed = new Feed({ onItems: receive, onState: showState });

/* --- live events in -------------------------------------------------------------------- */

function receive(items) {
	mutes.note(items);
	title.note(items.filter((item) => !mutes.has(item)));
	activity.add(items);
	live.receive(items);
}

function show({ added, evicted }) {
	const shown = added.filter(isShown);

	if (isLive() ? table.isAnchored : isAwaitingNews())
		nNewer += shown.filter((item) => item.event && (isLive() || past.isNewer(item))).length;
	if (isLive()) {
		table.update(shown, evicted);
		openWanted();
		showFacetsSoon();
		showEmptiness();
	}
	showNewer();
}

/* Would a new event stand at the top of what the history shows? */
function isAwaitingNews() {
	return typeof view.range === 'string' && view.order === 'desc' && view.before === null && pastState === 'ready';
}

/* A notice belongs to the stream, not to a filter. */
function isShown(item) {
	return !item.event || matches(item) && !isHidden(item);
}

/* Live, as the commands that watch; the history has all. */
function isHidden(item) {
	return isLive() && mutes.hides(item);
}

/* Others are muted than before, or the reader wants to see them, or no more. */
function showMutes() {
	if (isLive())
		table.reset(store.items.filter(isShown));
	showFacets();
	showEmptiness();
}

/* --- the history in -------------------------------------------------------------------- */

function askPast(isTyping = false) {
	clearTimeout(askTimer);
	nNewer = 0;
	if (status.hasHistory === false)
		showPastState('off', '');
	else if (status.hasHistory)
		past.ask(view, live.freshSeq, isTyping);
	else
		showPastState('asking', '');
}

function showPage(items, { isFirst, hasMore: more, isFull: full }) {
	hasMore = more;
	if (isFirst) {
		table.reset([...items].reverse());
		byId('scroller').scrollTop = 0;
		openWanted();
	} else {
		table.append(items);
	}
	isFull = full;
	pastState = 'ready';
	if (isFirst && isAwaitingNews()) /* what came in and was not in the index yet */
		nNewer = store.items.filter((item) => item.event && isShown(item) && past.isNewer(item)).length;
	showEmptiness();
	showNewer();
}

function takeMore() {
	if (!isLive() && hasMore && table.pxToEnd < NEAR_END_PX)
		void past.more();
}

function showPastState(next, why) {
	pastState = next;
	if (isLive())
		return;
	if (next === 'signed-out')
		signIn.ask();
	if (next === 'off' || next === 'failed' && past.nRows === 0)
		table.reset([]);
	showPastWords(next, why, next === 'failed' && past.nRows > 0);
	if (next === 'ready')
		takeMore();
	showEmptiness();
	showNewer();
	/* live, the same would be said ten times a second */
	setText(byId('said'), next === 'ready' ? byId('shown').textContent : '');
}

/* --- what is shown --------------------------------------------------------------------- */

function showState(next, why) {
	const isBack = next === 'live' || next === 'polling';

	/* Another version of the server may have come up: its events may have other fields. */
	if (isBack && (state === 'reconnecting' || schema === FALLBACK))
		void loadSchema();
	if (isBack) {
		if (state === 'reconnecting')
			void mutes.load();
		signIn.hide();
		if (state !== 'live' && state !== 'polling')
			status.start();
		if (pastState === 'failed' && !isLive())
			askPast();
	} else {
		status.stop();
	}
	state = next;
	showFeedState(state, why);
	if (state === 'signed-out')
		signIn.ask();
	showEmptiness();
}

function showNewer() {
	if (isLive() && !table.isAnchored)
		nNewer = 0;
	showPill({ isLive: isLive(), isHeld: store.paused && isLive(), nHeld: store.nHeld, nNewer, view });
}

function showFacets() {
	clearTimeout(facetsTimer);
	facetsTimer = 0;
	lastFacets = performance.now();
	if (isLive())
		facets.update(store.items.filter((item) => !isHidden(item)), view.filter);
	else
		facets.show(pastCounts, view.filter);
}

function showFacetsSoon() {
	if (performance.now() - lastFacets >= FACETS_EVERY_MS)
		showFacets();
	else
		facetsTimer ||= setTimeout(showFacets, FACETS_EVERY_MS);
}

function showEmptiness() {
	const kept = store.items.filter((item) => item.event);
	const nMuted = mutes.count(kept, isLive());

	showPanels({
		isLive: isLive(),
		isReady: state === 'live' || state === 'polling',
		isSignedOut: state === 'signed-out',
		view, pastState, hasMore, isFull, hasTimeline,
		nEvents: kept.length - nMuted,
		nMuted,
		nShown: table.nEvents,
		nFolded: table.nHidden,
	});
}

function showPrefs() {
	setText(byId('theme'), prefs.theme() === 'dark' ? 'Light' : 'Dark');
	setText(byId('zone'), prefs.zone() === 'utc' ? 'UTC' : 'Local time');
	setText(byId('repeats'), prefs.isCollapsing() ? 'Repeats folded' : 'Repeats shown');
}

function showOrder() {
	byId('order').hidden = isLive();
	setText(byId('order'), view.order === 'asc' ? 'Oldest first' : 'Newest first');
	byId('pause').disabled = !isLive();
}

/* Anew, after the time zone or the columns changed. */
function showAll() {
	table.setZone(prefs.zone());
	timeline.setZone(prefs.zone());
	rangeBar.show(view.range, prefs.zone());
	table.redraw();
	showFacets();
	showEmptiness();
}

/* --- the view and its address ---------------------------------------------------------- */

/* A new time is a new entry in the browser's history; a letter of the search is none. */
function writeAddress(isStep = false) {
	const address = location.pathname + location.search + formatHash(view);

	clearTimeout(addressTimer);
	if (isStep)
		history.pushState(null, '', address);
	else
		history.replaceState(null, '', address);
}

/* The open event follows the keys, faster than browsers let addresses change. */
function noteEvent(seq) {
	if (view.event === seq)
		return;
	view = { ...view, event: seq };
	clearTimeout(addressTimer);
	addressTimer = setTimeout(writeAddress, ADDRESS_AFTER_MS);
}

/* isTyping: another letter may follow */
function setView(next, { isStep = false, isFromAddress = false, isTyping = false } = {}) {
	const wasLive = isLive();

	view = next;
	matches = compile(view.filter);
	nNewer = 0;
	hasMore = false;
	if (search.value.trim() !== view.filter.text.trim())
		search.value = view.filter.text;
	if (!isFromAddress)
		writeAddress(isStep);
	showPastWords('', '', false);
	past.stop();
	clearTimeout(askTimer);
	pastState = 'asking';
	if (isLive() || wasLive) {
		hasTimeline = false;
		pastCounts = {};
		table.reset(isLive() ? store.items.filter(isShown) : []);
	}
	rangeBar.show(view.range, prefs.zone());
	showOrder();
	showFacets();
	showEmptiness();
	showNewer();
	if (!isLive() && isTyping)
		askTimer = setTimeout(() => askPast(true), ASK_AFTER_MS);
	else if (!isLive())
		askPast();
}

function setFilter(filter, options = {}) {
	setView({ ...view, filter, before: null }, options);
}

function setRange(range) {
	setView({ ...view, range, before: null, order: range === null ? 'desc' : view.order }, { isStep: true });
}

function filterByValue(key, value, negated) {
	const term = formatTerm(key, value, negated);
	const { text } = view.filter;

	if (!` ${text} `.includes(` ${term} `))
		setFilter({ ...view.filter, text: `${text.trim()} ${term}`.trim() });
}

function clearFilters() {
	setFilter(emptyFilter());
}

/* --- what the reader does -------------------------------------------------------------- */

function togglePause() {
	const pause = byId('pause');

	if (!isLive())
		return;
	nNewer = 0;
	if (store.paused)
		live.resume();
	else
		live.pause();
	showNewer();
	setText(pause, store.paused ? 'Resume' : 'Pause');
	pause.setAttribute('aria-pressed', String(store.paused));
}

/* The pill above the list: to what is new. */
function toNewest() {
	if (store.paused && isLive())
		togglePause();
	else if (isLive())
		toTop();
	else
		setView({ ...view, before: null });
}

function openDetails(item) {
	if (!item?.event)
		return;
	details.show(item, schema, prefs.zone());
	noteEvent(item.seq);
	byId('details-title').focus({ preventScroll: true });
}

function openSelected() {
	table.selectFocused();
	openDetails(table.selectedItem);
}

/* The event that the address names: from the list, or from the history if it is older. */
function openWanted() {
	const seq = wantedEvent;

	if (seq === null)
		return;
	wantedEvent = null;
	const item = table.selectSeq(seq);
	if (item)
		openDetails(item);
	else if (status.hasHistory)
		void openFromHistory(seq);
}

async function openFromHistory(seq) {
	try {
		openDetails(await getEvent(seq));
	} catch {
		/* the list is there all the same, and says if the server is not */
	}
}

function closeDetails() {
	details.close();
	table.focusSelected();
	if (!table.selectedItem)
		noteEvent(null);
}

/* The event that the keys are about. */
function currentItem() {
	return details.isOpen ? details.item : table.selectedItem;
}

function moreLikeThis() {
	const event = currentItem()?.event;

	if (event)
		setView({ ...view, range: status.hasHistory ? 'all' : null, before: null, filter: likeThis(event) },
			{ isStep: true });
}

function openMute() {
	const item = currentItem();

	if (item?.event)
		muteDialog.open(item.event);
}

async function copyLink() {
	const holder = byId('details-link');

	writeAddress();
	setText(holder, await copyText(location.href, holder) ? 'Copied' : 'Copying failed');
}

function openExport() {
	const params = past.exportParams;

	if (isLive())
		exportDialog.openLive(store.items.filter((item) => item.event && isShown(item)), schema);
	else if (params)
		exportDialog.openPast(params);
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
	takeMore();
}

function toggleRepeats() {
	table.selectFocused();
	table.toggleRepeats(table.selectedItem);
	showEmptiness();
}

function toggleCollapsing() {
	table.setCollapsing(prefs.toggleCollapsing());
	showPrefs();
	showEmptiness();
}

function toggleOrder() {
	if (!isLive())
		setView({ ...view, order: view.order === 'asc' ? 'desc' : 'asc', before: null });
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
	{ keys: ['j', 'ArrowDown'], show: ['j', '↓'], help: 'next event', run: () => move(1) },
	{ keys: ['k', 'ArrowUp'], show: ['k', '↑'], help: 'previous event', run: () => move(-1) },
	{ keys: ['g', 'Home'], show: ['g', 'Home'], help: 'first event', run: () => move(-Infinity) },
	{ keys: ['G', 'End'], show: ['G', 'End'], help: 'last event', run: () => move(Infinity) },
	{ keys: ['Enter'], show: ['Enter'], help: 'details', run: openSelected },
	{ keys: ['Escape'], show: ['Esc'], help: 'close; then back to the top', run: escape },
	{ keys: ['x'], show: ['x'], help: 'unfold or fold repeats of this event', run: toggleRepeats },
	{ keys: ['X'], show: ['X'], help: 'all repeats, or each once', run: toggleCollapsing },
	{ keys: ['/'], show: ['/'], help: 'search', run: () => search.select() },
	{ keys: ['c'], show: ['c'], help: 'clear all filters', run: clearFilters },
	{ keys: ['l'], show: ['l'], help: 'live, or the last 24 hours', run: () => setRange(isLive() ? '24h' : null) },
	{ keys: ['o'], show: ['o'], help: 'newest or oldest first (history)', run: toggleOrder },
	{ keys: ['s'], show: ['s'], help: 'more like this event', run: moreLikeThis },
	{ keys: ['m'], show: ['m'], help: 'mute this event: the command', run: openMute },
	{ keys: ['M'], show: ['M'], help: 'what is muted: show or hide it (live)', run: () => mutes.toggle() },
	{ keys: ['e'], show: ['e'], help: 'export what is shown', run: openExport },
	{ keys: ['p'], show: ['p'], help: 'pause, resume (live)', run: togglePause },
	{ keys: ['u'], show: ['u'], help: 'UTC or local time', run: toggleZone },
	{ keys: ['t'], show: ['t'], help: 'light or dark', run: toggleTheme },
	{ keys: ['?'], show: ['?'], help: 'this help', run: () => byId('help-dialog').showModal() },
];

const CLICKS = {
	pause: togglePause,
	zone: toggleZone,
	theme: toggleTheme,
	filters: toggleRail,
	help: () => byId('help-dialog').showModal(),
	clear: clearFilters,
	order: toggleOrder,
	repeats: toggleCollapsing,
	muted: () => mutes.toggle(),
	'all-muted-show': () => mutes.toggle(),
	export: openExport,
	newer: toNewest,
	'unmatched-clear': clearFilters,
	'past-clear': clearFilters,
	'past-wider': () => setRange('all'),
	'past-retry': () => askPast(),
	'older-button': () => setView({ ...view, before: Number(table.lastSeq),
		event: details.isOpen ? view.event : null }, { isStep: true }),
	'details-like': moreLikeThis,
	'details-mute': openMute,
	'details-link': () => void copyLink(),
};

function listen() {
	bindKeys(BINDINGS, () => dialogs.some((dialog) => dialog.open));
	fillHelp(byId('help-keys'), BINDINGS);
	for (const [id, run] of Object.entries(CLICKS))
		byId(id).addEventListener('click', run);
	for (const button of document.querySelectorAll('.to-live'))
		button.addEventListener('click', () => setRange(null));
	search.addEventListener('input', () =>
		setFilter({ ...view.filter, text: search.value }, { isTyping: true }));
	byId('search-form').addEventListener('submit', (event) => {
		event.preventDefault();
		search.blur();
		if (isLive())
			move(-Infinity);
	});
	addEventListener('hashchange', () => void arrive());
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showPrefs);
	setInterval(() => {
		mutes.checkTime();
		if (!document.hidden)
			activity.draw(Date.now());
	}, ACTIVITY_EVERY_MS);
}

/* --- beginning ------------------------------------------------------------------------- */

/* The address may bring a view, a token, or both; true if the token opened the door. */
async function arrive() {
	const token = takeToken();
	const next = parseHash(location.hash);

	wantedEvent = next.event === view.event ? null : next.event;
	if (next.event === null && details.isOpen)
		details.close();
	setView(next, { isFromAddress: true });
	return token !== null && await signIn.submit(token);
}

async function loadSchema() {
	try {
		const next = await getSchema();

		details.types = await getTypes();
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
	void mutes.load();
	feed.start();
	if (!isLive() && status.hasHistory)
		askPast();
}

listen();
showPrefs();
table.setCollapsing(prefs.isCollapsing());
activity.draw(Date.now());
if (!await arrive())
	await begin();
