// SPDX-License-Identifier: Apache-2.0
/*
 * Counting what the full-text index finds by its seqs alone, kind after kind: to look up each event,
 * for its time and what it is, takes five hundred times as long. What the events of a kind have in
 * common is what is counted by; which minute a seq is of, the table of minutes tells, as long as no
 * clock was set back.
 */
#include "output/history/reader_internal.h"

#include <errno.h>

#include "output/history/history.h"

/* The seqs of one minute. */
struct span_of_minute {
	int64_t minute, first, last;
};

struct minutes {
	struct span_of_minute *items; /* in order of both */
	size_t n, room;
};

static int add_minute(struct minutes *m, const struct span_of_minute *span)
{
	if (m->n == m->room) {
		size_t room = m->room ? 2 * m->room : 1024;
		struct span_of_minute *items = reallocarray(m->items, room,
							    sizeof(*items));

		if (!items)
			return -ENOMEM;
		m->items = items;
		m->room = room;
	}
	m->items[m->n++] = *span;
	return 0;
}

/* Return: 1; 0: they are not in order; -errno. */
static int load_minutes(struct reader *r, const struct range *range, struct minutes *ret)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r,
			       "SELECT minute, min(first), max(last) FROM minutes WHERE "
			       "minute >= ?1 AND minute < ?2 GROUP BY minute",
			       &s),
	    step = SQLITE_DONE;
	int64_t last = -1;

	if (e < 0)
		return e;
	(void)sqlite3_bind_int64(s, 1, range->since / (int64_t)HISTORY_MINUTE_US);
	(void)sqlite3_bind_int64(s, 2, range->until / (int64_t)HISTORY_MINUTE_US);
	while (e == 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
		const struct span_of_minute span = { sqlite3_column_int64(s, 0),
						     sqlite3_column_int64(s, 1),
						     sqlite3_column_int64(s, 2) };

		if (span.first <= last)
			return 0;
		last = span.last;
		e = add_minute(ret, &span);
	}
	if (e == 0)
		e = history_error(step);
	return e < 0 ? e : 1;
}

/* Events that are before or after these times have seqs of other minutes, unless a clock jumped. */
static bool is_in_order(struct reader *r, const struct range *range,
			const struct minutes *m)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e, step;

	if (!m->n)
		return true;
	e = reader_prepare(r,
			   "SELECT 1 FROM minutes WHERE (minute < ?1 AND last >= ?3) OR "
			   "(minute >= ?2 AND first <= ?4) LIMIT 1",
			   &s);
	if (e < 0)
		return false;
	(void)sqlite3_bind_int64(s, 1, range->since / (int64_t)HISTORY_MINUTE_US);
	(void)sqlite3_bind_int64(s, 2, range->until / (int64_t)HISTORY_MINUTE_US);
	(void)sqlite3_bind_int64(s, 3, m->items[0].first);
	(void)sqlite3_bind_int64(s, 4, m->items[m->n - 1].last);
	step = sqlite3_step(s);
	return step == SQLITE_DONE;
}

/* Of one kind, whose dims alone are taken now. */
static int count_kind(struct reader *r, const struct query *q, const struct minutes *m,
		      const struct dim *dim, reader_count_taker *take, void *context)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	_cleanup_buffer_ struct buffer match = { .limit = READER_MATCH_MAX };
	int e = reader_match_text(r, q, &match), step;
	size_t at = 0;

	if (e)
		return e == READER_NOTHING ? 0 : e;
	e = reader_prepare(r,
			   "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid "
			   "BETWEEN ?2 AND ?3 ORDER BY rowid",
			   &s);
	if (e < 0)
		return e;
	(void)sqlite3_bind_text(s, 1, match.data, (int)match.len, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 2, m->items[0].first);
	(void)sqlite3_bind_int64(s, 3, m->items[m->n - 1].last);
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t seq = sqlite3_column_int64(s, 0);

		while (at < m->n && m->items[at].last < seq)
			at++;
		if (at < m->n && m->items[at].first <= seq)
			take(context, m->items[at].minute, dim);
	}
	return history_error(step);
}

/* Counted by the kind, they have to be of dims that are taken all or not at all. */
static bool are_whole(const struct reader *r, const int64_t *kinds, size_t n)
{
	for (size_t i = 0; i < r->n_dims; i++) {
		bool is_of_one = false;

		for (size_t k = 0; k < n && !is_of_one; k++)
			is_of_one = kinds[k] == r->dims[i].kind;
		if (is_of_one != r->dims[i].is_taken)
			return false;
	}
	return true;
}

static int count_each_kind(struct reader *r, const struct query *q,
			   const struct minutes *m, const int64_t *kinds, size_t n,
			   reader_count_taker *take, void *context)
{
	int e = 0;

	for (size_t k = 0; e >= 0 && k < n; k++) {
		const struct dim *dim = NULL;

		for (size_t i = 0; i < r->n_dims; i++) {
			r->dims[i].is_taken = r->dims[i].kind == kinds[k];
			if (r->dims[i].is_taken)
				dim = &r->dims[i];
		}
		e = count_kind(r, q, m, dim, take, context);
	}
	/* as they were: of these kinds all, of others none */
	for (size_t i = 0; i < r->n_dims; i++) {
		r->dims[i].is_taken = false;
		for (size_t k = 0; k < n; k++)
			r->dims[i].is_taken |= r->dims[i].kind == kinds[k];
	}
	return e;
}

int reader_count_kinds(struct reader *r, const struct query *q, const struct range *range,
		       reader_count_taker *take, void *context)
{
	_cleanup_free_ int64_t *kinds = NULL;
	struct minutes minutes = { 0 };
	size_t n = 0;
	int e;

	kinds = reader_taken_kinds(r, &n);
	if (!kinds)
		return -ENOMEM;
	if (n > READER_KINDS_IN_TEXT || !are_whole(r, kinds, n))
		return 0;
	e = load_minutes(r, range, &minutes);
	if (e > 0)
		e = is_in_order(r, range, &minutes);
	if (e > 0 && minutes.n) {
		e = count_each_kind(r, q, &minutes, kinds, n, take, context);
		e = e < 0 ? e : 1;
	}
	free(minutes.items);
	return e;
}
