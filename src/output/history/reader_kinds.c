// SPDX-License-Identifier: Apache-2.0
/*
 * Counting what words and pairs are looked for, kind after kind, without a look at the events: to
 * look up each, for its time and what it is, takes five hundred times as long.
 *
 * What all events of a kind have, or none, need not be looked for, and what is frequent has
 * been counted (grams.h): both say the table gram_counts. For the rest the full-text index gives the
 * seqs. Which minute and dims row a seq is of, the table of minutes tells; only where these overlap,
 * because times went back, the event is looked up. What may not be there is counted off.
 */
#include "output/history/reader_internal.h"

#include <errno.h>
#include <inttypes.h>

#define OPEN_MAX 8 /* stretches that overlap; with more, all events there are looked up */
#define OFF	 UINT64_MAX /* one less, modulo 2^64 */

/* The seqs of a row of minutes. */
struct stretch {
	int64_t first, last;
	int32_t minute;
	uint32_t dim; /* index of reader's */
};

/* A kind: its stretches by their first seq, and those that the sweep is in. */
struct kind {
	int64_t id;
	bool is_whole; /* all its events are counted */
	const struct stretch *begin, *end, *next;
	const struct stretch *open[OPEN_MAX];
	size_t n_open;
	bool has_more; /* than open[] has room for: until the end */
};

/* A word, phrase or pair that is looked for. */
struct item {
	const struct query_term *term; /* or */
	const struct query_pair *pair;
	size_t place; /* of the term in the query */
	bool is_not;
	int64_t gram;	/* id; 0: it is not counted */
	uint64_t *sums; /* of each dim, in the spans that cover the time */
};

/* What of a kind has an item. */
enum share {
	SHARE_ALL,
	SHARE_NONE,
	SHARE_COUNTED,
	SHARE_UNKNOWN,
};

struct sweep {
	struct reader *reader;
	const struct query *query;
	bool is_coarse;	     /* spans are as good as minutes */
	int64_t begin, end;  /* minutes that are counted: begin <= minute < end */
	int64_t first, last; /* seqs of these */
	struct item items[QUERY_TERMS_MAX + QUERY_VALUES_MAX];
	enum share shares[QUERY_TERMS_MAX + QUERY_VALUES_MAX]; /* of the kind at hand */
	size_t n_items;
	struct kind kinds[READER_KINDS_IN_TEXT];
	size_t n_kinds;
	struct kind **kind_of; /* of each dim; NULL: none that is taken is of it */
	uint64_t *covered;     /* events of each dim in the spans that cover the time */
	struct stretch *stretches;
	size_t n_stretches, room;
	bool has_stretches;
	sqlite3_stmt *lookup, *gram;
	reader_count_taker *take;
	void *context;
};

/* What to ask the full-text index for. */
enum text {
	TEXT_WANTED, /* what has to be there */
	TEXT_BUT,    /* without what may not be there */
	TEXT_REST,   /* with what may not be there */
};

static size_t index_of(const struct sweep *w, const struct dim *dim)
{
	return (size_t)(dim - w->reader->dims);
}

static int64_t round_down(int64_t minute)
{
	return minute - minute % GRAMS_SPAN_MINUTES;
}

static int64_t round_up(int64_t minute)
{
	return round_down(minute + GRAMS_SPAN_MINUTES - 1);
}

