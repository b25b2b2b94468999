// SPDX-License-Identifier: Apache-2.0
/*
 * The only ways in which this page makes elements. Text goes in as text: there is no way here
 * to hand markup to the browser.
 */
import { segments } from './format.js';

export function byId(id) {
	return document.getElementById(id);
}

export function element(name, className = '', ...children) {
	const node = document.createElement(name);

	if (className !== '')
		node.className = className;
	node.append(...children);
	return node;
}

export function button(className, label, onClick) {
	const node = element('button', className, label);

	node.type = 'button';
	node.addEventListener('click', onClick);
	return node;
}

/* Hostile text as nodes: unseen characters are shown and marked as stand-ins. */
export function safeText(text) {
	return segments(text).map((part) =>
		part.control ? element('span', 'control', part.text) : document.createTextNode(part.text));
}

/* Writes only what differs: most texts of most rows stay as they are. */
export function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

function copyBySelection(node) {
	const selection = getSelection();

	selection.selectAllChildren(node);
	const done = document.execCommand('copy');
	selection.removeAllRanges();
	return done;
}

/* Over plain HTTP on another name than localhost there is no navigator.clipboard. */
export async function copyText(text, node) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return copyBySelection(node);
	}
}
