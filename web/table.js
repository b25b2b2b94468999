// SPDX-License-Identifier: Apache-2.0
/*
 * The list of events, newest first. Rows have one height and are used again: at a hundred
 * events a second an old row is refilled and moved to the top. What the reader looks at stays
 * where it is: once scrolled down, or with a row selected, new rows push the view's offset.
 */
import { renderCell } from './cells.js';
import { element } from './dom.js';
import { formatCount } from './format.js';

const SPARE_ROWS = 64;
const COMPACT_BELOW_PX = 860;	/* too narrow for the minor columns: they are in the details */

function noticeText({ kind, first, last, count }) {
	if (kind === 'new-log')
		return 'The server now keeps another log: what follows above is numbered anew.';
	const range = Number.isSafeInteger(first) && Number.isSafeInteger(last) ? `seq ${first}–${last}` : 'they';

	return `${formatCount(count, 'event', 'events')} not shown: ${range} came faster than ` +
		'this page could take them, or while it was away. The log files have them.';
}

export class Table {
	#columns = [];
	#zone = 'local';
	#spare = [];
	#rows = new Map();	/* item id -> row */
	#items = new WeakMap();	/* row -> item */
	#selected = null;
	#scrollTop = 0;

	/* onSelect(item or null), onOpen(item), onScroll() */
	constructor({ scroller, head, body, onSelect, onOpen, onScroll }) {
		this.scroller = scroller;
		this.head = head;
		this.body = body;
		this.onSelect = onSelect;
		scroller.addEventListener('scroll', () => {
			this.#scrollTop = scroller.scrollTop;
			onScroll();
		}, { passive: true });
		new ResizeObserver(() => this.#fit()).observe(scroller);
		body.addEventListener('click', (event) => {
			const row = event.target.closest('tr');

			/* The end of selecting text with the mouse is no click on the row. */
			if (!row || !getSelection().isCollapsed || !this.#items.get(row)?.event)
				return;
			this.select(row);
			onOpen(this.selectedItem);
		});
	}

	get isAnchored() {
		return this.#scrollTop > 0 || this.#selected !== null;
	}

	get selectedItem() {
		return this.#selected ? this.#items.get(this.#selected) : null;
	}

	get nEvents() {
		return this.body.getElementsByClassName('event').length;
	}

	setColumns(columns) {
		this.#columns = columns;
		this.#spare = [];
		this.scroller.querySelector('table').setAttribute('aria-colcount', String(columns.length));
		this.head.replaceChildren(...columns.map((column) => {
			const cell = element('th', column.numeric ? 'numeric' : '', column.title);

			cell.scope = 'col';
			cell.role = 'columnheader';
			cell.dataset.key = column.key;
			cell.classList.toggle('minor', column.minor);
			cell.title = column.description;
			return cell;
		}));
		this.#fit();
	}

	#fit() {
		const isCompact = this.scroller.clientWidth < COMPACT_BELOW_PX;

		this.scroller.classList.toggle('compact', isCompact);
		this.scroller.style.setProperty('--columns', this.#columns
			.filter((column) => !isCompact || !column.minor).map((column) => column.width).join(' '));
	}

	setZone(zone) {
		this.#zone = zone;
	}

	#makeRow() {
		const row = this.#spare.pop() ?? element('tr');

		row.role = 'row';
		if (row.childElementCount !== this.#columns.length)
			row.replaceChildren(...this.#columns.map((column) => {
				const cell = element('td', column.numeric ? 'numeric' : '');

				cell.role = 'gridcell';
				cell.dataset.key = column.key;
				cell.classList.toggle('minor', column.minor);
				return cell;
			}));
		return row;
	}

	#fill(item) {
		const row = item.event ? this.#makeRow() : this.#makeNotice(item.notice);

		if (item.event) {
			row.className = `event ${item.event.severity === 'critical' ||
				item.event.severity === 'high' ? item.event.severity : ''}`.trim();
			row.dataset.seq = String(item.seq);
			this.#columns.forEach((column, i) =>
				renderCell(row.children[i], column.key, item.event, this.#zone));
		}
		row.tabIndex = -1;
		row.setAttribute('aria-selected', 'false');
		this.#rows.set(item.id, row);
		this.#items.set(row, item);
		return row;
	}

	#makeNotice(notice) {
		const row = element('tr', `notice ${notice.kind}`);
		const cell = element('td', '', noticeText(notice));

		row.role = 'row';
		cell.role = 'gridcell';
		cell.colSpan = Math.max(1, this.#columns.length);
		row.append(cell);
		return row;
	}

	#drop(item) {
		const row = this.#rows.get(item.id);

		if (!row)
			return;
		if (row === this.#selected)
			this.select(null);
		this.#rows.delete(item.id);
		this.#keepFocus(row);
		row.remove();
		if (item.event && this.#spare.length < SPARE_ROWS)
			this.#spare.push(row);
	}

	/* The focus of what goes would be lost, and Tab begin at the top of the page again. */
	#keepFocus(node) {
		if (node.contains(document.activeElement))
			this.scroller.focus({ preventScroll: true });
	}

	/* Everything anew: another filter, other columns, another time zone. Oldest first. */
	reset(items) {
		const selectedId = this.selectedItem?.id;
		const hadFocus = this.body.contains(document.activeElement);

		this.#keepFocus(this.body);
		this.#selected = null;
		this.#rows.clear();
		this.body.replaceChildren(...items.map((item) => this.#fill(item)).reverse());
		if (selectedId !== undefined)
			this.select(this.#rows.get(selectedId) ?? null);
		else
			this.#resetTabStop();
		if (hadFocus)
			this.focusSelected();
	}

	/* Oldest first, as they came. */
	update(added, evicted) {
		for (const item of evicted)
			this.#drop(item);
		if (added.length === 0)
			return;
		const before = this.isAnchored ? this.scroller.scrollHeight : 0;

		this.body.prepend(...added.map((item) => this.#fill(item)).reverse());
		if (before > 0)
			this.scroller.scrollTop = this.#scrollTop + this.scroller.scrollHeight - before;
		if (this.#selected === null)
			this.#resetTabStop();
	}

	/* Tab enters the list at the selected row, else at the newest. */
	#resetTabStop() {
		this.body.querySelector('tr[tabindex="0"]')?.setAttribute('tabindex', '-1');
		this.body.firstElementChild?.setAttribute('tabindex', '0');
	}

	select(row) {
		if (this.#selected) {
			this.#selected.setAttribute('aria-selected', 'false');
			this.#selected.tabIndex = -1;
		}
		this.#selected = row;
		if (row) {
			this.body.querySelector('tr[tabindex="0"]')?.setAttribute('tabindex', '-1');
			row.setAttribute('aria-selected', 'true');
			row.tabIndex = 0;
		} else {
			this.#resetTabStop();
		}
		this.onSelect(this.selectedItem);
	}

	/* Moves the selection by `step` rows of events: 1 is down, towards the older. */
	move(step) {
		const rows = [...this.body.querySelectorAll('tr.event')];

		if (rows.length === 0)
			return;
		const now = rows.indexOf(this.#selected);
		const next = now < 0 && Math.abs(step) === 1 ? 0 : now + step;
		const row = rows[Math.min(rows.length - 1, Math.max(0, next))];

		this.select(row);
		row.scrollIntoView({ block: 'nearest' });
	}

	/* A row that Tab reached is not selected yet. */
	selectFocused() {
		const row = document.activeElement?.closest('tr.event');

		if (row && this.body.contains(row) && row !== this.#selected)
			this.select(row);
	}

	focusSelected() {
		(this.#selected ?? this.scroller).focus({ preventScroll: true });
	}

	toTop() {
		if (this.body.contains(document.activeElement))
			this.scroller.focus({ preventScroll: true });
		this.select(null);
		this.scroller.scrollTop = 0;
		this.#scrollTop = 0;
	}
}