static int add_stretch(struct sweep *w, const struct stretch *one)
{
	if (w->n_stretches == w->room) {
		size_t room = w->room ? 2 * w->room : 4096;
		struct stretch *more = reallocarray(w->stretches, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->stretches = more;
		w->room = room;
	}
	w->stretches[w->n_stretches++] = *one;
	return 0;
}

static int compare_stretches(const void *a, const void *b, void *sweep)
{
	const struct sweep *w = sweep;
	const struct stretch *x = a, *y = b;
	const struct kind *p = w->kind_of[x->dim], *q = w->kind_of[y->dim];

	if (p != q)
		return p < q ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static void share_stretches(struct sweep *w)
{
	qsort_r(w->stretches, w->n_stretches, sizeof(*w->stretches), compare_stretches,
		w);
	for (size_t i = 0; i < w->n_stretches; i++) {
		struct kind *k = w->kind_of[w->stretches[i].dim];

		if (!k->begin)
			k->begin = &w->stretches[i];
		k->end = &w->stretches[i] + 1;
	}
}

/* Of the kinds that are taken, all that may lie between seqs of the time: also others' of a kind,
 * and those of other minutes. */
static int load_stretches(struct sweep *w)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(w->reader,
			       "SELECT minute, dims, first, last FROM minutes WHERE "
			       "first <= ?2 AND last >= ?1",
			       &s),
	    step = SQLITE_DONE;

	if (e < 0)
		return e;
	(void)sqlite.bind_int64(s, 1, w->first);
	(void)sqlite.bind_int64(s, 2, w->last);
	while (e == 0 && (step = sqlite.step(s)) == SQLITE_ROW) {
		const struct dim *dim = reader_dim(w->reader, sqlite.column_int64(s, 1));
		struct stretch one = { .first = sqlite.column_int64(s, 2),
				       .last = sqlite.column_int64(s, 3),
				       .minute = sqlite.column_int(s, 0) };

		if (!dim || !w->kind_of[index_of(w, dim)])
			continue;
		one.dim = (uint32_t)index_of(w, dim);
		e = add_stretch(w, &one);
	}
	share_stretches(w);
	w->has_stretches = true;
	return e < 0 ? e : history_error(step);
}

static void begin_kind(struct kind *k)
{
	k->next = k->begin;
	k->n_open = 0;
	k->has_more = false;
}

/* @seq: not smaller than before. Return: where it is; NULL: it may be one of several. */
static const struct stretch *stretch_of(struct kind *k, int64_t seq)
{
	size_t n = 0;

	for (; k->next < k->end && k->next->first <= seq; k->next++) {
		if (k->next->last < seq)
			continue;
		if (k->n_open == OPEN_MAX)
			k->has_more = true;
		else
			k->open[k->n_open++] = k->next;
	}
	for (size_t i = 0; i < k->n_open; i++)
		if (k->open[i]->last >= seq)
			k->open[n++] = k->open[i];
	k->n_open = n;
	return n == 1 && !k->has_more ? k->open[0] : NULL;
}

/* The event itself says it. Return: 1; 0: it is gone; -errno. */
static int look_up(struct sweep *w, int64_t seq, struct stretch *ret)
{
	const struct dim *dim;
	int step;

	(void)sqlite.reset(w->lookup);
	(void)sqlite.bind_int64(w->lookup, 1, seq);
	step = sqlite.step(w->lookup);
	if (step != SQLITE_ROW)
		return history_error(step);
	dim = reader_dim(w->reader, sqlite.column_int64(w->lookup, 1));
	if (!dim)
		return 0;
	ret->minute = sqlite.column_int(w->lookup, 0);
	ret->dim = (uint32_t)index_of(w, dim);
	return 1;
}

/* Between which seqs the minutes of the kind lie. */
static void bound(const struct kind *k, int64_t begin, int64_t end, int64_t *ret_first,
		  int64_t *ret_last)
{
	*ret_first = INT64_MAX;
	*ret_last = -1;
	for (const struct stretch *s = k->begin; s < k->end; s++) {
		if (s->minute < begin || s->minute >= end)
			continue;
		*ret_first = s->first < *ret_first ? s->first : *ret_first;
		*ret_last = s->last > *ret_last ? s->last : *ret_last;
	}
}

static int sweep_seqs(struct sweep *w, struct kind *k, struct rows *rows, int64_t begin,
		      int64_t end, uint64_t n)
{
	int64_t row[READER_COLUMNS];
	int e;

	begin_kind(k);
	while ((e = reader_next_row(rows, row)) > 0) {
		const struct stretch *in = stretch_of(k, row[0]);
		struct stretch looked_up = { 0 };
		const struct dim *dim;

		e = in ? 1 : look_up(w, row[0], &looked_up);
		if (e < 0)
			break;
		if (e == 0)
			continue;
		in = in ? in : &looked_up;
		dim = &w->reader->dims[in->dim];
		if (dim->is_taken && in->minute >= begin && in->minute < end)
			w->take(w->context, in->minute, dim, n);
	}
	return e;
}

static int append_item(const struct sweep *w, const struct item *item, bool has_tokens,
		       struct buffer *out)
{
	char token[HISTORY_TOKEN_SIZE];
	int e;

	if (item->term) {
		reader_append_words(w->reader, w->query, item->place, has_tokens, out);
		return 0;
	}
	e = history_token(w->reader->secret, item->pair->key, item->pair->value, token);
	buffer_appendf(out, "data : \"%s\"", e < 0 ? "" : token);
	return e;
}

/* Those that have to be there, or may not, and are not certain: each after @join. */
static int append_items(const struct sweep *w, bool is_not, bool has_tokens,
			const char *join, struct buffer *out)
{
	int e = 0;

	for (size_t i = 0; e >= 0 && i < w->n_items; i++) {
		if (w->items[i].is_not != is_not || w->shares[i] < SHARE_COUNTED)
			continue;
		buffer_appendf(out, "%s", join);
		e = append_item(w, &w->items[i], has_tokens, out);
		if (is_not)
			join = " OR ";
	}
	return e;
}

static int make_text(const struct sweep *w, const struct kind *k, enum text text,
		     bool has_tokens, struct buffer *out)
{
	int e;

	buffer_appendf(out, "(dims : \"d%" PRId64 "\"", k->id);
	e = append_items(w, false, has_tokens, " AND ", out);
	buffer_append_char(out, ')');
	if (e < 0 || text == TEXT_WANTED)
		return e;
	e = append_items(w, true, has_tokens, text == TEXT_REST ? " AND (" : " NOT (",
			 out);
	buffer_append_char(out, ')');
	return e;
}

/* Each event of the piece, in order of seq. */
static int match_kind(struct sweep *w, const struct kind *k, enum text text,
		      const struct piece *piece, sqlite3_stmt **ret)
{
	_cleanup_buffer_ struct buffer match = { .limit = READER_MATCH_MAX };
	int e = make_text(w, k, text, piece->has_tokens, &match);

	if (e >= 0 && match.error)
		e = match.error == -EMSGSIZE ? -ETIME : match.error;
	if (e < 0)
		return e;
	e = reader_prepare(w->reader,
			   piece->is_backwards
				   ? "SELECT rowid FROM words WHERE words MATCH ?1 AND "
				     "rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC"
				   : "SELECT rowid FROM words WHERE words MATCH ?1 AND "
				     "rowid BETWEEN ?2 AND ?3 ORDER BY rowid",
			   ret);
	if (e < 0)
		return e;
	(void)sqlite.bind_text(*ret, 1, match.data, (int)match.len, SQLITE_TRANSIENT);
	(void)sqlite.bind_int64(*ret, 2, piece->range.first);
	(void)sqlite.bind_int64(*ret, 3, piece->range.last);
	return 0;
}

/* Each event of @begin <= minute < @end that the full-text index finds, @n times. */
static int count_text(struct sweep *w, struct kind *k, enum text text, int64_t begin,
		      int64_t end, uint64_t n)
{
	struct range range = { 0 };
	struct piece piece;
	int e = w->has_stretches ? 0 : load_stretches(w);

	bound(k, begin, end, &range.first, &range.last);
	for (int has_tokens = 0; e >= 0 && has_tokens < 2; has_tokens++) {
		_cleanup_(reader_end_rows) struct rows rows = { .n_columns = 1 };

		if (!reader_piece(w->reader, &range, has_tokens, true, &piece))
			continue;
		rows.is_backwards = piece.is_backwards;
		e = match_kind(w, k, text, &piece, &rows.statement);
		if (e >= 0)
			e = sweep_seqs(w, k, &rows, begin, end, n);
	}
	return e;
}

static int count_spans(struct sweep *w, const struct item *item, const struct dim *dim,
		       int64_t begin, int64_t end, uint64_t n)
{
	int step;

	(void)sqlite.reset(w->gram);
	(void)sqlite.bind_int64(w->gram, 1, item->gram);
	(void)sqlite.bind_int64(w->gram, 2, dim->id);
	(void)sqlite.bind_int64(w->gram, 3, begin / GRAMS_SPAN_MINUTES);
	(void)sqlite.bind_int64(w->gram, 4, end / GRAMS_SPAN_MINUTES);
	while ((step = sqlite.step(w->gram)) == SQLITE_ROW)
		w->take(w->context, sqlite.column_int64(w->gram, 0) * GRAMS_SPAN_MINUTES,
			dim, n * (uint64_t)sqlite.column_int64(w->gram, 1));
	return history_error(step);
}

/* By its counts, where whole spans are of the time; at the ends, by the index. */
static int count_gram(struct sweep *w, struct kind *k, const struct item *item,
		      enum text text, uint64_t n)
{
	int64_t begin = round_up(w->begin), end = round_down(w->end);
	int e = 0;

	if (!w->is_coarse || begin >= end)
		return count_text(w, k, text, w->begin, w->end, n);
	for (size_t i = 0; e >= 0 && i < w->reader->n_dims; i++)
		if (w->kind_of[i] == k && w->reader->dims[i].is_taken)
			e = count_spans(w, item, &w->reader->dims[i], begin, end, n);
	if (e >= 0 && w->begin < begin)
		e = count_text(w, k, text, w->begin, begin, n);
	if (e >= 0 && end < w->end)
		e = count_text(w, k, text, end, w->end, n);
	return e;
}

/* Its type or rule may have a word, as that of each of its events. */
static bool is_named(const struct sweep *w, const struct kind *k, const struct item *item)
{
	for (size_t i = 0; item->term && i < w->reader->n_dims; i++) {
		const struct dim *d = &w->reader->dims[i];

		if (w->kind_of[i] == k)
			return query_term_names(item->term, d->fields[QUERY_TYPE]) ||
			       query_term_names(item->term, d->fields[QUERY_RULE]);
	}
	return false;
}

static enum share share_of(const struct sweep *w, const struct kind *k,
			   const struct item *item)
{
	uint64_t all = 0, has = 0;

	if (is_named(w, k, item))
		return SHARE_ALL;
	if (!item->gram)
		return SHARE_UNKNOWN;
	for (size_t i = 0; i < w->reader->n_dims; i++) {
		if (w->kind_of[i] != k || !w->reader->dims[i].is_taken)
			continue;
		all += w->covered[i];
		has += item->sums[i];
	}
	return has == 0 ? SHARE_NONE : has == all ? SHARE_ALL : SHARE_COUNTED;
}

/* Those that are looked for in the kind; @ret_only: the last of them. -1: no event has all. */
static int list_shares(struct sweep *w, const struct kind *k, bool is_not,
		       const struct item **ret_only)
{
	enum share wrong = is_not ? SHARE_ALL : SHARE_NONE;
	int n = 0;

	for (size_t i = 0; i < w->n_items; i++) {
		if (w->items[i].is_not != is_not)
			continue;
		w->shares[i] = share_of(w, k, &w->items[i]);
		if (w->shares[i] == wrong)
			return -1;
		if (w->shares[i] < SHARE_COUNTED)
			continue;
		*ret_only = &w->items[i];
		n++;
	}
	return n;
}

static int count_kind(struct sweep *w, struct kind *k)
{
	const struct item *wanted = NULL, *unwanted = NULL;
	int n_wanted = list_shares(w, k, false, &wanted);
	int n_unwanted = list_shares(w, k, true, &unwanted);
	int e = 0;

	if (n_wanted < 0 || n_unwanted < 0)
		return 0;
	if (n_wanted > 1 || (n_wanted && !wanted->gram))
		return count_text(w, k, n_unwanted ? TEXT_BUT : TEXT_WANTED, w->begin,
				  w->end, 1);
	if (n_wanted)
		e = count_gram(w, k, wanted, TEXT_WANTED, 1);
	else
		k->is_whole = true;
	if (e < 0 || !n_unwanted)
		return e;
	if (!n_wanted && n_unwanted == 1 && unwanted->gram)
		return count_gram(w, k, unwanted, TEXT_REST, OFF);
	return count_text(w, k, TEXT_REST, w->begin, w->end, OFF);
}

/* A row of minutes, @n events. */
typedef void minute_taker(struct sweep *w, int64_t minute, const struct dim *dim,
			  sqlite3_stmt *s, uint64_t n);

static int each_minute(struct sweep *w, int64_t begin, int64_t end, minute_taker *take)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(w->reader,
			       "SELECT minute, dims, n, first, last FROM minutes WHERE "
			       "minute >= ?1 AND minute < ?2",
			       &s),
	    step;

	if (e < 0)
		return e;
	(void)sqlite.bind_int64(s, 1, begin);
	(void)sqlite.bind_int64(s, 2, end);
	while ((step = sqlite.step(s)) == SQLITE_ROW) {
		const struct dim *dim = reader_dim(w->reader, sqlite.column_int64(s, 1));

		if (dim && dim->is_taken)
			take(w, sqlite.column_int64(s, 0), dim, s,
			     (uint64_t)sqlite.column_int64(s, 2));
	}
	return history_error(step);
}

