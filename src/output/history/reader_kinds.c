// SPDX-License-Identifier: Apache-2.0
/*
 * Counting what the full-text index finds by its seqs alone, kind after kind: to look up each event,
 * for its time and what it is, takes five hundred times as long. What the events of a kind have in
 * common is what is counted by. Which minute a seq is of, the table of minutes tells; only where
 * minutes overlap, because times went back, the event is looked up.
 */
#include "output/history/reader_internal.h"

#include <errno.h>

#include "output/history/history.h"

#define OPEN_MAX 8 /* minutes that overlap; with more, all events there are looked up */

/* The seqs of one minute. */
struct span_of_minute {
	int64_t minute, first, last;
};

/* All of them by their first seq, and those that the sweep is in. */
struct minutes {
	struct span_of_minute *items;
	size_t n, room, next;
	struct span_of_minute open[OPEN_MAX];
	size_t n_open;
	bool has_more; /* than open[] has room for: until the end */
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

static int load_minutes(struct reader *r, struct minutes *ret)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r,
			       "SELECT minute, min(first), max(last) FROM minutes "
			       "GROUP BY minute ORDER BY 2",
			       &s),
	    step = SQLITE_DONE;

	while (e == 0 && (step = sqlite.step(s)) == SQLITE_ROW) {
		const struct span_of_minute span = { sqlite.column_int64(s, 0),
						     sqlite.column_int64(s, 1),
						     sqlite.column_int64(s, 2) };

		e = add_minute(ret, &span);
	}
	return e < 0 ? e : history_error(step);
}

static void begin_sweep(struct minutes *m)
{
	m->next = m->n_open = 0;
	m->has_more = false;
}

/* @seq: not smaller than before. Return: its minute; -1: it may be one of several. */
static int64_t minute_of(struct minutes *m, int64_t seq)
{
	size_t n = 0;

	for (; m->next < m->n && m->items[m->next].first <= seq; m->next++) {
		if (m->items[m->next].last < seq)
			continue;
		if (m->n_open == OPEN_MAX)
			m->has_more = true;
		else
			m->open[m->n_open++] = m->items[m->next];
	}
	for (size_t i = 0; i < m->n_open; i++)
		if (m->open[i].last >= seq)
			m->open[n++] = m->open[i];
	m->n_open = n;
	return n == 1 && !m->has_more ? m->open[0].minute : -1;
}

/* The event itself says it. Return: 0; -errno; *ret is -1 if it is gone. */
static int look_up(sqlite3_stmt *s, int64_t seq, int64_t *ret)
{
	int step;

	(void)sqlite.reset(s);
	(void)sqlite.bind_int64(s, 1, seq);
	step = sqlite.step(s);
	*ret = step == SQLITE_ROW ? sqlite.column_int64(s, 0) : -1;
	return history_error(step);
}

struct sweep {
	struct minutes minutes;
	sqlite3_stmt *lookup;
	int64_t begin, end; /* minutes that are counted: begin <= minute < end */
	reader_count_taker *take;
	void *context;
};

/* Of one kind, whose dims alone are taken now. */
static int count_kind(struct reader *r, const struct query *q, struct sweep *w,
		      const struct dim *dim)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	_cleanup_buffer_ struct buffer match = { .limit = READER_MATCH_MAX };
	int e = reader_match_text(r, q, &match), step = SQLITE_DONE;

	if (e)
		return e == READER_NOTHING ? 0 : e;
	e = reader_prepare(
		r, "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid", &s);
	if (e < 0)
		return e;
	(void)sqlite.bind_text(s, 1, match.data, (int)match.len, SQLITE_STATIC);
	begin_sweep(&w->minutes);
	while (e == 0 && (step = sqlite.step(s)) == SQLITE_ROW) {
		int64_t seq = sqlite.column_int64(s, 0);
		int64_t minute = minute_of(&w->minutes, seq);

		if (minute < 0)
			e = look_up(w->lookup, seq, &minute);
		if (minute >= w->begin && minute < w->end)
			w->take(w->context, minute, dim);
	}
	return e < 0 ? e : history_error(step);
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

static int count_each_kind(struct reader *r, const struct query *q, struct sweep *w,
			   const int64_t *kinds, size_t n)
{
	int e = 0;

	for (size_t k = 0; e >= 0 && k < n; k++) {
		const struct dim *dim = NULL;

		for (size_t i = 0; i < r->n_dims; i++) {
			r->dims[i].is_taken = r->dims[i].kind == kinds[k];
			if (r->dims[i].is_taken)
				dim = &r->dims[i];
		}
		e = count_kind(r, q, w, dim);
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
	struct sweep w = { .begin = range->since / (int64_t)HISTORY_MINUTE_US,
			   .end = range->until / (int64_t)HISTORY_MINUTE_US,
			   .take = take,
			   .context = context };
	_cleanup_free_ int64_t *kinds = NULL;
	size_t n = 0;
	int e;

	kinds = reader_taken_kinds(r, &n);
	if (!kinds)
		return -ENOMEM;
	if (n > READER_KINDS_IN_TEXT || !are_whole(r, kinds, n))
		return 0;
	e = reader_prepare(r, "SELECT at / 60000000 FROM events WHERE seq = ?1",
			   &w.lookup);
	if (e >= 0)
		e = load_minutes(r, &w.minutes);
	if (e >= 0)
		e = count_each_kind(r, q, &w, kinds, n);
	reader_finalize(&w.lookup);
	free(w.minutes.items);
	return e < 0 ? e : 1;
}
