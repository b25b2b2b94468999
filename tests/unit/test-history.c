// SPDX-License-Identifier: Apache-2.0
/*
 * output/history: an index of logs that this test writes, and what is asked of it. More is
 * tried with a whole daemon by tests/integration/test-history.py.
 */
#include "output/history/indexer.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "history_fixture.h"
#include "output/history/process.h"

#define DAY 86400000000
#define NOW (UINT64_C(20000) * DAY)

#define QUIET_ASKS  8 /* in a row without a look at the log: then there is none */
#define DEADLINE_US (30 * USEC_PER_SEC)

/* What is not, found as what else it is, counted as what is left, or looked for one by one. */
static void test_what_is_not(void **state)
{
	static const struct {
		const char *in;
		int64_t want;
	} cases[] = {
		{ "!data.few=0", 2571 },
		{ "data.few=0", 429 },
		{ "!data.few=0&!data.few=1", 2142 },
		{ "!data.few=0&severity=critical", 257 },
		{ "!data.same=x", 0 },
		{ "!data.same=y", 3000 },
		{ "data.same=x", 3000 },
		{ "data.same=y", 0 },
		{ "data.few=0&!data.same=x", 0 },
		{ "data.few=0&!data.same=y", 429 },
		{ "!data.rare=1", 2940 },
		{ "!data.rare=2", 3000 },
		{ "!data.rare=1&data.few=0", 420 },
		{ "!data.n=5", 2970 },
		{ "!data.nothing=1", 3000 },
		{ "!data.few=", 3000 },
		{ "q=-more", 0 },
		{ "q=-word7", 2970 },
		{ "q=-word7+-word8", 2940 },
		{ "q=-kind_1", 2000 },
		{ "q=word7&!data.few=0", 25 },
	};
	struct fixture *f = *state;

	append(0, 3000);
	start(f, 0, 0);
	take_all(f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		expect_number(cases[i].in, "events", (int64_t)count_events(cases[i].in),
			      cases[i].want);
		expect_number(cases[i].in, "counts", count_facets(cases[i].in),
			      cases[i].want);
	}
	/* another run of the indexer knows what is there, and goes on */
	indexer_destroy(f->indexer);
	append(3000, 7);
	start(f, 0, 0);
	take_all(f);
	assert_int_equal(count_events("!data.few=0"), 2577);
	assert_int_equal(count_facets("!data.same=x"), 0);
}

/* Times that go back: an event is of its own minute, whatever the seqs around it are of. */
static void test_times_that_go_back(void **state)
{
	static const char *const ranges[] = {
		"since=2026-01-01T00:00:00Z&until=2026-01-01T00:03:00Z&",
		"since=2026-01-01T00:03:00Z&until=2026-01-01T00:04:00Z&",
		"since=2026-01-01T00:14:00Z&",
		"",
	};
	static const char *const words[] = { "q=all", "q=-odd", "data.same=x", "q=odd" };
	struct fixture *f = *state;
	FILE *log = fopen(LOG, "ae");

	assert_non_null(log);
	for (int seq = 0; seq < 900; seq++)
		(void)fprintf(
			log,
			"{\"seq\": %d, \"ts\": 1.0, \"type\": \"t\", \"data\": "
			"{\"same\": "
			"\"x\"}, \"severity\": \"info\", \"source\": \"s%d\", \"time\": "
			"\"2026-01-01T00:%02d:%02dZ\", \"message\": \"all %s\"}\n",
			seq, seq % 2, (seq / 60 + (seq % 7 ? 0 : seq % 13)) % 30,
			seq % 60, seq % 2 ? "odd" : "even");
	assert_int_equal(fclose(log), 0);
	start(f, 0, 0);
	take_all(f);
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		for (size_t k = 0; k < ARRAY_SIZE(words); k++) {
			_cleanup_buffer_ struct buffer text = { 0 };

			buffer_appendf(&text, "%s%s", ranges[i], words[k]);
			assert_non_null(buffer_cstring(&text));
			expect_number(text.data, "counts", count_facets(text.data),
				      (int64_t)count_events(text.data));
		}
}

