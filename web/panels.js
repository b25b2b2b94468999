// SPDX-License-Identifier: Apache-2.0
/*
 * What stands where events would be, and why there are none: nothing yet, nothing that matches,
 * no history, a question under way or failed. And the line that counts what is shown.
 */
import { byId, setText } from './dom.js';
import { isEmpty } from './filter.js';
import { formatCount } from './format.js';
import { LIMIT } from './store.js';

const STATES = {
	connecting: 'Connecting…',
	live: 'Live',
	polling: 'Polling every 2 s',
	reconnecting: 'Reconnecting…',
	'signed-out': 'Signed out',
};

/* How events come in; why: what happened, for who points at it. */
export function showFeedState(state, why) {
	setText(byId('state-text'), STATES[state]);
	byId('state').dataset.state = state;
	byId('state').title = why;
}

/* The button above the list: to what is new. */
export function showPill({ isLive, isHeld, nHeld, nNewer, view }) {
	const newer = byId('newer');
	const isBehind = !isLive && view.before !== null;

	if (isHeld)
		setText(newer, `Paused · ${formatCount(nHeld, 'new event', 'new events')} · Resume`);
	else if (isBehind)
		setText(newer, '↑ To the newest');
	else
		setText(newer, `↑ ${formatCount(nNewer, 'newer event', 'newer events')}`);
	newer.hidden = !isHeld && nNewer === 0 && !isBehind;
	newer.classList.toggle('paused', isHeld);
}

function showOnly(shown) {
	for (const id of ['empty', 'unmatched', 'all-muted', 'past-empty', 'past-off', 'past-wait', 'past-failed'])
		byId(id).hidden = id !== shown;
}

function panelOfLive({ isReady, nEvents, nMuted, nShown }) {
	if (nEvents === 0 && nMuted > 0)
		return 'all-muted';
	if (nEvents === 0)
		return isReady ? 'empty' : '';
	return nShown === 0 ? 'unmatched' : '';
}

function panelOfPast({ pastState, nShown }) {
	if (pastState === 'off')
		return 'past-off';
	if (pastState === 'making' || pastState === 'asking' && nShown === 0)
		return 'past-wait';
	if (nShown > 0)
		return '';
	return { failed: 'past-failed', ready: 'past-empty' }[pastState] ?? '';
}

function countText({ isLive, view, pastState, hasMore, nEvents, nMuted, nShown, nFolded }) {
	const rest = (nFolded > 0 ? `, ${formatCount(nFolded, 'repeat', 'repeats')} folded` : '') +
		(isLive && nMuted > 0 ? `, ${nMuted} muted` : '');

	if (!isLive && (pastState === 'asking' || pastState === 'making'))
		return 'Searching…';
	if (!isLive)
		return `${formatCount(nShown, 'event', 'events')}${hasMore ? ' so far' : ''}${rest}`;
	if (isEmpty(view.filter))
		return `${formatCount(nEvents, 'event', 'events')} shown${nEvents + nMuted === LIMIT ? ', the newest ones' : ''}${rest}`;
	return `${nShown} of ${nEvents} events shown${rest}`;
}

/* What a question to the history came to, in words. */
export function showPastWords(pastState, why, isPartial) {
	setText(byId('past-wait-title'), pastState === 'making' ? 'The history is being made from the logs.' : 'Searching…');
	setText(byId('past-wait-text'), pastState === 'making' ? why : '');
	setText(byId('past-failed-text'), pastState === 'failed' && !isPartial ? why : '');
	setText(byId('search-error'), isPartial ? why : '');
	byId('search-error').hidden = !isPartial;
}

/*
 * now: { isLive, isReady: events come in, isSignedOut, view, pastState, hasMore, isFull,
 * nEvents: kept live and not hidden as muted, nMuted: so hidden, nShown, nFolded: in the list }
 */
export function showPanels(now) {
	const { isLive, view, pastState, nEvents, nShown } = now;

	showOnly(isLive ? panelOfLive(now) : now.isSignedOut ? '' : panelOfPast(now));
	setText(byId('unmatched-count'), nEvents === 1 ? '1 event is' : `${nEvents} events are`);
	setText(byId('all-muted-count'), now.nMuted === 1 ? '1 event is' : `${now.nMuted} events are`);
	byId('past-clear').hidden = byId('clear').hidden = isEmpty(view.filter);
	byId('past-wider').hidden = view.range === 'all';
	byId('older').hidden = isLive || !now.isFull || nShown === 0;
	byId('activity-panel').hidden = !isLive || nEvents + now.nMuted === 0;
	byId('timeline-panel').hidden = isLive || !now.hasTimeline || pastState === 'off';
	byId('scroller').setAttribute('aria-busy', String(!isLive && pastState === 'asking'));
	setText(byId('shown'), countText(now));
}
