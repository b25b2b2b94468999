/* SPDX-License-Identifier: Apache-2.0 */
/* What reader.c, which finds events, and reader_counts.c, which counts them, share. */
#ifndef OUTPUT_HISTORY_READER_INTERNAL_H
#define OUTPUT_HISTORY_READER_INTERNAL_H

#include <sys/types.h>

#include "output/history/grams.h"
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

/** What stands in the index for a term's words, where two in a row are frequent by themselves only. */
struct phrase {
	struct buffer tokens; /* of FTS5's syntax; empty: there are none */
	bool is_whole;	      /* they say all that the term says */
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
	bool (*is_in_vain)(void *context);
	void *context;	  /* for that */
	struct dim *dims; /* by id */
	size_t n_dims, n_taken;
	struct phrase phrases[QUERY_TERMS_MAX]; /* of the question's terms */
	int64_t phrases_since; /* seq from which on events have tokens of all these */
};

int reader_prepare(struct reader *r, const char *sql, sqlite3_stmt **ret);
void reader_finalize(sqlite3_stmt **s);

/** reader_dim() - by its id; NULL: it is none of those that were loaded */
const struct dim *reader_dim(const struct reader *r, int64_t id);

/** reader_is_named() - do its events have @term, a query_term, by their type or rule, and are they taken? */
bool reader_is_named(const struct dim *d, const void *term);

/** reader_find_gram() - what is frequent, by its text
 * @ret_since: the seq from which on its phrases have tokens
 * Return: 1; 0: it is not known; -errno. */
int reader_find_gram(struct reader *r, const struct gram_text *text, int64_t *ret_id,
		     int64_t *ret_since);

/**
 * reader_is_rare() - is term @i of @q none of what is frequent? Behind the terms come the pairs.
 * Return: 1; 0: it is frequent, or that is not known; -errno.
 */
int reader_is_rare(struct reader *r, const struct query *q, size_t i);

/** reader_find_term() - as reader_find_gram(), term @i of @q, or a pair */
int reader_find_term(struct reader *r, const struct query *q, size_t i, int64_t *ret_id);

/** reader_load_phrases() - of the terms of @q; 0; -errno */
int reader_load_phrases(struct reader *r, const struct query *q);
void reader_forget_phrases(struct reader *r);

/** reader_append_words() - term @i of @q, which was loaded; @has_tokens: of seqs from phrases_since on */
void reader_append_words(const struct reader *r, const struct query *q, size_t i,
			 bool has_tokens, struct buffer *out);

/** Some seqs of a question. */
struct piece {
	struct range range;
	bool has_tokens;   /* for its phrases */
	bool is_backwards; /* it is read from its end, and turned round */
};

/** reader_piece() - of @range, those seqs that have tokens, or the others
 * @is_ascending: they are wanted in this order
 * Return: false: there are none. */
bool reader_piece(const struct reader *r, const struct range *range, bool has_tokens,
		  bool is_ascending, struct piece *ret);

#define READER_COLUMNS 3

/** Rows of numbers, in the order that is wanted. */
struct rows {
	sqlite3_stmt *statement;
	bool is_backwards; /* this gives them the other way round */
	int n_columns;
	int64_t (*kept)[READER_COLUMNS]; /* owned; the last is the next */
	size_t n_kept;
	bool has_kept;
};

/** reader_next_row() - 1; 0: there is none; -errno. reader_end_rows() is due then */
int reader_next_row(struct rows *rows, int64_t ret[static READER_COLUMNS]);
void reader_end_rows(struct rows *rows);

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
 * @has_tokens: as for reader_append_words()
 * Return: 0; READER_NOTHING; -ETIME: too much; -errno. */
int reader_match_text(struct reader *r, const struct query *q, bool has_tokens,
		      struct buffer *out);

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
 * @range: of time; whole spans, where no events lie beyond it
 * @is_coarse: the minute may be the first of the GRAMS_SPAN_MINUTES that it is of
 *
 * Return: 1; 0: they cannot be counted so, and @take was not called; -errno.
 */
int reader_count_kinds(struct reader *r, const struct query *q, const struct range *range,
		       bool is_coarse, reader_count_taker *take, void *context);

/** reader_numbers() - the @n columns of the one row that @sql gives; 0; -EUCLEAN: none; -errno */
int reader_numbers(struct reader *r, const char *sql, int64_t *ret, int n);

/** reader_bound_by_time() - which seqs can be of its time */
int reader_bound_by_time(struct reader *r, struct range *range);

/** reader_count() - histogram, facets, stats; dims are loaded */
int reader_count(struct reader *r, const struct query *q, struct answer_text *ret);

/** reader_append_heading() - the first row of a table: the names of the fields */
void reader_append_heading(struct buffer *out);

/** reader_append_csv() - a line as a row: a cell for each field of an event */
void reader_append_csv(struct buffer *out, struct span line, uint64_t n);

#endif
