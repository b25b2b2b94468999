// SPDX-License-Identifier: Apache-2.0
/* core/log_follower: each event once, from any cursor, whatever happens to the files. */
#include "core/log_follower.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <zstd.h>

#include "core/event.h"
#include "expect.h"
#include "folder.h"

#define DAY_1 "lksm_events_2026-01-01.jsonl"
#define DAY_2 "lksm_events_2026-01-02.jsonl"
#define DAY_3 "lksm_events_2026-01-03.jsonl"

struct fixture {
	char path[32];
	int folder;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .path = "/tmp/lksm-follower-XXXXXX" };
	assert_non_null(mkdtemp(f.path));
	f.folder = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f.folder >= 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)close(f->folder);
	remove_folder(f->path);
	return 0;
}

static void put(const struct fixture *f, const char *name, int flags, const char *text,
		size_t len)
{
	_cleanup_close_ int fd = openat(f->folder, name,
					O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
}

/* Lines with the numbers from @first to @last. */
static void append(const struct fixture *f, const char *name, int first, int last)
{
	_cleanup_buffer_ struct buffer text = { 0 };

	for (int i = first; i <= last; i++)
		buffer_appendf(&text, "{\"seq\": %d, \"ts\": 1.000000}\n", i);
	put(f, name, O_APPEND, text.data, text.len);
}

static void pack(const struct fixture *f, const char *name)
{
	_cleanup_close_ int fd = openat(f->folder, name, O_RDONLY | O_CLOEXEC);
	_cleanup_buffer_ struct buffer to = { 0 };
	static char plain[1 << 16];
	char packed[64];
	ssize_t n = read(fd, plain, sizeof(plain));
	size_t packed_len;

	assert_true(n > 0);
	(void)buffer_reserve(&to, ZSTD_compressBound((size_t)n));
	packed_len = ZSTD_compress(to.data, to.capacity, plain, (size_t)n, 3);
	assert_false(ZSTD_isError(packed_len));
	(void)snprintf(packed, sizeof(packed), "%s.zst", name);
	put(f, packed, O_TRUNC, to.data, packed_len);
	assert_int_equal(unlinkat(f->folder, name, 0), 0);
}

static struct log_follower *follow(const struct fixture *f, const struct log_cursor *from)
{
	struct log_follower *follower = NULL;

	assert_int_equal(log_follower_create(f->folder, from, &follower), 0);
	return follower;
}

/* What is new has exactly the numbers @first to @last, and then there is no more. */
static void expect_lines(const char *name, struct log_follower *f, int first, int last)
{
	struct log_line line;

	for (int i = first; i <= last; i++) {
		expect_number(name, "result", log_follower_next(f, &line), 1);
		expect_number(name, "seq", (int64_t)line.seq, i);
		expect_number(name, "end", line.text.data[line.text.len - 1], '}');
	}
	expect_number(name, "end", log_follower_next(f, &line), 0);
}

static void test_seq(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		bool want;
	} cases[] = {
		{ "ours", BYTES("{\"seq\": 7, \"ts\": 1}"), true },
		{ "empty", BYTES(""), false },
		{ "no space", BYTES("{\"seq\":7, \"ts\": 1}"), false },
		{ "no number", BYTES("{\"seq\": , \"ts\": 1}"), false },
		{ "negative", BYTES("{\"seq\": -7, \"ts\": 1}"), false },
		{ "nothing more", BYTES("{\"seq\": 7"), false },
		{ "a fraction", BYTES("{\"seq\": 7.5, \"ts\": 1}"), false },
		{ "too large", BYTES("{\"seq\": 9007199254740993, "), false },
		{ "beyond 64 bits", BYTES("{\"seq\": 99999999999999999999999, "), false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t seq = 1;

		expect_number(cases[i].name, "result", log_line_seq(cases[i].in, &seq),
			      cases[i].want);
		expect_number(cases[i].name, "seq", (int64_t)seq, cases[i].want ? 7 : 1);
	}
}

static void test_days_and_news(void **state)
{
	const struct fixture *x = *state;
	struct log_cursor nothing = { 0 };
	struct log_follower *f = follow(x, &nothing);
	struct pollfd poll_fd = { .fd = log_follower_watch(f), .events = POLLIN };

	expect_lines("empty folder", f, 0, -1);
	append(x, DAY_1, 0, 9);
	pack(x, DAY_1);
	append(x, DAY_2, 10, 19);
	assert_int_equal(poll(&poll_fd, 1, 10000), 1);
	log_follower_clear_watch(f);
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	expect_lines("two days", f, 0, 19);
	append(x, DAY_2, 20, 21);
	expect_lines("appended", f, 20, 21);
	append(x, DAY_2, 22, 22);
	append(x, DAY_3, 23, 24);
	expect_lines("the rest of a day and the next", f, 22, 24);
	log_follower_destroy(f);
}

/* Killed behind each line in turn, it goes on with the next. */
static void test_every_cursor(void **state)
{
	const struct fixture *x = *state;
	struct log_cursor at = { 0 };

	append(x, DAY_1, 0, 4);
	pack(x, DAY_1);
	append(x, DAY_2, 5, 9);
	append(x, DAY_3, 10, 14);
	for (int i = 0; i < 15; i++) {
		struct log_follower *f = follow(x, &at);
		struct log_line line;

		assert_int_equal(log_follower_next(f, &line), 1);
		assert_int_equal(line.seq, i);
		log_follower_cursor(f, &at);
		log_follower_destroy(f);
	}
	assert_int_equal(at.next_seq, 15);
	assert_string_equal(at.name, DAY_3);
}

/* A cursor whose file or offset is wrong costs a second look, no line. */
static void test_torn_cursor(void **state)
{
	const struct fixture *x = *state;
	static const struct {
		const char *name;
		struct log_cursor from;
		int first, last;
	} cases[] = {
		{ "exact", { DAY_2, 54, 7 }, 7, 12 },
		{ "in the middle of a line", { DAY_2, 60, 7 }, 7, 12 },
		{ "beyond the end", { DAY_2, 99999, 7 }, 7, 12 },
		{ "of another line", { DAY_2, 27, 7 }, 7, 12 },
		{ "no such file", { "lksm_events_2026-01-01.jsonl", 27, 7 }, 7, 12 },
		{ "an older file", { "lksm_events_2025-01-01.jsonl", 0, 7 }, 7, 12 },
		{ "no name", { "", 0, 7 }, 7, 12 },
		{ "a later file", { "lksm_events_2027-01-01.jsonl", 0, 7 }, 0, -1 },
	};

	append(x, DAY_2, 5, 9);
	append(x, DAY_3, 10, 12);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct log_follower *f = follow(x, &cases[i].from);

		expect_lines(cases[i].name, f, cases[i].first, cases[i].last);
		log_follower_destroy(f);
	}
}