/* What takes too long is ended, and said; the next question is answered. */
static void test_limit_of_time(void **state)
{
	struct fixture *f = *state;
	struct answer_text a;

	append(0, 5000);
	start(f, 0, 0);
	take_all(f);
	ask(0, QUERY_HISTOGRAM, "q=more", &a);
	assert_int_equal(a.status, 503);
	assert_true(span_contains(buffer_span(&a.body), SPAN("Too much to search")));
	buffer_deinit(&a.body);
	ask(60000, QUERY_HISTOGRAM, "q=more", &a);
	assert_int_equal(a.status, 200);
	buffer_deinit(&a.body);
}

static bool is_in_vain(void *n_left)
{
	return (*(int *)n_left)-- == 0;
}

/* When nobody waits for it any more, an answer ends; the next question is answered. */
static void test_in_vain(void **state)
{
	static const struct {
		int after; /* so many looks at who waits */
		unsigned int want;
	} cases[] = { { 0, 503 }, { 1, 503 }, { -1, 200 } };
	struct fixture *f = *state;

	append(0, 5000);
	start(f, 0, 0);
	take_all(f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer error = { 0 };
		struct reader *reader = NULL;
		struct answer_text a;
		struct query q;
		int n = cases[i].after;

		assert_int_equal(reader_create(60000, &reader), 0);
		reader_watch(reader, is_in_vain, &n);
		assert_int_equal(
			query_parse(QUERY_HISTOGRAM, SPAN("q=word7*"), &q, &error), 0);
		assert_int_equal(reader_answer(reader, &q, &a), 0);
		assert_int_equal(a.status, cases[i].want);
		assert_true(n < cases[i].after);
		buffer_deinit(&a.body);
		query_deinit(&q);
		reader_destroy(reader);
	}
}

/* An answer that would be too large ends, and says where to go on. */
static void test_limit_of_size(void **state)
{
	struct fixture *f = *state;
	_cleanup_fclose_ FILE *log = fopen(LOG, "ae");
	_cleanup_free_ char *text = malloc(200001);
	struct answer_text a;

	assert_true(log && text);
	memset(text, 'x', 200000);
	text[200000] = '\0';
	for (int seq = 0; seq < 100; seq++)
		(void)fprintf(log,
			      "{\"seq\": %d, \"ts\": 1.0, \"type\": \"t\", \"data\": {}, "
			      "\"severity\": \"info\", \"source\": \"s\", \"message\": "
			      "\"%s\"}\n",
			      seq, text);
	assert_int_equal(fflush(log), 0);
	start(f, 0, 0);
	take_all(f);
	ask(60000, QUERY_EVENTS, "order=asc", &a);
	assert_int_equal(a.status, 200);
	assert_true(a.body.len < READER_BODY_MAX + 300000);
	assert_true(a.n > 10 && a.n < 100 && a.has_more && a.next == a.n - 1);
	buffer_deinit(&a.body);
}

static void test_no_history(void **state)
{
	struct answer_text a;

	(void)state;
	ask(60000, QUERY_STATS, "", &a);
	assert_int_equal(a.status, 503);
	assert_true(span_contains(buffer_span(&a.body), SPAN("no history yet")));
	buffer_deinit(&a.body);
}

/* Until the logs have been read to their end there is no answer that lacks some of them. */
static void test_being_made(void **state)
{
	struct fixture *f = *state;
	struct answer_text a;

	append(0, INDEXER_BATCH + 10);
	start(f, 0, 0);
	assert_int_equal(indexer_turn(f->indexer), INDEXER_BATCH);
	ask(60000, QUERY_EVENTS, "", &a);
	assert_int_equal(a.status, 503);
	assert_true(span_contains(buffer_span(&a.body), SPAN("is being made")));
	buffer_deinit(&a.body);
	ask(60000, QUERY_STATS, "", &a);
	assert_true(span_contains(buffer_span(&a.body), SPAN("\"complete\": false")));
	buffer_deinit(&a.body);
	take_all(f);
	ask(60000, QUERY_STATS, "", &a);
	assert_true(span_contains(buffer_span(&a.body), SPAN("\"complete\": true")));
	buffer_deinit(&a.body);
	assert_int_equal(count_events("limit=100000"), INDEXER_BATCH + 10);
}

