// SPDX-License-Identifier: Apache-2.0
/*
 * See indexer.h. A line is taken apart by jansson, once when it comes in and once when it
 * goes: the full-text index has no copy of what it holds (content=''), and has to be told
 * what to forget.
 */
#include "output/history/indexer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/time_text.h"
#include "core/event.h"
#include "output/history/dims.h"
#include "output/history/document.h"

#define TRIM_EVENTS    500
#define DAY_US	       (UINT64_C(86400) * USEC_PER_SEC)
#define CRITICAL_TIMES 4 /* as many days as for the others */
#define BUSY_MS	       2000
#define TALLIES	       64
#define BATCH_BYTES    ((size_t)8 << 20) /* of lines, of one transaction */

#define PARAMETER(name, column) ", ?"

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	ADD_EVENT,
	ADD_WORDS,
	ADD_DIM,
	COUNT_DIM,
	COUNT_MINUTE,
	SET_META,
	GET_META,
	LIST_DIMS,
	OLDEST,
	OLDEST_CRITICAL,
	DROP_EVENT,
	DROP_WORDS,
	DROP_MINUTE,
	DROP_EMPTY,
	PAGES,
	FREE_PAGES,
	STATEMENT_COUNT,
};

static const char *const texts[STATEMENT_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[ADD_EVENT] = "INSERT INTO events(seq, at, dim, line, phrases) "
		      "VALUES(?1, ?2, ?3, ?4, ?5)",
	[ADD_WORDS] = "INSERT INTO words(rowid, text, dims, data) VALUES(?1, ?2, ?3, ?4)",
	[ADD_DIM] = "INSERT INTO dims(n, kind, severity" QUERY_COLUMNS
		    ") VALUES(0, ?1, ?2" QUERY_FIELDS(PARAMETER) ")",
	[COUNT_DIM] = "UPDATE dims SET n = n + ?2 WHERE id = ?1",
	[COUNT_MINUTE] = "INSERT INTO minutes VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO "
			 "UPDATE SET n = n + ?3, last = ?5",
	[SET_META] = "UPDATE meta SET value = ?2 WHERE key = ?1",
	[GET_META] = "SELECT value FROM meta WHERE key = ?1",
	[LIST_DIMS] = "SELECT id, kind, severity" QUERY_COLUMNS " FROM dims",
	[OLDEST] = "SELECT seq, at, dim, line, (SELECT kind FROM dims WHERE id = dim), "
		   "phrases FROM events WHERE at < ?1 AND dim NOT IN "
		   "(SELECT id FROM dims WHERE severity = 3) ORDER BY seq LIMIT ?2",
	[OLDEST_CRITICAL] =
		"SELECT seq, at, dim, line, (SELECT kind FROM dims WHERE id = dim), "
		"phrases FROM events WHERE at < ?1 AND dim IN "
		"(SELECT id FROM dims WHERE severity = 3) ORDER BY seq LIMIT ?2",
	[DROP_EVENT] = "DELETE FROM events WHERE seq = ?1",
	[DROP_WORDS] = "INSERT INTO words(words, rowid, text, dims, data) "
		       "VALUES('delete', ?1, ?2, ?3, ?4)",
	[DROP_MINUTE] = "UPDATE minutes SET n = n - 1 WHERE minute = ?1 AND dims = ?2",
	[DROP_EMPTY] = "DELETE FROM minutes WHERE minute = ?1 AND dims = ?2 AND n <= 0",
	[PAGES] =
		"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
	[FREE_PAGES] = "SELECT freelist_count * page_size FROM pragma_freelist_count, "
		       "pragma_page_size",
};

/* Events of a minute and a combination that are not counted in the database yet. */
struct tally {
	uint64_t minute, n, first, last;
	int64_t dim;
};

struct indexer {
	struct indexer_options options;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	struct log_follower *follower;
	bool is_complete; /* and the database says so */
	struct dims dims;
	struct pairs pairs;
	struct grams *grams;
	unsigned char secret[HISTORY_KEY_BYTES];
	uint64_t last_at; /* for an event without a time */
	struct tally tallies[TALLIES];
	size_t n_tallies;
	struct document document; /* of the event at hand */
};

/* What of an event is searched for and counted by. */
struct row {
	uint64_t seq, at;
	int64_t dim, kind;
	struct span line;
	struct span phrases; /* of one that goes */
};

/* Run a statement that gives no rows, and forget what was bound. */
static int run(struct indexer *x, enum statement i)
{
	int r = sqlite.step(x->statements[i]);

	(void)sqlite.reset(x->statements[i]); /* says again what step() said */
	(void)sqlite.clear_bindings(x->statements[i]);
	return history_error(r);
}