/* A torn end is cut and another line written in its place. */
static void test_torn_line(void **state)
{
	const struct fixture *x = *state;
	struct log_cursor nothing = { 0 };
	struct log_follower *f = follow(x, &nothing);
	_cleanup_close_ int fd = -1;
	struct stat st;

	append(x, DAY_1, 0, 1);
	assert_int_equal(fstatat(x->folder, DAY_1, &st, 0), 0);
	put(x, DAY_1, O_APPEND, "{\"seq\": 9, \"to", 14);
	expect_lines("torn", f, 0, 1);
	fd = openat(x->folder, DAY_1, O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, st.st_size), 0);
	append(x, DAY_1, 2, 3);
	expect_lines("mended", f, 2, 3);
	log_follower_destroy(f);
}

static void test_replaced(void **state)
{
	const struct fixture *x = *state;
	struct log_cursor nothing = { 0 };
	struct log_follower *f = follow(x, &nothing);

	append(x, DAY_1, 0, 5);
	expect_lines("before", f, 0, 5);
	append(x, "copy", 0, 7); /* what the daemon puts back when a log was deleted */
	assert_int_equal(renameat(x->folder, "copy", x->folder, DAY_1), 0);
	expect_lines("put back, and more", f, 6, 7);
	assert_int_equal(unlinkat(x->folder, DAY_1, 0), 0);
	append(x, DAY_1, 8, 9); /* only what is new */
	expect_lines("another file", f, 8, 9);
	log_follower_destroy(f);
}

