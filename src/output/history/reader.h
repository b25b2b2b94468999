/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the history: the answers of /api/v1. The database is opened read-only; one query
 * has READER_LIMIT_MS and a limit of memory, and says so when that is not enough.
 *
 * Pages are in order of seq, and a cursor is the seq that was given last, so that new events
 * change nothing about what follows it.
 */
#ifndef OUTPUT_HISTORY_READER_H
#define OUTPUT_HISTORY_READER_H

#include "output/history/query.h"

#define READER_LIMIT_MS 2000

/** READER_BODY_MAX - an answer beyond it ends early, with a cursor to go on from */
#define READER_BODY_MAX ((size_t)8 << 20)

struct answer_text {
	unsigned int status; /* of HTTP */
	const char *type;    /* a literal */
	struct buffer body;  /* owned */
	uint64_t next;	     /* seq of the last event in it */
	uint64_t n;	     /* events in it */
	bool has_more;
};

struct reader;

/**
 * reader_create() - the current folder's database (history_enter()), opened when it is asked
 * @limit_ms: for one question; READER_LIMIT_MS
 */
int reader_create(uint64_t limit_ms, struct reader **ret);
void reader_destroy(struct reader *r);

/**
 * reader_watch() - what says that nobody waits for the answer any more: then it is given up
 * @is_in_vain: called by reader_answer(), many times a second
 */
void reader_watch(struct reader *r, bool (*is_in_vain)(void *context), void *context);

/** reader_answer() - whatever comes of it is an answer; only out of memory is -ENOMEM */
int reader_answer(struct reader *r, const struct query *q, struct answer_text *ret);

/** reader_problem() - an error as application/problem+json (RFC 9457) */
void reader_problem(struct answer_text *ret, unsigned int status, const char *title,
		    struct span detail);

#endif
