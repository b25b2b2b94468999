// SPDX-License-Identifier: Apache-2.0
/*
 * The list of events, newest first. Rows have one height and are used again: at a hundred
 * events a second an old row is refilled and moved to the top. What the reader looks at stays
 * where it is: once scrolled down, or with a row selected, new rows push the view's offset.
 * Repeats stay rows of their own, at their place, and are hidden while their group is closed.
 */
import { renderCell } from './cells.js';
import { button, element, setText } from './dom.js';
import { formatCount } from './format.js';
import { Repeats } from './repeats.js';

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
	#isStale = false;	/* they are as it was before */
	#items = new WeakMap();	/* row -> item */
	#selected = null;
	#scrollTop = 0;
	#repeats = new Repeats();

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

			if (row && event.target.closest('.times')) {
				this.toggleRepeats(this.#items.get(row));
				return;
			}
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

	get nHidden() {
		return this.body.querySelectorAll('tr.event[hidden]').length;
	}

	/* How far the end of the list is below what can be seen. */
	get pxToEnd() {
		return this.scroller.scrollHeight - this.scroller.clientHeight - this.scroller.scrollTop;
	}

	setColumns(columns) {
		this.#columns = columns;
		this.#spare = [];
		this.#isStale = this.#rows.size > 0;
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
		this.#isStale = this.#rows.size > 0;
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
		this.#items.set(row, item);
		return this.#put(item, row);
	}

	#put(item, row) {
		row.tabIndex = -1;
		row.setAttribute('aria-selected', 'false');
		this.#rows.set(item.id, row);
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

	/* Is this row to be seen, and how many does it stand for? */
	#arrange(item) {
		const row = this.#rows.get(item.id);

		if (!row || !item.event)
			return;
		const cell = row.querySelector('td[data-key="data"]');
		const count = this.#repeats.countOf(item);
		let times = cell?.querySelector('.times');

		row.hidden = this.#repeats.isHidden(item) && row !== this.#selected;
		row.classList.toggle('member', this.#repeats.isMember(item));
		if (count === 1) {
			times?.remove();
			return;
		}
		if (!times && cell) {
			times = button('times', '', () => {});
			times.tabIndex = -1;
			cell.prepend(times);
		}
		if (times) {
			const isOpen = this.#repeats.isOpen(item);

			setText(times, `×${count.toLocaleString('en')}`);
			times.setAttribute('aria-expanded', String(isOpen));
			times.ariaLabel = times.title = `${count} times the same; ${isOpen ? 'show one' : 'show all'} (x)`;
		}
	}

	#arrangeGroup(item) {
		for (const one of this.#repeats.groupOf(item))
			this.#arrange(one);
	}

	/* Shows all of a group, or its topmost alone. */
	toggleRepeats(item) {
		if (!item?.event || this.#repeats.groupOf(item).length < 2)
			return;
		this.#repeats.toggle(item);
		if (!this.#repeats.isOpen(item) && this.selectedItem && this.#repeats.isHidden(this.selectedItem))
			this.select(this.#rows.get(this.#repeats.headOf(item).id));
		this.#arrangeGroup(item);
	}

	setCollapsing(isOn) {
		this.#repeats.isOn = isOn;
		for (const row of this.body.querySelectorAll('tr.event'))
			this.#arrange(this.#items.get(row));
	}

	#drop(item) {
		const row = this.#rows.get(item.id);

		if (!row)
			return;
		if (item.event)
			this.#repeats.remove(item);
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

	/* Another list, oldest first: another filter, other columns, another time zone. What was there stays as it is. */
	reset(items) {
		const before = this.#isStale ? new Map() : this.#rows;
		const selectedId = this.selectedItem?.id;
		const hadFocus = this.body.contains(document.activeElement);

		this.#keepFocus(this.body);
		this.#selected = null;
		this.#rows = new Map();
		this.#isStale = false;
		this.#repeats.clear();
		this.body.replaceChildren(...items.map((item) => {
			const row = before.get(item.id);

			return row && this.#items.get(row) === item ? this.#put(item, row) : this.#fill(item);
		}).reverse());
		for (const item of items)
			if (item.event)
				this.#repeats.addOnTop(item);
		for (const item of items)
			this.#arrange(item);
		if (selectedId !== undefined)
			this.select(this.#rows.get(selectedId) ?? null);
		else
			this.#resetTabStop();
		if (hadFocus)
			this.focusSelected();
	}

	/* The same rows anew: another time zone or other columns. */
	redraw() {
		this.reset([...this.body.children].map((row) => this.#items.get(row)).reverse());
	}

	get lastSeq() {
		return this.body.querySelector('tr.event:last-of-type')?.dataset.seq ?? null;
	}

	/* Oldest first, as they came. */
	update(added, evicted) {
		const touched = new Set();
		const anchor = added.length > 0 && this.isAnchored ? this.#findAnchor() : null;

		for (const item of evicted) {
			this.#drop(item);
			if (item.event)
				touched.add(this.#repeats.headOf(item));
		}
		this.body.prepend(...added.map((item) => this.#fill(item)).reverse());
		for (const item of added)
			if (item.event)
				touched.add(this.#repeats.addOnTop(item) ?? item).add(item);
		for (const item of touched)
			this.#arrange(item);
		if (anchor)
			this.#keepInPlace(anchor);
		if (this.#selected === null)
			this.#resetTabStop();
	}

	/* More at the end, from top to bottom: the next page of a list. */
	append(items) {
		this.body.append(...items.map((item) => this.#fill(item)));
		for (const item of items)
			this.#repeats.addBelow(item);
		for (const item of new Set(items.flatMap((one) => [one, this.#repeats.headOf(one)])))
			this.#arrange(item);
	}

	/* The first row that can be seen, and where it stands. */
	#findAnchor() {
		const edge = this.scroller.getBoundingClientRect().top;

		for (let row = this.body.firstElementChild; row; row = row.nextElementSibling) {
			const { bottom, top } = row.getBoundingClientRect();

			if (!row.hidden && bottom > edge + this.head.offsetHeight)
				return { row, top };
		}
		return null;
	}

	#keepInPlace({ row, top }) {
		while (row?.hidden || row && !row.isConnected)
			row = row.nextElementSibling;
		if (row)
			this.scroller.scrollTop += row.getBoundingClientRect().top - top;
	}

	/* Tab enters the list at the selected row, else at the newest. */
	#resetTabStop() {
		this.body.querySelector('tr[tabindex="0"]')?.setAttribute('tabindex', '-1');
		this.body.querySelector('tr:not([hidden])')?.setAttribute('tabindex', '0');
	}

	select(row) {
		const before = this.selectedItem;

		if (this.#selected) {
			this.#selected.setAttribute('aria-selected', 'false');
			this.#selected.tabIndex = -1;
		}
		this.#selected = row;
		if (before && row !== this.#rows.get(before.id))
			this.#arrange(before);
		if (row) {
			row.hidden = false;
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
		const rows = [...this.body.querySelectorAll('tr.event:not([hidden])')];

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

	/* -> the item, if it is in the list */
	selectSeq(seq) {
		const row = this.body.querySelector(`tr[data-seq="${Number(seq)}"]`);

		if (row) {
			this.select(row);
			row.scrollIntoView({ block: 'center' });
		}
		return this.selectedItem;
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