static void test_begun_anew(void **state)
{
	const struct fixture *x = *state;
	struct log_cursor nothing = { 0 };
	struct log_follower *f = follow(x, &nothing);
	struct log_line line;

	append(x, DAY_1, 0, 5);
	expect_lines("before", f, 0, 5);
	append(x, DAY_1, 0, 0);
	assert_int_equal(log_follower_next(f, &line), -ESTALE);
	assert_int_equal(line.seq, 0);
	log_follower_destroy(f);
	f = follow(x, &nothing);
	expect_lines("the log as it is", f, 0, 5);
	log_follower_destroy(f);
}

static void test_hostile_lines(void **state)
{
	const struct fixture *x = *state;
	struct log_cursor nothing = { 0 };
	struct log_follower *f = follow(x, &nothing);
	_cleanup_free_ char *long_line = malloc(3 * EVENT_LINE_MAX);

	assert_non_null(long_line);
	memset(long_line, 'x', 3 * EVENT_LINE_MAX);
	long_line[3 * EVENT_LINE_MAX - 1] = '\n';
	append(x, DAY_1, 0, 0);
	put(x, DAY_1, O_APPEND, long_line, 3 * EVENT_LINE_MAX);
	put(x, DAY_1, O_APPEND, "\n\0\n{}\n", 6);
	append(x, DAY_1, 1, 1);
	assert_int_equal(mkfifoat(x->folder, DAY_2, 0600), 0);
	assert_int_equal(
		symlinkat("/dev/zero", x->folder, "lksm_events_2026-01-02.jsonl.zst"), 0);
	append(x, DAY_3, 2, 2);
	expect_lines("among nonsense", f, 0, 2);
	assert_int_equal(log_follower_bad_lines(f), 4);
	log_follower_destroy(f);
}

/* All of it is old, and its place is not known: as much as one turn may take, and again. */
static void test_much_that_is_old(void **state)
{
	const struct fixture *x = *state;
	struct log_cursor from = { .name = DAY_1, .next_seq = 1000001, .offset = 3 };
	_cleanup_buffer_ struct buffer text = { 0 };
	struct log_follower *f;
	struct log_line line;
	int r, n_turns = 0;

	for (int i = 1; text.len < 3 * LOG_FOLLOWER_TURN; i++)
		buffer_appendf(&text, "{\"seq\": %d, \"pad\": \"%*s\"}\n", i, 1000, "");
	put(x, DAY_1, O_APPEND, text.data, text.len);
	append(x, DAY_1, 1000001, 1000002);
	f = follow(x, &from);
	while ((r = log_follower_next(f, &line)) == -EAGAIN)
		n_turns++;
	expect_number("then the new", "result", r, 1);
	expect_number("then the new", "seq", (int64_t)line.seq, 1000001);
	assert_in_range(n_turns, 2, 3); /* each takes a little more */
	expect_lines("the rest", f, 1000002, 1000002);
	log_follower_destroy(f);
}

static void test_damaged_packed(void **state)
{
	const struct fixture *x = *state;
	struct log_cursor nothing = { 0 };
	struct log_follower *f;

	append(x, DAY_1, 0, 4);
	pack(x, DAY_1);
	put(x, "lksm_events_2026-01-01.jsonl.zst", 0, "nonsense", 8);
	append(x, DAY_2, 5, 9);
	f = follow(x, &nothing);
	expect_lines("what can be read", f, 5, 9);
	log_follower_destroy(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seq),
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
		WITH_FOLDER(test_days_and_news),  WITH_FOLDER(test_every_cursor),
		WITH_FOLDER(test_torn_cursor),	  WITH_FOLDER(test_torn_line),
		WITH_FOLDER(test_replaced),	  WITH_FOLDER(test_begun_anew),
		WITH_FOLDER(test_hostile_lines),  WITH_FOLDER(test_much_that_is_old),
		WITH_FOLDER(test_damaged_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