static void note_minute(struct sweep *w, int64_t minute, const struct dim *dim,
			sqlite3_stmt *s, uint64_t n)
{
	int64_t first = sqlite.column_int64(s, 3), last = sqlite.column_int64(s, 4);

	w->covered[index_of(w, dim)] += n;
	if (minute < w->begin || minute >= w->end)
		return;
	w->first = first < w->first ? first : w->first;
	w->last = last > w->last ? last : w->last;
}

static void take_whole(struct sweep *w, int64_t minute, const struct dim *dim,
		       sqlite3_stmt *s, uint64_t n)
{
	(void)s;
	if (w->kind_of[index_of(w, dim)]->is_whole)
		w->take(w->context, minute, dim, n);
}

/* How many of each dim have it, in the spans that cover the time. */
static int sum_gram(struct sweep *w, struct item *item)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(w->reader,
			       "SELECT dims, sum(n) FROM gram_counts WHERE gram = ?1 AND "
			       "span >= ?2 AND span < ?3 GROUP BY dims",
			       &s),
	    step;

	item->sums = calloc(w->reader->n_dims + 1, sizeof(*item->sums));
	if (e < 0 || !item->sums)
		return e < 0 ? e : -ENOMEM;
	(void)sqlite.bind_int64(s, 1, item->gram);
	(void)sqlite.bind_int64(s, 2, round_down(w->begin) / GRAMS_SPAN_MINUTES);
	(void)sqlite.bind_int64(s, 3, round_up(w->end) / GRAMS_SPAN_MINUTES);
	while ((step = sqlite.step(s)) == SQLITE_ROW) {
		const struct dim *dim = reader_dim(w->reader, sqlite.column_int64(s, 0));

		if (dim)
			item->sums[index_of(w, dim)] = (uint64_t)sqlite.column_int64(s,
										     1);
	}
	return history_error(step);
}

