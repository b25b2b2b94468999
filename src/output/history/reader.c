// SPDX-License-Identifier: Apache-2.0
/*
 * See reader.h. What events have in common stands in dims, a small table that is read first:
 * the rows that a query takes are numbers then. Without words to look for, the index
 * (dim, seq, at) gives for each of them the first seqs of the page, which are merged; with
 * words, the full-text index gives seqs in order. Counts come from minutes.
 */
#include "output/history/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "core/event.h"
#include "output/history/history.h"
#include "output/history/reader_internal.h"

#define HEAP_BYTES ((sqlite3_int64)64 << 20)
#define STEPS	   2000 /* of SQLite's machine between two looks at the clock */
#define BUSY_MS	   200

static int is_over(void *context)
{
	const struct reader *r = context;

	return clock_now().mono_us > r->deadline_us ||
	       (r->is_in_vain && r->is_in_vain(r->context));
}

static void close_database(struct reader *r)
{
	words_destroy(r->words);
	r->words = NULL;
	(void)sqlite.close(r->db);
	r->db = NULL;
}

/* Nobody writes it, and all is in the file: SQLite would want to make the two others. */
static bool is_at_rest(void)
{
	struct stat st;

	return stat(HISTORY_FILE "-shm", &st) < 0 && errno == ENOENT &&
	       (stat(HISTORY_FILE "-wal", &st) < 0 ? errno == ENOENT : st.st_size == 0);
}

static int open_database(struct reader *r)
{
	const char *name = is_at_rest() ? "file:" HISTORY_FILE "?immutable=1"
					: "file:" HISTORY_FILE "?readonly_shm=1";
	int result = sqlite.open_v2(name, &r->db,
				    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
					    SQLITE_OPEN_NOMUTEX,
				    HISTORY_VFS);
	int e;

	r->is_at_rest = strstr(name, "immutable") != NULL;

	if (result == SQLITE_OK)
		result = sqlite.busy_timeout(r->db, BUSY_MS);
	if (result == SQLITE_OK)
		result = sqlite.exec(
			r->db,
			"PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"
			"PRAGMA trusted_schema = OFF; PRAGMA query_only = ON;"
			"PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;",
			NULL, NULL, NULL);
	sqlite.progress_handler(r->db, STEPS, is_over, r);
	e = result == SQLITE_OK ? history_load_key(r->db, r->secret)
				: history_error(result);
	return e < 0 ? e : words_create(r->db, &r->words);
}

/* Made anew, it is another file; and one that was at rest may be written by now. */
static int follow_file(struct reader *r)
{
	struct stat st;

	if (stat(HISTORY_FILE, &st) < 0) {
		close_database(r);
		return -errno;
	}
	if (r->db && (st.st_ino != r->inode || r->is_at_rest))
		close_database(r);
	r->inode = st.st_ino;
	return r->db ? 0 : open_database(r);
}

int reader_prepare(struct reader *r, const char *sql, sqlite3_stmt **ret)
{
	return history_error(sqlite.prepare_v2(r->db, sql, -1, ret, NULL));
}

void reader_finalize(sqlite3_stmt **s)
{
	(void)sqlite.finalize(*s);
}

static struct span column(sqlite3_stmt *s, int i)
{
	const char *text = (const char *)sqlite.column_text(s, i);

	return (struct span){ text ? text : "", (size_t)sqlite.column_bytes(s, i) };
}

#define FIRST_FIELD 4 /* column of the first of query_fields */

static int add_dim(struct reader *r, sqlite3_stmt *s)
{
	struct dim *dims = reallocarray(r->dims, r->n_dims + 1, sizeof(*dims)), *d;
	struct buffer text = { 0 };

	if (!dims)
		return -ENOMEM;
	r->dims = dims;
	d = &dims[r->n_dims];
	*d = (struct dim){ .id = sqlite.column_int64(s, 0),
			   .kind = sqlite.column_int64(s, 1),
			   .n = (uint64_t)sqlite.column_int64(s, 2),
			   .severity = (unsigned int)sqlite.column_int(s, 3) & 3 };
	for (int i = 0; i < QUERY_FIELD_COUNT; i++)
		buffer_append_span(&text, column(s, FIRST_FIELD + i));
	buffer_append_char(&text, '\0');
	if (text.error)
		return -ENOMEM;
	d->text = text.data;
	for (size_t i = 0, at = 0; i < QUERY_FIELD_COUNT; i++) {
		size_t len = column(s, FIRST_FIELD + (int)i).len;

		d->fields[i] = (struct span){ d->text + at, len };
		at += len;
	}
	r->n_dims++;
	return 0;
}

