// SPDX-License-Identifier: Apache-2.0
/* See tally.h. A table with open addressing: words come by the million. */
#include "cli/tally.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN 256
#define REST	  SPAN("…")

static size_t hash(struct span word)
{
	uint64_t h =
		14695981039346656037u; /* FNV-1a; there are at most TALLY_MAX words */

	for (size_t i = 0; i < word.len; i++)
		h = (h ^ (unsigned char)word.data[i]) * 1099511628211u;
	return (size_t)h;
}

struct span tally_name(const struct tally *t, size_t i)
{
	return (struct span){ t->names.data + t->rows[i].name, t->rows[i].name_len };
}

/* The slot of a word, or the empty one where it belongs. */
static uint32_t *find_slot(const struct tally *t, struct span word)
{
	size_t i = hash(word) % t->n_slots;

	while (t->slots[i] && !span_equal(tally_name(t, t->slots[i] - 1), word))
		i = (i + 1) % t->n_slots;
	return &t->slots[i];
}

static void fill_slots(struct tally *t)
{
	for (size_t i = 0; i < t->n; i++)
		*find_slot(t, tally_name(t, i)) = (uint32_t)i + 1;
}

static int grow(struct tally *t)
{
	size_t n_slots = t->n_slots ? 4 * t->n_slots : SLOTS_MIN;
	struct tally_row *rows = reallocarray(t->rows, n_slots / 2, sizeof(*rows));
	uint32_t *slots;

	if (!rows)
		return -ENOMEM;
	t->rows = rows;
	slots = calloc(n_slots, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = slots;
	t->n_slots = n_slots;
	t->capacity = n_slots / 2;
	fill_slots(t);
	return 0;
}

int tally_add(struct tally *t, struct span word, uint64_t n)
{
	uint32_t *slot;
	int r = t->n == t->capacity ? grow(t) : 0;

	if (r < 0)
		return r;
	slot = find_slot(t, word);
	if (!*slot && t->n >= TALLY_MAX - 1)
		slot = find_slot(t, REST);
	if (!*slot) {
		struct span name = t->n >= TALLY_MAX - 1 ? REST : word;

		t->rows[t->n] = (struct tally_row){ t->names.len, name.len, 0 };
		buffer_append_span(&t->names, name);
		if (buffer_error(&t->names))
			return buffer_error(&t->names);
		*slot = (uint32_t)++t->n;
	}
	t->rows[*slot - 1].count += n;
	return 0;
}

static int compare_names(const void *a, const void *b, void *userdata)
{
	const struct tally *t = userdata;
	const struct tally_row *x = a, *y = b;
	size_t n = x->name_len < y->name_len ? x->name_len : y->name_len;
	int r = memcmp(t->names.data + x->name, t->names.data + y->name, n);

	return r ? r : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

static int compare_counts(const void *a, const void *b, void *userdata)
{
	const struct tally_row *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return compare_names(a, b, userdata);
}

void tally_sort(struct tally *t, bool is_by_name)
{
	if (!t->n)
		return;
	qsort_r(t->rows, t->n, sizeof(*t->rows),
		is_by_name ? compare_names : compare_counts, t);
	memset(t->slots, 0, t->n_slots * sizeof(*t->slots));
	fill_slots(t);
}

void tally_clear(struct tally *t)
{
	t->n = 0;
	buffer_clear(&t->names);
	if (t->slots)
		memset(t->slots, 0, t->n_slots * sizeof(*t->slots));
}

void tally_deinit(struct tally *t)
{
	free(t->rows);
	free(t->slots);
	buffer_deinit(&t->names);
	*t = (struct tally){ 0 };
}
