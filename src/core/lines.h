/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stamp and encode: items of batches become numbered JSON lines back to back in one buffer.
 */
#ifndef CORE_LINES_H
#define CORE_LINES_H

#include "core/batch.h"
#include "core/counters.h"
#include "core/naming.h"
#include "core/position.h"

struct line {
	const char *data; /* set by lines_finish() */
	size_t len;	  /* newline included */
	uint64_t seq;
	bool is_routine; /* event_is_routine() */
};

struct lines {
	struct naming *naming; /* borrowed */
	struct span host;      /* of every event */
	struct span boot_id;
	struct counters *counters; /* NULL: nobody counts */
	uint64_t next_seq;
	struct buffer bytes;
	struct line *items;
	size_t n, capacity;
};

/** lines_clear() - forget the lines, go on with next_seq */
void lines_clear(struct lines *l);
void lines_deinit(struct lines *l);

/** lines_add_event() - stamp and encode one that is named already; Return: 1 or -ENOMEM */
int lines_add_event(struct lines *l, struct lksm_event *event);

/**
 * lines_add_batch() - every item of a batch
 * @position: advanced by its records, also by those that are filtered
 *
 * Return: 0 or -ENOMEM.
 */
int lines_add_batch(struct lines *l, struct lksm_batch *batch, struct position *position);

/**
 * lines_split() - take over lines that are encoded already, each with its newline
 *
 * Their seq is read from their first key. Return: 0 or -ENOMEM.
 */
int lines_split(struct lines *l, struct span bytes);

/** lines_seq() - of an encoded line, "{"seq": 42, …"; false if it does not begin so */
bool lines_seq(struct span line, uint64_t *ret);

/** lines_finish() - the bytes move no more until lines_clear(): point each line at its own */
void lines_finish(struct lines *l);

#endif