static void forget_dims(struct reader *r)
{
	for (size_t i = 0; i < r->n_dims; i++)
		free(r->dims[i].text);
	r->n_dims = r->n_taken = 0;
}

/* Those that the query takes come first. */
static int load_dims(struct reader *r, const struct query *q)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r,
			       "SELECT id, kind, n, severity" QUERY_COLUMNS
			       " FROM dims WHERE n > 0 ORDER BY id",
			       &s),
	    step;

	forget_dims(r);
	while (e == 0 && (step = sqlite.step(s)) != SQLITE_DONE) {
		e = step == SQLITE_ROW ? add_dim(r, s) : history_error(step);
		if (e == 0) {
			struct dim *last = &r->dims[r->n_dims - 1];

			last->is_taken = query_takes(q, last->severity, last->fields);
			r->n_taken += last->is_taken;
		}
	}
	return e;
}

const struct dim *reader_dim(const struct reader *r, int64_t id)
{
	size_t low = 0, high = r->n_dims;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->dims[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n_dims && r->dims[low].id == id ? &r->dims[low] : NULL;
}

/* Which seqs can be of that time: those of its minutes. Clocks jump, so it is a bound only. */
int reader_bound_by_time(struct reader *r, struct range *range)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e, step;

	if (range->since == 0 && range->until == INT64_MAX)
		return 0;
	e = reader_prepare(r,
			   "SELECT min(first), max(last) FROM minutes WHERE minute >= ?1 "
			   "AND minute <= ?2",
			   &s);
	if (e < 0)
		return e;
	(void)sqlite.bind_int64(s, 1, range->since / (int64_t)HISTORY_MINUTE_US);
	(void)sqlite.bind_int64(s, 2, range->until / (int64_t)HISTORY_MINUTE_US);
	step = sqlite.step(s);
	if (step != SQLITE_ROW)
		return history_error(step);
	if (sqlite.column_type(s, 0) == SQLITE_NULL) {
		range->last = range->first - 1; /* none */
		return 0;
	}
	if (sqlite.column_int64(s, 0) > range->first)
		range->first = sqlite.column_int64(s, 0);
	if (sqlite.column_int64(s, 1) < range->last)
		range->last = sqlite.column_int64(s, 1);
	return 0;
}

/* The first or last seq of a dim. */
static int end_of_dim(sqlite3_stmt *s, int64_t id, int64_t *ret)
{
	int step;

	(void)sqlite.reset(s);
	(void)sqlite.bind_int64(s, 1, id);
	step = sqlite.step(s);
	if (step == SQLITE_ROW)
		*ret = sqlite.column_int64(s, 0);
	return history_error(step);
}

/* Boots and streams have a beginning and an end, between which words are looked for. */
static int bound_by_dims(struct reader *r, struct range *range)
{
	_cleanup_(reader_finalize) sqlite3_stmt *first = NULL, *last = NULL;
	int64_t low = INT64_MAX, high = -1;
	int e = reader_prepare(r,
			       "SELECT seq FROM events INDEXED BY events_dim WHERE dim = "
			       "?1 ORDER BY seq LIMIT 1",
			       &first);

	if (e == 0)
		e = reader_prepare(r,
				   "SELECT seq FROM events INDEXED BY events_dim WHERE "
				   "dim = ?1 ORDER BY seq DESC LIMIT 1",
				   &last);
	for (size_t i = 0; e == 0 && i < r->n_dims; i++) {
		int64_t begin = INT64_MAX, end = -1;

		if (!r->dims[i].is_taken)
			continue;
		e = end_of_dim(first, r->dims[i].id, &begin);
		if (e == 0)
			e = end_of_dim(last, r->dims[i].id, &end);
		low = begin < low ? begin : low;
		high = end > high ? end : high;
	}
	if (low > range->first)
		range->first = low;
	if (high < range->last)
		range->last = high;
	return e;
}

/* What the question's names and words are in the database. */
static int load_question(struct reader *r, const struct query *q)
{
	int e = load_dims(r, q);

	return e < 0 ? e : reader_load_phrases(r, q);
}

static int find_range(struct reader *r, const struct query *q, struct range *ret)
{
	int64_t cursor = (int64_t)q->cursor;

	*ret = (struct range){ 0, INT64_MAX, (int64_t)q->since_us,
			       q->until_us > INT64_MAX ? INT64_MAX
						       : (int64_t)q->until_us };
	if (q->has_cursor && q->is_ascending)
		ret->first = cursor + 1;
	else if (q->has_cursor)
		ret->last = cursor - 1;
	return reader_bound_by_time(r, ret);
}

