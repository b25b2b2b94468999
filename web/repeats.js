// SPDX-License-Identifier: Apache-2.0
/*
 * Events that say the same: of one type, severity and source, with equal data. Of each such
 * group the list shows the topmost row, with how many there are; none is ever thrown away.
 * Knows no DOM: the table asks what is to be hidden.
 */
function keyOf(item) {
	const { type, severity, source, data } = item.event;

	item.repeatKey ??= JSON.stringify([type, severity, source, data]);
	return item.repeatKey;
}

export class Repeats {
	#groups = new Map();	/* key -> items, the topmost last */
	#open = new Set();	/* keys: these show all; kept when the list is filled anew */
	isOn = true;

	clear() {
		this.#groups.clear();
	}

	/* -> the item that was on top of its group until now, if there was one */
	addOnTop(item) {
		const group = this.#groups.get(keyOf(item));

		if (group) {
			const before = group.at(-1);

			group.push(item);
			return before;
		}
		this.#groups.set(keyOf(item), [item]);
		return null;
	}

	addBelow(item) {
		const group = this.#groups.get(keyOf(item));

		if (group)
			group.unshift(item);
		else
			this.#groups.set(keyOf(item), [item]);
	}

	remove(item) {
		const group = this.#groups.get(keyOf(item));
		const place = group?.indexOf(item) ?? -1;

		if (place < 0)
			return;
		group.splice(place, 1);
		if (group.length === 0)
			this.#groups.delete(keyOf(item));
	}

	groupOf(item) {
		return this.#groups.get(keyOf(item)) ?? [item];
	}

	headOf(item) {
		return this.groupOf(item).at(-1);
	}

	/* How many a row stands for: 1 unless it is the topmost of several. */
	countOf(item) {
		return this.isOn && this.headOf(item) === item ? this.groupOf(item).length : 1;
	}

	isOpen(item) {
		return this.#open.has(keyOf(item));
	}

	/* One of a group that is shown in full, but not its topmost. */
	isMember(item) {
		return this.isOn && this.headOf(item) !== item;
	}

	isHidden(item) {
		return this.isMember(item) && !this.isOpen(item);
	}

	toggle(item) {
		if (!this.#open.delete(keyOf(item)))
			this.#open.add(keyOf(item));
	}
}
