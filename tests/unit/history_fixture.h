/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with a log of events, an index of it, and what is asked of that. */
#ifndef TESTS_UNIT_HISTORY_FIXTURE_H
#define TESTS_UNIT_HISTORY_FIXTURE_H

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>

#include "expect.h"
#include "folder.h"
#include "output/history/indexer.h"
#include "output/history/reader.h"

#define LOG "lksm_events_2026-01-01.jsonl"

struct fixture {
	char path[32];
	int folder, before;
	struct indexer *indexer;
};

static inline int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .path = "/tmp/lksm-history-XXXXXX" };
	f.before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_non_null(mkdtemp(f.path));
	f.folder = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(history_enter(f.folder), 0);
	*state = &f;
	return 0;
}

/* The number that @sql selects in the index itself, whatever the reader says; ?1 is @text. */
static inline int64_t index_number(const char *sql, const char *text)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;
	int64_t n;

	assert_int_equal(
		sqlite3_open_v2(HISTORY_FILE, &db, SQLITE_OPEN_READONLY, HISTORY_VFS),
		SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	(void)sqlite3_close(db);
	return n;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	indexer_destroy(f->indexer);
	assert_int_equal(fchdir(f->before), 0);
	(void)close(f->folder);
	(void)close(f->before);
	remove_folder(f->path);
	return 0;
}

/* @n events from @first on, a second apart, every tenth critical */
static inline void append(uint64_t first, uint64_t n)
{
	_cleanup_fclose_ FILE *log = fopen(LOG, "ae");

	assert_non_null(log);
	for (uint64_t seq = first; seq < first + n; seq++)
		(void)fprintf(
			log,
			"{\"seq\": %llu, \"ts\": 1.000000, \"type\": \"kind_%llu\", "
			"\"data\": {\"n\": %llu, \"few\": %llu, \"same\": \"x\"%s}, "
			"\"severity\": \"%s\", \"source\": "
			"\"test\", \"time\": \"2026-01-01T%02llu:%02llu:%02lluZ\", "
			"\"boot_id\": \"b%llu\", "
			"\"message\": \"word%llu and more%s\"}\n",
			(unsigned long long)seq, (unsigned long long)seq % 3,
			(unsigned long long)seq % 100, (unsigned long long)seq % 7,
			seq % 50 ? "" : ", \"rare\": 1", seq % 10 ? "info" : "critical",
			(unsigned long long)seq / 3600 % 24,
			(unsigned long long)seq / 60 % 60, (unsigned long long)seq % 60,
			(unsigned long long)seq / 7000, (unsigned long long)seq % 100,
			seq % 5 ? "" : " more of it");
}

static inline void start(struct fixture *f, uint64_t days, uint64_t bytes)
{
	const struct indexer_options o = { .log_folder = f->folder,
					   .keep_days = days,
					   .keep_bytes = bytes };

	assert_int_equal(indexer_create(&o, &f->indexer), 0);
}

static inline void take_all(struct fixture *f)
{
	int n;

	do
		n = indexer_turn(f->indexer);
	while (n > 0);
	assert_int_equal(n, 0);
}

static inline void ask(uint64_t limit_ms, enum query_operation operation,
		       const char *text, struct answer_text *ret)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	struct reader *reader = NULL;
	struct query q;

	assert_int_equal(reader_create(limit_ms, &reader), 0);
	assert_int_equal(query_parse(operation, span_from(text), &q, &error), 0);
	assert_int_equal(reader_answer(reader, &q, ret), 0);
	query_deinit(&q);
	reader_destroy(reader);
}

static inline size_t count_events(const char *text)
{
	struct answer_text a;
	size_t n;

	ask(60000, QUERY_EXPORT, text, &a);
	assert_int_equal(a.status, 200);
	n = a.n;
	buffer_deinit(&a.body);
	return n;
}

static inline json_t *answer_of(enum query_operation operation, const char *text)
{
	struct answer_text a;
	json_t *answer;

	ask(60000, operation, text, &a);
	assert_int_equal(a.status, 200);
	answer = json_loadb(a.body.data, a.body.len, 0, NULL);
	assert_non_null(answer);
	buffer_deinit(&a.body);
	return answer;
}

static inline int64_t sum(const json_t *counts)
{
	int64_t n = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)counts, key, value) n += json_integer_value(value);
	return n;
}

/* As facets count them: all severities, in minutes of any time. */
static inline int64_t count_facets(const char *text)
{
	json_t *answer = answer_of(QUERY_FACETS, text);
	int64_t n = sum(json_object_get(answer, "severity"));

	json_decref(answer);
	return n;
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
