// SPDX-License-Identifier: Apache-2.0
/*
 * What the reader chose once and wants again: light or dark, UTC or local time. Kept in
 * localStorage; where that is forbidden, for as long as the page is open.
 */
const memory = new Map();

function load(key) {
	try {
		return localStorage.getItem(key) ?? memory.get(key) ?? null;
	} catch {
		return memory.get(key) ?? null;
	}
}

function save(key, value) {
	memory.set(key, value);
	try {
		localStorage.setItem(key, value);
	} catch {
		/* kept in memory only */
	}
}

export function theme() {
	const chosen = load('lksm-theme');

	if (chosen === 'light' || chosen === 'dark')
		return chosen;
	return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

export function toggleTheme() {
	const next = theme() === 'dark' ? 'light' : 'dark';

	save('lksm-theme', next);
	document.documentElement.dataset.theme = next;
	return next;
}

export function isCollapsing() {
	return load('lksm-repeats') !== 'all';
}

export function toggleCollapsing() {
	save('lksm-repeats', isCollapsing() ? 'all' : 'once');
	return isCollapsing();
}

export function isShowingMuted() {
	return load('lksm-muted') === 'shown';
}

export function toggleMuted() {
	save('lksm-muted', isShowingMuted() ? 'hidden' : 'shown');
	return isShowingMuted();
}

export function zone() {
	return load('lksm-zone') === 'utc' ? 'utc' : 'local';
}

export function toggleZone() {
	save('lksm-zone', zone() === 'utc' ? 'local' : 'utc');
	return zone();
}
