/* SPDX-License-Identifier: Apache-2.0 */
/* What reader.c, which finds events, and reader_counts.c, which counts them, share. */
#ifndef OUTPUT_HISTORY_READER_INTERNAL_H
#define OUTPUT_HISTORY_READER_INTERNAL_H

#include <sys/types.h>

#include "output/history/history.h"
#include "output/history/reader.h"
#include "output/history/words.h"

/** A row of dims. */
struct dim {
	int64_t id, kind;
	unsigned int severity;
	bool is_taken;	  /* by the query */
	uint64_t n;	  /* events of it */
	uint64_t n_taken; /* of these, what the query takes; for counts */
	struct span fields[QUERY_FIELD_COUNT];
	char *text; /* owned: what they point into */
};

/** seq: first..last; at: since <= at < until */
struct range {
	int64_t first, last;
	int64_t since, until;
};

/** The first seqs in order, of all that were seen. */
struct page {
	int64_t *seqs; /* room for one more than size */
	size_t n, size;
	bool is_ascending;
};

struct reader {
	sqlite3 *db;
	struct words *words; /* of its texts */
	unsigned char secret[HISTORY_KEY_BYTES];
	ino_t inode;			/* of its file */
	bool is_at_rest;		/* it was opened while nobody wrote it */
	bool is_complete;		/* it has been made to the end of the logs */
	uint64_t limit_us, deadline_us; /* of one question; of this one */
	struct dim *dims;		/* by id */
	size_t n_dims, n_taken;
};

int reader_prepare(struct reader *r, const char *sql, sqlite3_stmt **ret);
void reader_finalize(sqlite3_stmt **s);

/** reader_dim() - by its id; NULL: it is none of those that were loaded */
const struct dim *reader_dim(const struct reader *r, int64_t id);

/**
 * reader_each_match() - what query_needs_words() is true for, in order of seq
 * @range: is made smaller, if less can match
 * @take: gets each; false ends it
 */
int reader_each_match(struct reader *r, const struct query *q, struct range *range,
		      bool (*take)(void *context, int64_t seq, int64_t at,
				   const struct dim *dim),
		      void *context);

/** READER_KINDS_IN_TEXT - so many are looked for by the full-text index, too */
#define READER_KINDS_IN_TEXT 64

/** Positive outcomes. */
#define READER_NOTHING	1 /* no event can match */
#define READER_NOT_SAID 2 /* it is left to NOT */

/** reader_taken_kinds() - of the dims that the query takes, each once; to be freed. NULL: no memory */
int64_t *reader_taken_kinds(const struct reader *r, size_t *ret_n);

/** reader_match_text() - what of @q the full-text index is asked for
 * Return: 0; READER_NOTHING; -ETIME: too much; -errno. */
int reader_match_text(struct reader *r, const struct query *q, struct buffer *out);

/**
 * reader_append_without() - events that have not this pair, of the kinds that are taken, as what
 * they have
 * Return: 0; READER_NOTHING; READER_NOT_SAID; -errno.
 */
int reader_append_without(struct reader *r, const struct query_pair *pair,
			  struct buffer *out);

/**
 * reader_count_pair() - how many events are looked at to find those with this pair, and those
 * without, about
 * Return: 1; 0: that is not known; -errno.
 */
int reader_count_pair(struct reader *r, const struct query_pair *pair, uint64_t *ret_with,
		      uint64_t *ret_without);

/** READER_MATCH_MAX - bytes of what the full-text index is asked for */
#define READER_MATCH_MAX ((size_t)64 << 10)

/** @n more events of that minute and @dim; modulo 2^64: they may be less */
typedef void reader_count_taker(void *context, int64_t minute, const struct dim *dim,
				uint64_t n);

/**
 * reader_count_kinds() - events of whole minutes for which query_needs_words() is true, without
 * a look at each
 * @is_coarse: the minute may be the first of the GRAMS_SPAN_MINUTES that it is of
 *
 * Return: 1; 0: they cannot be counted so, and @take was not called; -errno.
 */
int reader_count_kinds(struct reader *r, const struct query *q, const struct range *range,
		       bool is_coarse, reader_count_taker *take, void *context);

/** reader_numbers() - the @n columns of the one row that @sql gives; 0; -EUCLEAN: none; -errno */
int reader_numbers(struct reader *r, const char *sql, int64_t *ret, int n);

/** reader_minutes() - the first minute with an event and the last one; as reader_numbers() */
int reader_minutes(struct reader *r, int64_t ret[2]);

/** reader_bound_by_time() - which seqs can be of its time */
int reader_bound_by_time(struct reader *r, struct range *range);

/** reader_count() - histogram, facets, stats; dims are loaded */
int reader_count(struct reader *r, const struct query *q, struct answer_text *ret);

/** reader_append_heading() - the first row of a table: the names of the fields */
void reader_append_heading(struct buffer *out);

/** reader_append_csv() - a line as a row: a cell for each field of an event */
void reader_append_csv(struct buffer *out, struct span line, uint64_t n);

#endif