static void bind_number(struct indexer *x, enum statement i, int at, uint64_t value)
{
	/* cannot fail: the statement is reset and has this parameter; as below, but for
	 * memory, which then is missed by the next step */
	(void)sqlite.bind_int64(x->statements[i], at, (sqlite3_int64)value);
}

static void bind_text(struct indexer *x, enum statement i, int at, struct span text)
{
	(void)sqlite.bind_text64(x->statements[i], at, text.data ? text.data : "",
				 text.len, SQLITE_STATIC, SQLITE_UTF8);
}

/* The one number that a statement gives; 0 or -errno. */
static int get_number(struct indexer *x, enum statement i, uint64_t *ret)
{
	int r = sqlite.step(x->statements[i]);

	if (r == SQLITE_ROW)
		*ret = (uint64_t)sqlite.column_int64(x->statements[i], 0);
	(void)sqlite.reset(x->statements[i]);
	return r == SQLITE_DONE ? -EUCLEAN : history_error(r);
}

static int get_meta(struct indexer *x, const char *key, uint64_t *ret)
{
	bind_text(x, GET_META, 1, span_from(key));
	return get_number(x, GET_META, ret);
}

static int set_meta(struct indexer *x, const char *key, uint64_t value)
{
	bind_text(x, SET_META, 1, span_from(key));
	bind_number(x, SET_META, 2, value);
	return run(x, SET_META);
}

static int load_cursor(struct indexer *x, struct log_cursor *ret)
{
	sqlite3_stmt *s = x->statements[GET_META];
	int r;

	*ret = (struct log_cursor){ 0 };
	bind_text(x, GET_META, 1, SPAN("name"));
	r = sqlite.step(s);
	if (r == SQLITE_ROW)
		(void)snprintf(ret->name, sizeof(ret->name), "%s",
			       (const char *)sqlite.column_text(s, 0));
	(void)sqlite.reset(s);
	r = r == SQLITE_DONE ? -EUCLEAN : history_error(r);
	if (r >= 0)
		r = get_meta(x, "offset", &ret->offset);
	return r < 0 ? r : get_meta(x, "next_seq", &ret->next_seq);
}

static int store_cursor(struct indexer *x)
{
	struct log_cursor at;
	int r;

	log_follower_cursor(x->follower, &at);
	bind_text(x, SET_META, 1, SPAN("name"));
	bind_text(x, SET_META, 2, span_from(at.name));
	r = run(x, SET_META);
	if (r >= 0)
		r = set_meta(x, "offset", at.offset);
	return r < 0 ? r : set_meta(x, "next_seq", at.next_seq);
}

static struct span column(sqlite3_stmt *s, int i)
{
	const char *text = (const char *)sqlite.column_text(s, i);

	return (struct span){ text ? text : "", (size_t)sqlite.column_bytes(s, i) };
}

static int load_dims(struct indexer *x)
{
	sqlite3_stmt *s = x->statements[LIST_DIMS];
	int r, error = 0;

	dims_clear(&x->dims);
	while (error == 0 && (r = sqlite.step(s)) == SQLITE_ROW) {
		struct dims_row row = { .id = sqlite.column_int64(s, 0),
					.kind = sqlite.column_int64(s, 1) };

		for (int i = 0; i < DIMS_PARTS; i++)
			row.parts[i] = column(s, i + 2);
		error = dims_note(&x->dims, &row);
	}
	(void)sqlite.reset(s);
	return error ? error : history_error(r);
}

/* The row of dims that an event belongs to, made if it is the first. */
static int find_dim(struct indexer *x, const json_t *event, enum lksm_severity severity,
		    struct dims_row *ret)
{
	int r = dims_find(&x->dims, event, severity, ret);

	if (r != -ENOENT)
		return r;
	bind_number(x, ADD_DIM, 1, (uint64_t)ret->kind);
	for (int i = 0; i < DIMS_PARTS; i++)
		bind_text(x, ADD_DIM, i + 2, ret->parts[i]);
	r = run(x, ADD_DIM);
	if (r < 0)
		return r;
	ret->id = sqlite.last_insert_rowid(x->db);
	return dims_note(&x->dims, ret);
}

/* What the full-text index holds of an event: bound to @i, from parameter 2 on. @n: how many
 * more there are with its pairs and words */