static bool is_before(bool is_ascending, int64_t a, int64_t b)
{
	return is_ascending ? a < b : a > b;
}

/* Put a seq where it belongs among the first of the page. Return: false if it is none. */
static bool merge(struct page *p, int64_t seq)
{
	size_t at = p->n;

	if (p->n == p->size && !is_before(p->is_ascending, seq, p->seqs[p->n - 1]))
		return false;
	while (at > 0 && is_before(p->is_ascending, seq, p->seqs[at - 1]))
		at--;
	if (p->n == p->size)
		p->n--;
	memmove(&p->seqs[at + 1], &p->seqs[at], (p->n - at) * sizeof(*p->seqs));
	p->seqs[at] = seq;
	p->n++;
	return true;
}

static void bind_range(sqlite3_stmt *s, const struct range *range)
{
	(void)sqlite.bind_int64(s, 2, range->first);
	(void)sqlite.bind_int64(s, 3, range->last);
	(void)sqlite.bind_int64(s, 4, range->since);
	(void)sqlite.bind_int64(s, 5, range->until);
}

static int page_of_dim(sqlite3_stmt *s, int64_t id, struct page *p)
{
	int step;

	(void)sqlite.reset(s);
	(void)sqlite.bind_int64(s, 1, id);
	while ((step = sqlite.step(s)) == SQLITE_ROW)
		if (!merge(p, sqlite.column_int64(s, 0)))
			return 0;
	return history_error(step);
}

static int page_by_dims(struct reader *r, const struct range *range, struct page *p)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	bool is_all = r->n_taken == r->n_dims;
	const char *sql =
		is_all ? p->is_ascending
				 ? "SELECT seq FROM events WHERE ?1 = ?1 AND seq BETWEEN "
				   "?2 AND ?3 AND at >= ?4 AND at < ?5 ORDER BY seq"
				 : "SELECT seq FROM events WHERE ?1 = ?1 AND seq BETWEEN "
				   "?2 AND ?3 AND at >= ?4 AND at < ?5 ORDER BY seq DESC"
		: p->is_ascending
			? "SELECT seq FROM events INDEXED BY events_dim WHERE dim = ?1 "
			  "AND "
			  "seq BETWEEN ?2 AND ?3 AND at >= ?4 AND at < ?5 ORDER BY seq"
			: "SELECT seq FROM events INDEXED BY events_dim WHERE dim = ?1 "
			  "AND "
			  "seq BETWEEN ?2 AND ?3 AND at >= ?4 AND at < ?5 ORDER BY seq "
			  "DESC";
	int e = reader_prepare(r, sql, &s);

	if (e < 0)
		return e;
	bind_range(s, range);
	if (is_all)
		return r->n_dims ? page_of_dim(s, 0, p) : 0;
	/* those of the boot at whose end the page begins come first, and fill it */
	for (size_t i = 0; e == 0 && i < r->n_dims; i++) {
		const struct dim *d = &r->dims[p->is_ascending ? i : r->n_dims - 1 - i];

		if (d->is_taken)
			e = page_of_dim(s, d->id, p);
	}
	return e;
}

/* Return: 0; 1: @take ended it; -errno. */
static int match_piece(struct reader *r, const struct query *q, const struct piece *piece,
		       bool (*take)(void *context, int64_t seq, int64_t at,
				    const struct dim *dim),
		       void *context)
{
	_cleanup_(reader_end_rows) struct rows rows = {
		.n_columns = 3, .is_backwards = piece->is_backwards
	};
	_cleanup_buffer_ struct buffer match = { .limit = READER_MATCH_MAX };
	const char *sql = q->is_ascending && !piece->is_backwards
				  ? "SELECT seq, at, dim FROM words JOIN events ON "
				    "seq = words.rowid WHERE words MATCH ?1 AND "
				    "words.rowid BETWEEN ?2 AND ?3 AND at >= ?4 AND at < "
				    "?5 ORDER BY words.rowid"
				  : "SELECT seq, at, dim FROM words JOIN events ON "
				    "seq = words.rowid WHERE words MATCH ?1 AND "
				    "words.rowid BETWEEN ?2 AND ?3 AND at >= ?4 AND at < "
				    "?5 ORDER BY words.rowid DESC";
	int e = reader_match_text(r, q, piece->has_tokens, &match);
	int64_t row[READER_COLUMNS];

	if (e == READER_NOTHING)
		return 0;
	if (e >= 0)
		e = reader_prepare(r, sql, &rows.statement);
	if (e < 0)
		return e;
	(void)sqlite.bind_text(rows.statement, 1, match.data, (int)match.len,
			       SQLITE_STATIC);
	bind_range(rows.statement, &piece->range);
	while ((e = reader_next_row(&rows, row)) > 0) {
		const struct dim *dim = reader_dim(r, row[2]);

		if (dim && dim->is_taken && !take(context, row[0], row[1], dim))
			return 1;
	}
	return e;
}

