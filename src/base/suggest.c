// SPDX-License-Identifier: Apache-2.0
/* See suggest.h. The distance is Levenshtein's, in one row. */
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 64

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LENGTH + 1], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t above = row[j];

			row[j] = smallest(above + 1, row[j - 1] + 1,
					  diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

const char *suggest(const char *wrong, const char *const *names)
{
	const char *best = NULL;
	size_t best_distance = 0, length = strlen(wrong);

	if (length > NAME_MAX_LENGTH)
		return NULL;
	for (; *names; names++) {
		size_t other = strlen(*names), d;

		if (other > NAME_MAX_LENGTH)
			continue;
		d = distance(wrong, *names);
		if (d * 3 > (length > other ? length : other) + 2)
			continue;
		if (!best || d < best_distance) {
			best = *names;
			best_distance = d;
		}
	}
	return best;
}

const char *suggest_text(const char *wrong, const char *const *names,
			 char ret[static SUGGEST_SIZE])
{
	const char *near = suggest(wrong, names);

	ret[0] = '\0';
	if (near)
		(void)snprintf(ret, SUGGEST_SIZE, " (did you mean '%s'?)", near);
	return ret;
}
