// SPDX-License-Identifier: Apache-2.0
/*
 * The keyboard: one table, which the help is made from too. Keys typed into a field belong to
 * the field, except Escape.
 */
import { element } from './dom.js';

function isTyping(target) {
	return target instanceof HTMLElement && (target.isContentEditable ||
		['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));
}

/* Enter and Space on a button press that button. */
function isPressing(event) {
	return (event.key === 'Enter' || event.key === ' ') && event.target instanceof HTMLElement &&
		event.target.closest('button, a, summary') !== null;
}

/* bindings: [{ keys: [event.key …], show, help, run }]; isBlocked(): a dialog has the keys */
export function bindKeys(bindings, isBlocked) {
	document.addEventListener('keydown', (event) => {
		if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isBlocked())
			return;
		if (isTyping(event.target) && event.key !== 'Escape' || isPressing(event))
			return;
		const binding = bindings.find(({ keys }) => keys.includes(event.key));

		if (!binding)
			return;
		event.preventDefault();
		binding.run(event);
	});
}

export function fillHelp(list, bindings) {
	list.replaceChildren(...bindings.filter(({ help }) => help).flatMap(({ show, help }) => {
		const keys = element('dt');

		show.forEach((key, i) => keys.append(...(i > 0 ? [' '] : []), element('kbd', '', key)));
		return [keys, element('dd', '', help)];
	}));
}