static int bind_words(struct indexer *x, enum statement i, const json_t *event,
		      char dim[static 24], const struct row *row, int n)
{
	const struct gram_source source = { .dim = row->dim,
					    .seq = row->seq,
					    .at_us = row->at };
	int r = document_fill(&x->document, event, x->secret, &x->pairs, row->kind, n);

	if (r >= 0)
		r = n > 0 ? document_count(&x->document, x->grams, &source)
			  : document_uncount(&x->document, x->grams, &source,
					     row->phrases);
	(void)snprintf(dim, 24, "d%" PRId64, row->kind);
	bind_text(x, i, 2, buffer_span(&x->document.text));
	bind_text(x, i, 3, span_from(dim));
	bind_text(x, i, 4, buffer_span(&x->document.data));
	return r;
}

static int store_tally(struct indexer *x, const struct tally *t)
{
	int r;

	bind_number(x, COUNT_DIM, 1, (uint64_t)t->dim);
	bind_number(x, COUNT_DIM, 2, t->n);
	r = run(x, COUNT_DIM);
	if (r < 0)
		return r;
	bind_number(x, COUNT_MINUTE, 1, t->minute);
	bind_number(x, COUNT_MINUTE, 2, (uint64_t)t->dim);
	bind_number(x, COUNT_MINUTE, 3, t->n);
	bind_number(x, COUNT_MINUTE, 4, t->first);
	bind_number(x, COUNT_MINUTE, 5, t->last);
	return run(x, COUNT_MINUTE);
}

static int store_tallies(struct indexer *x)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < x->n_tallies; i++)
		r = store_tally(x, &x->tallies[i]);
	x->n_tallies = 0;
	return r;
}

/* All that is counted, and not in the database yet. */
static int store_counts(struct indexer *x)
{
	int r = store_tallies(x);

	if (r >= 0)
		r = pairs_store(&x->pairs, x->db);
	return r < 0 ? r : grams_store(x->grams);
}

/* Most events are of the same few minutes and combinations as those just before. */
static int count(struct indexer *x, const struct row *row)
{
	uint64_t minute = row->at / HISTORY_MINUTE_US;
	int r = 0;

	for (size_t i = x->n_tallies; i-- > 0;) {
		struct tally *t = &x->tallies[i];

		if (t->minute != minute || t->dim != row->dim)
			continue;
		t->n++;
		t->last = row->seq;
		return 0;
	}
	if (x->n_tallies == TALLIES)
		r = store_tallies(x);
	x->tallies[x->n_tallies++] = (struct tally){ minute, 1, row->seq, row->seq,
						     row->dim };
	return r;
}

static int add_row(struct indexer *x, const struct row *row, const json_t *event)
{
	char dim[24];
	int r;

	bind_number(x, ADD_WORDS, 1, row->seq);
	r = bind_words(x, ADD_WORDS, event, dim, row, 1);
	if (r >= 0)
		r = run(x, ADD_WORDS);
	if (r < 0)
		return r;
	bind_number(x, ADD_EVENT, 1, row->seq);
	bind_number(x, ADD_EVENT, 2, row->at);
	bind_number(x, ADD_EVENT, 3, (uint64_t)row->dim);
	bind_text(x, ADD_EVENT, 4, row->line);
	if (x->document.phrases.len) /* most have none */
		bind_text(x, ADD_EVENT, 5, buffer_span(&x->document.phrases));
	r = run(x, ADD_EVENT);
	return r < 0 ? r : count(x, row);
}

/* What is no event is passed over: the log has it, and `lksm verify` tells of it. */
static int add_line(struct indexer *x, const struct log_line *line)
{
	json_t *event = json_loadb(line->text.data, line->text.len, JSON_ALLOW_NUL, NULL);
	struct row row = { .seq = line->seq, .line = line->text };
	enum lksm_severity severity;
	struct dims_row dim;
	int r = 0;

	if (!json_is_object(json_object_get(event, "data")) ||
	    severity_parse(dims_member(event, "severity"), &severity) < 0 ||
	    event_is_routine(dims_member(event, "type"), dims_member(event, "source"))) {
		json_decref(event);
		return 0;
	}
	if (time_text_parse(dims_member(event, "time"), &row.at) < 0)
		row.at = x->last_at;
	x->last_at = row.at;
	r = find_dim(x, event, severity, &dim);
	row.dim = dim.id;
	row.kind = dim.kind;
	if (r >= 0)
		r = add_row(x, &row, event);
	json_decref(event);
	return r;
}

/* A transaction: all or nothing. */
static int finish(struct indexer *x, int r)
{
	if (r >= 0)
		r = run(x, COMMIT);
	if (r < 0)
		(void)run(x, ROLLBACK); /* is done already, after some errors */
	return r;
}

