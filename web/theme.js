// SPDX-License-Identifier: Apache-2.0
/*
 * Sets the chosen theme before the first paint; a classic script, as modules run too late for
 * that. Without a choice the style sheet follows the system.
 */
try {
	const theme = localStorage.getItem('lksm-theme');

	if (theme === 'light' || theme === 'dark')
		document.documentElement.dataset.theme = theme;
} catch {
	/* storage is forbidden: the system's theme will do */
}
