// SPDX-License-Identifier: Apache-2.0
/*
 * Events as the log wrote them. JSON.parse would lose the bytes ("ts": 120.001000), and the
 * details view promises the logged line, so each event keeps its own text beside its value.
 */

/* Splits the text of a JSON array into the texts of its elements. */
export function splitArray(text) {
	const elements = [];
	let depth = 0, from = -1, inString = false;

	for (let i = text.indexOf('[') + 1; i > 0 && i < text.length; i++) {
		const c = text[i];

		if (inString) {
			if (c === '\\')
				i++;
			else if (c === '"')
				inString = false;
		} else if (depth === 0 && (c === ',' || c === ']')) {
			if (from >= 0)
				elements.push(text.slice(from, i).trimEnd());
			if (c === ']')
				break;
			from = -1;
		} else {
			if (from < 0 && c.trim() !== '')
				from = i;
			inString = c === '"';
			if (c === '{' || c === '[')
				depth++;
			else if (c === '}' || c === ']')
				depth--;
		}
	}
	return elements;
}

/* One logged line -> { seq, event, raw }; null if it is not an event. */
export function parseLine(raw) {
	let event;

	try {
		event = JSON.parse(raw);
	} catch {
		return null;
	}
	if (event === null || typeof event !== 'object' || !Number.isSafeInteger(event.seq))
		return null;
	return { seq: event.seq, event, raw };
}

export function parseArray(text) {
	return splitArray(text).map(parseLine).filter((item) => item !== null);
}

/*
 * Does `snapshot` (oldest first) belong to the log that we were following? Not when it
 * holds, under a number we have seen, another line: then the server keeps a new log.
 */
export function isSameLog(snapshot, lastSeq, rawOf) {
	if (lastSeq === null || snapshot.length === 0)
		return true;
	const newest = snapshot[snapshot.length - 1];
	const common = newest.seq <= lastSeq ? newest : snapshot.find((item) => item.seq === lastSeq);

	if (!common)
		return true;
	return rawOf(common.seq) === common.raw;
}