/* Go on at what is in the database; also after a transaction that came to nothing. */
static int go_on(struct indexer *x)
{
	struct log_cursor cursor;
	int r = load_dims(x);

	if (r >= 0)
		r = pairs_load(&x->pairs, x->db);
	if (r >= 0)
		r = grams_load(x->grams, x->db);
	if (r >= 0)
		r = load_cursor(x, &cursor);
	if (r < 0)
		return r;
	log_follower_destroy(x->follower);
	x->follower = NULL;
	return log_follower_create(x->options.log_folder, &cursor, &x->follower);
}

/* After a transaction that came to nothing: what is known is further than the database. */
static void forget(struct indexer *x)
{
	x->n_tallies = 0;
	log_follower_destroy(x->follower);
	x->follower = NULL;
}

/*
 * The turn that finds nothing more is a transaction, too: its beginning moves SQLite's mark of
 * what readers see to the end of the one before, which those that may not write cannot do
 * (sqlite.org/walformat.html, 2.3).
 */
int indexer_turn(struct indexer *x)
{
	struct log_line line;
	int n = 0, r, more = 1;
	size_t bytes = 0;

	if (!x->follower) {
		r = go_on(x);
		if (r < 0)
			return r;
	}
	log_follower_clear_watch(x->follower);
	r = run(x, BEGIN);
	if (r < 0)
		return r;
	while (r >= 0 && n < INDEXER_BATCH && bytes < BATCH_BYTES &&
	       (more = log_follower_next(x->follower, &line)) > 0) {
		r = add_line(x, &line);
		bytes += line.text.len;
		n++;
	}
	if (r >= 0)
		r = store_counts(x);
	if (r >= 0)
		r = grams_look(x->grams);
	if (r >= 0 && n > 0)
		r = store_cursor(x);
	if (r >= 0 && more == 0 && !x->is_complete)
		r = set_meta(x, "complete", 1);
	r = finish(x, r);
	x->is_complete = x->is_complete || (r >= 0 && more == 0);
	if (r < 0)
		forget(x);
	if (r >= 0 && more == -EAGAIN)
		return n + 1; /* as if it had been an event: there is more to do */
	return r < 0 ? r : more < 0 ? more : n;
}

/* Like add_row(), the other way. */
static int drop_row(struct indexer *x, const struct row *row)
{
	json_t *event = json_loadb(row->line.data, row->line.len, JSON_ALLOW_NUL, NULL);
	char dim[24];
	int r;

	bind_number(x, DROP_WORDS, 1, row->seq);
	r = event ? bind_words(x, DROP_WORDS, event, dim, row, -1) : -EUCLEAN;
	if (r >= 0)
		r = run(x, DROP_WORDS);
	json_decref(event);
	if (r < 0)
		return r;
	bind_number(x, DROP_EVENT, 1, row->seq);
	r = run(x, DROP_EVENT);
	if (r < 0)
		return r;
	bind_number(x, COUNT_DIM, 1, (uint64_t)row->dim);
	bind_number(x, COUNT_DIM, 2, (uint64_t)-1);
	r = run(x, COUNT_DIM);
	if (r < 0)
		return r;
	bind_number(x, DROP_MINUTE, 1, row->at / HISTORY_MINUTE_US);
	bind_number(x, DROP_MINUTE, 2, (uint64_t)row->dim);
	r = run(x, DROP_MINUTE);
	if (r < 0)
		return r;
	bind_number(x, DROP_EMPTY, 1, row->at / HISTORY_MINUTE_US);
	bind_number(x, DROP_EMPTY, 2, (uint64_t)row->dim);
	return run(x, DROP_EMPTY);
}

/* The oldest that @which lists, of before @before_us; how many, or -errno. */
static int drop_oldest(struct indexer *x, enum statement which, uint64_t before_us)
{
	sqlite3_stmt *s = x->statements[which];
	int n = 0, r = x->follower ? 0 : go_on(x), step = SQLITE_DONE;

	if (r >= 0)
		r = run(x, BEGIN);
	if (r < 0)
		return r;
	bind_number(x, which, 1, before_us);
	bind_number(x, which, 2, TRIM_EVENTS);
	while (r >= 0 && (step = sqlite.step(s)) == SQLITE_ROW) {
		const struct row row = { (uint64_t)sqlite.column_int64(s, 0),
					 (uint64_t)sqlite.column_int64(s, 1),
					 sqlite.column_int64(s, 2),
					 sqlite.column_int64(s, 4),
					 column(s, 3),
					 column(s, 5) };

		r = drop_row(x, &row);
		n++;
	}
	(void)sqlite.reset(s);
	if (r >= 0)
		r = history_error(step);
	if (r >= 0)
		r = store_counts(x);
	r = finish(x, r);
	if (r < 0)
		forget(x);
	return r < 0 ? r : n;
}