static int list_items(struct sweep *w, const struct query *q)
{
	int e = 0;

	for (size_t i = 0; i < q->n_terms; i++)
		w->items[w->n_items++] = (struct item){ .term = &q->terms[i],
							.place = i,
							.is_not = q->terms[i].is_not };
	for (size_t i = 0; i < q->n_pairs; i++)
		w->items[w->n_items++] = (struct item){ .pair = &q->pairs[i],
							.is_not = q->pairs[i].is_not };
	for (size_t i = 0; e >= 0 && i < w->n_items; i++) {
		e = reader_find_term(w->reader, q, i, &w->items[i].gram);
		if (e > 0)
			e = sum_gram(w, &w->items[i]);
	}
	return e;
}

static int list_kinds(struct sweep *w, const int64_t *ids, size_t n)
{
	w->n_kinds = n;
	w->kind_of = calloc(w->reader->n_dims + 1, sizeof(struct kind *));
	w->covered = calloc(w->reader->n_dims + 1, sizeof(*w->covered));
	if (!w->kind_of || !w->covered)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++) {
		w->kinds[k] = (struct kind){ .id = ids[k] };
		for (size_t i = 0; i < w->reader->n_dims; i++)
			if (w->reader->dims[i].kind == ids[k])
				w->kind_of[i] = &w->kinds[k];
	}
	return 0;
}