int reader_each_match(struct reader *r, const struct query *q, struct range *range,
		      bool (*take)(void *context, int64_t seq, int64_t at,
				   const struct dim *dim),
		      void *context)
{
	int e;

	if (!r->n_taken)
		return 0;
	e = q->fields[QUERY_STREAM].n || q->fields[QUERY_BOOT_ID].n
		    ? bound_by_dims(r, range)
		    : 0;
	for (int i = 0; e == 0 && i < 2; i++) {
		bool has_tokens = q->is_ascending == (i == 1);
		struct piece piece;

		if (reader_piece(r, range, has_tokens, q->is_ascending, &piece))
			e = match_piece(r, q, &piece, take, context);
	}
	return e < 0 ? e : 0;
}

static bool take_for_page(void *context, int64_t seq, int64_t at, const struct dim *dim)
{
	struct page *p = context;

	(void)at, (void)dim;
	return merge(p, seq) && p->n < p->size;
}

static int find_page(struct reader *r, const struct query *q, struct page *p)
{
	struct range range = { 0 };
	int e = load_question(r, q);

	if (e >= 0)
		e = find_range(r, q, &range);
	if (e < 0 || range.first > range.last)
		return e;
	return query_needs_words(q) ? reader_each_match(r, q, &range, take_for_page, p)
				    : page_by_dims(r, &range, p);
}

/* One more than are wanted: is there a next page? */
static int fetch_lines(struct reader *r, const struct query *q, const struct page *p,
		       void (*append)(struct buffer *out, struct span line, uint64_t n),
		       struct answer_text *ret)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r, "SELECT line FROM events WHERE seq = ?1", &s);

	for (size_t i = 0; e == 0 && i < p->n && ret->n < q->limit; i++) {
		int step;

		(void)sqlite.reset(s);
		(void)sqlite.bind_int64(s, 1, p->seqs[i]);
		step = sqlite.step(s);
		if (step != SQLITE_ROW)
			return history_error(step); /* done: it is gone by now */
		append(&ret->body, column(s, 0), ret->n++);
		ret->next = (uint64_t)p->seqs[i];
		if (ret->body.len > READER_BODY_MAX)
			break;
	}
	ret->has_more = ret->n < p->n;
	return e;
}

static void append_json(struct buffer *out, struct span line, uint64_t n)
{
	buffer_append_span(out, n ? SPAN(",\n") : SPAN("\n"));
	buffer_append_span(out, line);
}

static void append_line(struct buffer *out, struct span line, uint64_t n)
{
	(void)n;
	buffer_append_span(out, line);
	buffer_append_char(out, '\n');
}

static int answer_page(struct reader *r, const struct query *q, struct answer_text *ret)
{
	bool is_export = q->operation == QUERY_EXPORT;
	struct page p = { .size = q->limit + 1, .is_ascending = q->is_ascending };
	_cleanup_free_ int64_t *seqs = calloc(p.size + 1, sizeof(*seqs));
	int e;

	p.seqs = seqs;
	if (!seqs)
		return -ENOMEM;
	e = find_page(r, q, &p);
	if (e >= 0 && q->is_csv && !q->has_cursor)
		reader_append_heading(&ret->body);
	if (e >= 0 && !is_export)
		buffer_append_literal(&ret->body, "{\"events\": [");
	if (e >= 0)
		e = fetch_lines(r, q, &p,
				!is_export  ? append_json
				: q->is_csv ? reader_append_csv
					    : append_line,
				ret);
	if (e < 0 || is_export)
		return e;
	buffer_append_char(&ret->body, ']');
	if (ret->has_more)
		buffer_appendf(&ret->body, ", \"next_cursor\": \"%" PRIu64 "\"",
			       ret->next);
	buffer_append_literal(&ret->body, "}\n");
	return 0;
}

