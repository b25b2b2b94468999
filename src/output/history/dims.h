/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of dims, and their kinds, as the indexer knows them: history.h says what they are. */
#ifndef OUTPUT_HISTORY_DIMS_H
#define OUTPUT_HISTORY_DIMS_H

#include <jansson.h>

#include "core/event.h"
#include "output/history/query.h"

/** DIMS_PARTS - the severity as a digit, and the fields of QUERY_FIELDS */
#define DIMS_PARTS (1 + QUERY_FIELD_COUNT)

struct dims {
	json_t *rows;  /* of each combination: [its id, its kind] */
	json_t *kinds; /* of each combination of what makes a kind: its number */
	struct buffer key, attack, tags;
};

struct dims_row {
	int64_t id, kind;
	struct span parts[DIMS_PARTS];
};

/** dims_init() - 0; -ENOMEM; dims_deinit() is due in each case */
int dims_init(struct dims *d);
void dims_deinit(struct dims *d);

/** dims_clear() - forget all of them */
void dims_clear(struct dims *d);

/** dims_note() - one that the database has; 0; -ENOMEM */
int dims_note(struct dims *d, const struct dims_row *row);

/**
 * dims_find() - the one that an event belongs to
 * @ret: its parts point into the event and @d, until the next call
 *
 * Return: 0; -ENOENT: there is none yet, @ret has its parts and the kind that it is to get; -ENOMEM.
 */
int dims_find(struct dims *d, const json_t *event, enum lksm_severity severity,
	      struct dims_row *ret);

/** dims_member() - a text of an event; empty if it has none of that name */
struct span dims_member(const json_t *event, const char *key);

#endif