static uint64_t days_ago(uint64_t now_us, uint64_t days)
{
	return now_us / DAY_US > days ? now_us - days * DAY_US : 0;
}

static int used_bytes(struct indexer *x, uint64_t *ret)
{
	uint64_t all = 0, unused = 0;
	int r = get_number(x, PAGES, &all);

	if (r >= 0)
		r = get_number(x, FREE_PAGES, &unused);
	*ret = all - unused;
	return r;
}

int indexer_trim(struct indexer *x, uint64_t now_us)
{
	uint64_t days = x->options.keep_days, bytes;
	int n = 0, r;

	if (days)
		n = drop_oldest(x, OLDEST, days_ago(now_us, days));
	if (days && n == 0)
		n = drop_oldest(x, OLDEST_CRITICAL,
				days_ago(now_us, days * CRITICAL_TIMES));
	if (n || !x->options.keep_bytes)
		return n;
	r = used_bytes(x, &bytes);
	if (r < 0 || bytes <= x->options.keep_bytes)
		return r;
	n = drop_oldest(x, OLDEST, INT64_MAX);
	return n ? n : drop_oldest(x, OLDEST_CRITICAL, INT64_MAX);
}

void indexer_tidy(struct indexer *x)
{
	/* a reader may be in the way: then the next time */
	(void)sqlite.wal_checkpoint_v2(x->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
				       NULL);
}

static void close_database(struct indexer *x)
{
	log_follower_destroy(x->follower);
	x->follower = NULL;
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		(void)sqlite.finalize(x->statements[i]);
		x->statements[i] = NULL;
	}
	if (x->grams)
		grams_close(x->grams);
	(void)sqlite.close(x->db);
	x->db = NULL;
	x->is_complete = false;
}

static int open_database(struct indexer *x)
{
	int r = sqlite.open_v2(HISTORY_FILE, &x->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				       SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			       HISTORY_VFS);

	if (r == SQLITE_OK)
		r = sqlite.busy_timeout(x->db, BUSY_MS);
	if (r == SQLITE_OK)
		r = sqlite.exec(x->db,
				"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
				"PRAGMA temp_store = MEMORY; PRAGMA cache_size = -32768; "
				"PRAGMA wal_autocheckpoint = 1000; "
				"PRAGMA trusted_schema = OFF; "
				"PRAGMA cell_size_check = ON;"
				"PRAGMA journal_size_limit = 16777216;",
				NULL, NULL, NULL);
	r = history_error(r);
	if (r >= 0)
		r = history_prepare(x->db);
	if (r >= 0)
		r = history_load_key(x->db, x->secret);
	for (size_t i = 0; r >= 0 && i < STATEMENT_COUNT; i++)
		r = history_error(sqlite.prepare_v3(x->db, texts[i], -1,
						    SQLITE_PREPARE_PERSISTENT,
						    &x->statements[i], NULL));
	return r;
}

static int open_all(struct indexer *x)
{
	int r = open_database(x);

	if (r < 0)
		log_debug("history: %s", sqlite.errmsg(x->db)); /* NULL says so, too */
	return r < 0 ? r : go_on(x);
}

int indexer_renew(struct indexer *x)
{
	int r;

	close_database(x);
	r = history_remove();
	if (r >= 0)
		r = open_all(x);
	if (r >= 0)
		log_warning("the history is made anew from the logs");
	return r;
}

/* Damaged, or another user's: what cannot be used is thrown away. */
static bool is_useless(int error)
{
	return error == -EUCLEAN || error == -EACCES || error == -ENOENT;
}

int indexer_create(const struct indexer_options *options, struct indexer **ret)
{
	struct indexer *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return -ENOMEM;
	x->options = *options;
	r = dims_init(&x->dims);
	if (r >= 0)
		r = pairs_init(&x->pairs);
	if (r >= 0)
		r = grams_create(&x->grams);
	if (r >= 0)
		r = open_all(x);
	if (is_useless(r))
		r = indexer_renew(x);
	if (r < 0) {
		indexer_destroy(x);
		return r;
	}
	*ret = x;
	return 0;
}

void indexer_destroy(struct indexer *x)
{
	if (!x)
		return;
	close_database(x);
	dims_deinit(&x->dims);
	pairs_deinit(&x->pairs);
	grams_destroy(x->grams);
	document_deinit(&x->document);
	free(x);
}

int indexer_watch(const struct indexer *x)
{
	return x && x->follower ? log_follower_watch(x->follower) : -1;
}
