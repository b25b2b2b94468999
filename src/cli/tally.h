/* SPDX-License-Identifier: Apache-2.0 */
/* How often each of some words came. */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include <stdint.h>

#include "base/buffer.h"

/** TALLY_MAX - most different words; those beyond are counted together, as "…" */
#define TALLY_MAX 10000

struct tally_row {
	size_t name, name_len; /* in names */
	uint64_t count;
};

/** Begin with { 0 }. */
struct tally {
	struct tally_row *rows;
	size_t n, capacity;
	struct buffer names;
	uint32_t *slots; /* a hash table of rows, 1 + index */
	size_t n_slots;
};

/** tally_add() - @n more of @word; 0 or -ENOMEM */
int tally_add(struct tally *t, struct span word, uint64_t n);

/** tally_name() - of row @i, until the next tally_add() */
struct span tally_name(const struct tally *t, size_t i);

/** tally_sort() - most frequent first, or by name */
void tally_sort(struct tally *t, bool is_by_name);

/** tally_clear() - forget all, keep the memory */
void tally_clear(struct tally *t);
void tally_deinit(struct tally *t);

#endif