/* Made anew while a reader has it open: it asks the new one. */
static void test_renewed(void **state)
{
	struct fixture *f = *state;
	struct reader *reader = NULL;
	struct query q;
	_cleanup_buffer_ struct buffer error = { 0 };

	append(0, 100);
	start(f, 0, 0);
	take_all(f);
	assert_int_equal(reader_create(60000, &reader), 0);
	assert_int_equal(query_parse(QUERY_EXPORT, SPAN(""), &q, &error), 0);
	for (uint64_t n = 100; n < 103; n++) {
		struct answer_text a;

		assert_int_equal(reader_answer(reader, &q, &a), 0);
		assert_int_equal(a.n, n);
		buffer_deinit(&a.body);
		append(n, 1);
		assert_int_equal(indexer_renew(f->indexer), 0);
		take_all(f);
	}
	query_deinit(&q);
	reader_destroy(reader);
}

/* What is no event does no harm, and what is one is there. */
static void test_hostile_lines(void **state)
{
	struct fixture *f = *state;
	static const char *const lines[] = {
		"{\"seq\": 0, \"ts\": 1}",
		"{\"seq\": 1, nonsense",
		"{\"seq\": 2, \"data\": [], \"severity\": \"info\"}",
		"{\"seq\": 3, \"data\": {}, \"severity\": \"worse\"}",
		"{\"seq\": 4, \"data\": {\"ab\": \"c\\u0000d\", \"e\": [1, {}], "
		"\"f\": null, \"g\": true, \"h\": 1.5}, \"severity\": \"high\", "
		"\"type\": 7, "
		"\"time\": \"never\", \"message\": \"\\u0000 \\ud83d\\ude00 '\\\"; "
		"DROP\"}",
		"{\"seq\": 5, \"data\": {}, \"severity\": \"info\", \"type\": "
		"\"log_sealed\", "
		"\"source\": \"lksm\"}",
		"{\"seq\": 6, \"data\": {\"n\": 1}, \"severity\": \"info\", \"type\": "
		"\"t\", "
		"\"source\": \"s\", \"message\": \"=1+\\\"2\\\"\"}",
	};
	struct answer_text a;
	FILE *log = fopen(LOG, "ae");

	assert_non_null(log);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		(void)fprintf(log, "%s\n", lines[i]);
	assert_int_equal(fclose(log), 0);
	start(f, 0, 0);
	take_all(f);
	assert_int_equal(count_events(""), 2);
	assert_int_equal(count_events("data.g=true"), 1);
	assert_int_equal(count_events("q=drop&severity=high"), 1);
	assert_int_equal(count_events("q=log_sealed"), 0);
	/* a spreadsheet would take it for a formula */
	ask(60000, QUERY_EXPORT, "format=csv&data.n=1", &a);
	assert_true(span_contains(buffer_span(&a.body), SPAN(",\"'=1+\"\"2\"\"\",")));
	buffer_deinit(&a.body);
}

/* Rows of the full-text index that have a word, whether or not there are such events. */
static int64_t count_words(const char *word)
{
	return index_number("SELECT count(*) FROM words WHERE words MATCH ?1", word);
}

/* Beyond its size, the oldest go, and critical ones last. */
static void test_limit_of_the_database(void **state)
{
	struct fixture *f = *state;
	int n;

	append(0, 20000);
	start(f, 0, 3000000);
	take_all(f);
	assert_int_equal(count_events("limit=100000"), 20000);
	do
		n = indexer_trim(f->indexer, NOW);
	while (n > 0);
	assert_int_equal(n, 0);
	assert_true(count_events("limit=100000") < 19000);
	assert_true(count_events("severity=info") > 0);
	assert_int_equal(count_words("more"), count_events("limit=100000"));
	assert_int_equal(count_events("severity=critical"), 2000);
	assert_int_equal(count_events("limit=100000&!data.few=0"),
			 count_facets("!data.few=0"));
	assert_int_equal(count_events("limit=100000&!data.few=0") +
				 count_events("limit=100000&data.few=0"),
			 count_events("limit=100000"));
	assert_int_equal(count_events("limit=100000&!data.same=x"), 0);
	assert_int_equal(count_events("severity=info&until=2026-01-01T00:10:00Z"), 0);
	assert_int_equal(count_events("q=word7&until=2026-01-01T00:10:00Z"), 0);
}