static int count_kinds(struct sweep *w, const struct query *q)
{
	bool is_any_whole = false;
	int e = each_minute(w, round_down(w->begin), round_up(w->end), note_minute);

	if (e < 0 || w->first > w->last)
		return e;
	e = list_items(w, q);
	if (e >= 0)
		e = reader_prepare(w->reader,
				   "SELECT at / 60000000, dim FROM events WHERE seq = ?1",
				   &w->lookup);
	if (e >= 0)
		e = reader_prepare(w->reader,
				   "SELECT span, n FROM gram_counts WHERE gram = ?1 AND "
				   "dims = ?2 AND span >= ?3 AND span < ?4",
				   &w->gram);
	for (size_t k = 0; e >= 0 && k < w->n_kinds; k++) {
		e = count_kind(w, &w->kinds[k]);
		is_any_whole = is_any_whole || w->kinds[k].is_whole;
	}
	return e < 0 || !is_any_whole ? e : each_minute(w, w->begin, w->end, take_whole);
}

static void end_sweep(struct sweep *w)
{
	reader_finalize(&w->lookup);
	reader_finalize(&w->gram);
	for (size_t i = 0; i < w->n_items; i++)
		free(w->items[i].sums);
	free(w->kind_of);
	free(w->covered);
	free(w->stretches);
	free(w);
}

int reader_count_kinds(struct reader *r, const struct query *q, const struct range *range,
		       bool is_coarse, reader_count_taker *take, void *context)
{
	_cleanup_free_ int64_t *kinds = NULL;
	struct sweep *w;
	size_t n = 0;
	int e;

	kinds = reader_taken_kinds(r, &n);
	if (!kinds)
		return -ENOMEM;
	if (n > READER_KINDS_IN_TEXT)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->reader = r;
	w->query = q;
	w->is_coarse = is_coarse;
	w->begin = range->since / (int64_t)HISTORY_MINUTE_US;
	w->end = range->until / (int64_t)HISTORY_MINUTE_US;
	w->first = INT64_MAX;
	w->last = -1;
	w->take = take;
	w->context = context;
	e = list_kinds(w, kinds, n);
	if (e >= 0)
		e = count_kinds(w, q);
	end_sweep(w);
	return e < 0 ? e : 1;
}