static int answer_event(struct reader *r, const struct query *q, struct answer_text *ret)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r, "SELECT line FROM events WHERE seq = ?1", &s), step;

	if (e < 0)
		return e;
	(void)sqlite.bind_int64(s, 1, (sqlite3_int64)q->seq);
	step = sqlite.step(s);
	if (step == SQLITE_ROW)
		append_line(&ret->body, column(s, 0), 0);
	else if (step == SQLITE_DONE)
		reader_problem(ret, 404, "No such event",
			       SPAN("the history has no event with that seq"));
	return history_error(step);
}

void reader_problem(struct answer_text *ret, unsigned int status, const char *title,
		    struct span detail)
{
	buffer_clear(&ret->body);
	ret->status = status;
	ret->type = "application/problem+json";
	ret->has_more = false;
	buffer_append_literal(&ret->body, "{\"type\": \"about:blank\", \"title\": ");
	json_append_string(&ret->body, span_from(title));
	buffer_appendf(&ret->body, ", \"status\": %u, \"detail\": ", status);
	json_append_string(&ret->body, detail);
	buffer_append_literal(&ret->body, "}\n");
}

/* What has not been read yet would be missing from an answer. */
static int check_complete(struct reader *r, const struct query *q)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r, "SELECT value FROM meta WHERE key = 'complete'", &s);
	int step = e < 0 ? SQLITE_DONE : sqlite.step(s);

	r->is_complete = step == SQLITE_ROW && sqlite.column_int(s, 0) != 0;
	if (e >= 0)
		e = history_error(step);
	return e < 0 || r->is_complete || q->operation == QUERY_STATS ? e : -EINPROGRESS;
}

static int answer_operation(struct reader *r, const struct query *q,
			    struct answer_text *ret)
{
	int e = check_complete(r, q);

	if (e < 0)
		return e;
	switch (q->operation) {
	case QUERY_EVENTS:
	case QUERY_EXPORT:
		return answer_page(r, q, ret);
	case QUERY_EVENT:
		return answer_event(r, q, ret);
	case QUERY_HISTOGRAM:
	case QUERY_FACETS:
	case QUERY_STATS:
		e = load_question(r, q);
		break;
	}
	return e < 0 ? e : reader_count(r, q, ret);
}

static int answer(struct reader *r, const struct query *q, struct answer_text *ret)
{
	int e = follow_file(r);

	/* one moment for all that is read */
	if (e >= 0)
		e = history_error(sqlite.exec(r->db, "BEGIN", NULL, NULL, NULL));
	if (e < 0)
		return e;
	e = answer_operation(r, q, ret);
	(void)sqlite.exec(r->db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
	return e;
}

static void explain(int e, struct answer_text *ret)
{
	if (e == -ETIME)
		reader_problem(ret, 503, "Too much to search",
			       SPAN("the query took too long: ask for less time, or for "
				    "rarer words"));
	else if (e == -EINPROGRESS)
		reader_problem(ret, 503, "The history is being made",
			       SPAN("not all logs have been read: stats says how far it "
				    "is"));
	else if (e == -ENOENT)
		reader_problem(ret, 503, "There is no history yet",
			       SPAN("it is being made from the logs, its file system is "
				    "too small for it, or history.enabled is false"));
	else if (e == -EUCLEAN)
		reader_problem(ret, 503, "The history is damaged",
			       SPAN("it is made anew from the logs; if not, run lksm "
				    "history rebuild"));
	else
		reader_problem(ret, 503, "The history cannot be read",
			       SPAN("the log of lksm says why"));
}

int reader_answer(struct reader *r, const struct query *q, struct answer_text *ret)
{
	int e;

	*ret = (struct answer_text){ .status = 200,
				     .type = q->operation != QUERY_EXPORT
						     ? "application/json"
					     : q->is_csv ? "text/csv; charset=utf-8"
							 : "application/x-ndjson" };
	r->deadline_us = clock_now().mono_us + r->limit_us;
	e = answer(r, q, ret);
	if (e < 0 && e != -ETIME && e != -EINPROGRESS)
		close_database(r); /* whatever it was may be over the next time */
	if (e < 0)
		explain(e, ret);
	return ret->body.error;
}

int reader_create(uint64_t limit_ms, struct reader **ret)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->limit_us = limit_ms * 1000;
	(void)sqlite.hard_heap_limit64(HEAP_BYTES); /* says what it was before */
	*ret = r;
	return 0;
}

void reader_watch(struct reader *r, bool (*is_in_vain)(void *context), void *context)
{
	r->is_in_vain = is_in_vain;
	r->context = context;
}

void reader_destroy(struct reader *r)
{
	if (!r)
		return;
	close_database(r);
	forget_dims(r);
	reader_forget_phrases(r);
	free(r->dims);
	free(r);
}