/* What somebody added to the schema is not run: the database is made anew. */
static void test_another_schema(void **state)
{
	static const char *const additions[] = {
		"CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END",
		"CREATE TABLE more(x)",
		"DROP INDEX events_dim",
	};
	struct fixture *f = *state;

	append(0, 10);
	for (size_t i = 0; i < ARRAY_SIZE(additions); i++) {
		sqlite3 *db = NULL;

		start(f, 0, 0);
		take_all(f);
		assert_int_equal(count_events(""), 10);
		indexer_destroy(f->indexer);
		f->indexer = NULL;
		assert_int_equal(sqlite3_open_v2(HISTORY_FILE, &db, SQLITE_OPEN_READWRITE,
						 HISTORY_VFS),
				 SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, additions[i], NULL, NULL, NULL),
				 SQLITE_OK);
		(void)sqlite3_close(db);
		append(10, 1);
		start(f, 0, 0);
		take_all(f);
		expect_number(additions[i], "events", (int64_t)count_events(""), 11);
		indexer_destroy(f->indexer);
		f->indexer = NULL;
		assert_int_equal(truncate(LOG, 0), 0);
		append(0, 10);
		assert_int_equal(unlink(HISTORY_FILE), 0);
	}
}

/* Another user's database, or what is none at all, is replaced once. */
static void test_not_ours_to_write(void **state)
{
	struct fixture *f = *state;

	append(0, 10);
	start(f, 0, 0);
	take_all(f);
	indexer_destroy(f->indexer);
	f->indexer = NULL;
	assert_int_equal(unlink(HISTORY_FILE), 0);
	assert_int_equal(symlink("/etc/hostname", HISTORY_FILE), 0);
	start(f, 0, 0);
	take_all(f);
	assert_int_equal(count_events(""), 10);
}

static int answer(int control)
{
	char byte;

	return recv(control, &byte, 1, 0) == 1 && send(control, "", 1, 0) == 1 ? 0 : -1;
}

static pid_t run_history(const struct fixture *f, int control, int not_its)
{
	const struct history_options o = { .indexer = { .log_folder = f->folder },
					   .room = ROOM_LIMITS,
					   .control_fd = control,
					   .control = answer };
	pid_t pid = fork();

	if (pid == 0) {
		(void)close(not_its);
		_exit(history_run(&o) < 0);
	}
	assert_true(pid > 0);
	return pid;
}

/* How often it has called read(2) and the like: each look at the log does. */
static unsigned long count_reads(pid_t pid)
{
	char path[32];
	_cleanup_fclose_ FILE *io = NULL;
	unsigned long n;

	(void)snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	io = fopen(path, "re");
	assert_non_null(io);
	assert_int_equal(fscanf(io, "rchar: %*u wchar: %*u syscr: %lu", &n), 1);
	return n;
}

/* Whoever is asked often whether it is well must not go to work for it each time. */
static void test_asked_at_rest(void **state)
{
	struct fixture *f = *state;
	uint64_t end_us = clock_now().mono_us + DEADLINE_US;
	unsigned long before = 0;
	int pair[2], status;
	pid_t pid;
	char byte;

	append(0, 10);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = run_history(f, pair[1], pair[0]);
	(void)close(pair[1]);
	for (size_t n_quiet = 0; n_quiet < QUIET_ASKS; n_quiet++) {
		unsigned long now;

		assert_int_equal(send(pair[0], "", 1, MSG_NOSIGNAL), 1);
		assert_int_equal(recv(pair[0], &byte, 1, 0), 1);
		now = count_reads(pid);
		if (now != before)
			n_quiet = 0;
		before = now;
		assert_true(clock_now().mono_us < end_us);
	}
	(void)close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_events(""), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FOLDER(test_what_is_not),
		WITH_FOLDER(test_times_that_go_back),
		WITH_FOLDER(test_limit_of_time),
		WITH_FOLDER(test_in_vain),
		WITH_FOLDER(test_limit_of_size),
		WITH_FOLDER(test_no_history),
		WITH_FOLDER(test_renewed),
		WITH_FOLDER(test_being_made),
		WITH_FOLDER(test_hostile_lines),
		WITH_FOLDER(test_another_schema),
		WITH_FOLDER(test_not_ours_to_write),
		WITH_FOLDER(test_limit_of_the_database),
		WITH_FOLDER(test_asked_at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
