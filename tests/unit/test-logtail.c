// SPDX-License-Identifier: Apache-2.0
/* core/logtail: torn lines cut exactly; where to go on, learnt from lines of every kind.
 */
#include "core/logtail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/event.h"
#include "expect.h"

#define BOOT_A "aaaaaaaa-0000-4000-8000-000000000000"
#define BOOT_B "bbbbbbbb-0000-4000-8000-000000000000"

#define LINE(seq, more)                                                     \
	"{\"seq\": " #seq                                                   \
	", \"ts\": 1.000001, \"type\": \"t\", \"data\": {}, \"severity\": " \
	"\"info\", \"source\": \"s\"" more "}\n"
#define KMSG(seq, boot, record)            \
	LINE(seq, ", \"boot_id\": \"" boot \
		  "\", \"stream\": \"kmsg\", \"stream_seq\": " #record)
#define LOST(seq, boot, type, last)                          \
	"{\"seq\": " #seq ", \"ts\": 1.0, \"type\": \"" type \
	"\", \"data\": {\"stream\": "                        \
	"\"kmsg\", \"first\": 1, \"last\": " #last           \
	", \"count\": 9}, \"severity\": \"high\", "          \
	"\"source\": \"lksm\", \"boot_id\": \"" boot "\"}\n"

static int file_of(const char *data, size_t len)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

static uint64_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_size;
}

static int64_t synced_size; /* of the file, when it was; -1: it was not */

/* The program's own, in the place of the library's. */
int fsync(int fd)
{
	synced_size = (int64_t)size_of(fd);
	return (int)syscall(SYS_fsync, fd);
}

static void test_repair(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		uint64_t want_size;
	} cases[] = {
		{ "empty", BYTES(""), 0 },
		{ "whole", BYTES("{}\n{}\n"), 6 },
		{ "torn", BYTES("{}\n{\"se"), 3 },
		{ "one byte torn", BYTES("{}\n{"), 3 },
		{ "no newline at all", BYTES("{\"seq\": 0"), 0 },
		{ "only a newline", BYTES("\n"), 1 },
		{ "zeros after power loss", BYTES("{}\n\0\0\0\0"), 3 },
		{ "zeros in a line", BYTES("{}\n\0\0\n"), 6 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = file_of(cases[i].in.data, cases[i].in.len);
		uint64_t cut = 99;

		synced_size = -1;
		expect_number(cases[i].name, "result", logtail_repair(fd, &cut), 0);
		/* or a crash mixes what was cut with what is written in its place */
		expect_number(cases[i].name, "on the disk", synced_size,
			      cases[i].want_size == cases[i].in.len
				      ? -1
				      : (int64_t)cases[i].want_size);
		expect_number(cases[i].name, "size", (int64_t)size_of(fd),
			      (int64_t)cases[i].want_size);
		expect_number(cases[i].name, "cut", (int64_t)cut,
			      (int64_t)(cases[i].in.len - cases[i].want_size));
	}
}

/* The last newline lies on each side of the borders between blocks. */
static void test_repair_blocks(void **state)
{
	static const size_t torn[] = { 65535,  65536,  65537,  131071,
				       131072, 131073, 1000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(torn); i++) {
		_cleanup_free_ char *data = malloc(torn[i] + 10);
		_cleanup_close_ int fd = -1;
		uint64_t cut;

		assert_non_null(data);
		memset(data, 'x', torn[i] + 10);
		data[9] = '\n';
		fd = file_of(data, torn[i] + 10);
		assert_int_equal(logtail_repair(fd, &cut), 0);
		assert_int_equal(cut, torn[i]);
		assert_int_equal(size_of(fd), 10);
	}
}

static void test_not_a_file(void **state)
{
	struct position p = { 0 };
	struct buffer lines = { 0 };
	uint64_t cut;
	bool is_done;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(logtail_repair(fds[0], &cut), -EINVAL);
	assert_int_equal(logtail_scan(fds[0], &p, 1, &lines, &is_done), -EINVAL);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* One file: @known -1 means that the state page knew no stream of this boot. */
static void test_scan(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		uint64_t next_seq;
		int64_t known;
		uint64_t want_next_seq;
		int64_t want_kmsg;
		uint64_t want_bad;
		bool want_done;
	} cases[] = {
		{ "empty", BYTES(""), 3, -1, 3, -1, 0, false },
		{ "page is even", BYTES(KMSG(0, BOOT_A, 7) KMSG(1, BOOT_A, 8)), 2, 8, 2,
		  8, 0, true },
		{ "page is behind",
		  BYTES(KMSG(0, BOOT_A, 7) KMSG(1, BOOT_A, 8) KMSG(2, BOOT_A, 9)), 1, 7,
		  3, 9, 0, true },
		{ "page is ahead", BYTES(KMSG(0, BOOT_A, 7)), 1, 20, 1, 20, 0, true },
		{ "page lost", BYTES(KMSG(0, BOOT_B, 700) KMSG(1, BOOT_A, 3)), 0, -1, 2,
		  3, 0, true },
		{ "page lost, one boot", BYTES(KMSG(0, BOOT_A, 3)), 0, -1, 1, 3, 0,
		  false },
		{ "other boot's records", BYTES(KMSG(0, BOOT_B, 700)), 0, -1, 1, -1, 0,
		  true },
		{ "numbers out of order",
		  BYTES(KMSG(0, BOOT_B, 1) KMSG(1, BOOT_A, 9) KMSG(2, BOOT_A, 4)), 0, -1,
		  3, 9, 0, true },
		{ "page of an earlier boot, ahead",
		  BYTES(KMSG(0, BOOT_B, 1) KMSG(1, BOOT_A, 9) LINE(2, "")), 5, -1, 5, 9,
		  0, true },
		{ "torn tail is no line",
		  BYTES(KMSG(0, BOOT_B, 1) KMSG(1, BOOT_A, 9) "{\"seq\": 2"), 0, -1, 2, 9,
		  0, true },
		{ "garbage",
		  BYTES(KMSG(0, BOOT_B,
			     1) "\n{}\nx\n[1]\n\0\0\n{\"seq\": 1}\n" KMSG(1, BOOT_A, 9)),
		  0, -1, 2, 9, 6, true },
		{ "seq negative", BYTES(KMSG(0, BOOT_B, 1) KMSG(-1, BOOT_A, 9)), 0, -1, 1,
		  -1, 1, true },
		{ "seq absurd",
		  BYTES(KMSG(0, BOOT_B, 1) KMSG(9007199254740993, BOOT_A, 9)), 0, -1, 1,
		  -1, 1, true },
		{ "seq beyond 64 bits",
		  BYTES(KMSG(0, BOOT_B, 1) KMSG(99999999999999999999, BOOT_A, 9)), 0, -1,
		  1, -1, 1, true },
		{ "seq is a string", BYTES(KMSG(0, BOOT_B, 1) KMSG("5", BOOT_A, 9)), 0,
		  -1, 1, -1, 1, true },
		{ "record's number is a string",
		  BYTES(KMSG(0, BOOT_B, 1) KMSG(1, BOOT_A, "9")), 0, -1, 2, -1, 0, true },
		{ "NUL in a message",
		  BYTES(KMSG(0, BOOT_B, 1) LINE(
			  1, ", \"boot_id\": \"" BOOT_A "\", \"stream\": \"kmsg\", "
			     "\"stream_seq\": 4, \"message\": \"a\\u0000b\"")),
		  0, -1, 2, 4, 0, true },
		{ "event of our own", BYTES(KMSG(0, BOOT_B, 1) LINE(1, "")), 0, -1, 2, -1,
		  0, true },
		{ "reported gap",
		  BYTES(KMSG(0, BOOT_A, 7) LOST(1, BOOT_A, "records_lost", 19)), 1, 7, 2,
		  19, 0, true },
		{ "filtered gap",
		  BYTES(KMSG(0, BOOT_A, 7) LOST(1, BOOT_A, "log_filtered", 19)), 1, 7, 2,
		  19, 0, true },
		{ "gap of another boot",
		  BYTES(LOST(0, BOOT_B, "records_lost", 19) KMSG(1, BOOT_A, 3)), 0, -1, 2,
		  3, 0, true },
		{ "not a gap", BYTES(KMSG(0, BOOT_A, 7) LOST(1, BOOT_A, "other", 19)), 1,
		  7, 2, 7, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = file_of(cases[i].in.data, cases[i].in.len);
		_cleanup_buffer_ struct buffer lines = { 0 };
		struct position p = { .next_seq = cases[i].next_seq };
		uint64_t last = 0;
		bool is_done, is_known;

		position_set_boot(&p, BOOT_A);
		if (cases[i].known >= 0)
			position_advance(&p, "kmsg", (uint64_t)cases[i].known);
		expect_number(cases[i].name, "result",
			      logtail_scan(fd, &p, 0, &lines, &is_done), 0);
		is_known = position_find(&p, "kmsg", &last);
		expect_number(cases[i].name, "next_seq", (int64_t)p.next_seq,
			      (int64_t)cases[i].want_next_seq);
		expect_number(cases[i].name, "kmsg", is_known ? (int64_t)last : -1,
			      cases[i].want_kmsg);
		expect_number(cases[i].name, "bad lines", (int64_t)p.bad_lines,
			      (int64_t)cases[i].want_bad);
		expect_number(cases[i].name, "is_done", is_done, cases[i].want_done);
	}
}

static void test_lines(void **state)
{
	static const char in[] = LINE(0, "") "junk\n" LINE(1, "") LINE(
		2, "") "junk\n"
		       "{\"seq\": 2, \"ts\": 1.0, \"type\": \"heartbeat\", \"data\": {}, "
		       "\"severity\": \"info\", \"source\": \"lksm\"}\n" LINE(3, "");
	static const struct {
		const char *name;
		size_t n_lines;
		int want_n;
		const char *want;
		bool want_done;
	} cases[] = {
		{ "none", 0, 0, "", true },
		{ "one", 1, 1, LINE(3, ""), true },
		{ "over a bad one and a heartbeat", 2, 2, LINE(2, "") LINE(3, ""), true },
		{ "all", 4, 4, LINE(0, "") LINE(1, "") LINE(2, "") LINE(3, ""), true },
		{ "more than there are", 9, 4,
		  LINE(0, "") LINE(1, "") LINE(2, "") LINE(3, ""), false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = file_of(in, sizeof(in) - 1);
		_cleanup_buffer_ struct buffer lines = { 0 }, want = { 0 };
		struct position p = { .next_seq = 4 };
		bool is_done;

		position_set_boot(&p, BOOT_A);
		position_advance(&p, "kmsg", 1);
		buffer_append_literal(&lines, "there before\n");
		buffer_appendf(&want, "%sthere before\n", cases[i].want);
		expect_number(cases[i].name, "result",
			      logtail_scan(fd, &p, cases[i].n_lines, &lines, &is_done),
			      cases[i].want_n);
		expect_span(cases[i].name, "lines", buffer_span(&lines),
			    buffer_span(&want));
		expect_number(cases[i].name, "is_done", is_done, cases[i].want_done);
	}
}

/* What the log shows to be decided is held no more, whatever the state page says. */
static void test_held(void **state)
{
	static const char in[] = KMSG(4, BOOT_B, 7)
		KMSG(5, BOOT_A,
		     6) "{\"seq\": 6, \"ts\": 1.000000, \"type\": \"records_lost\", "
			"\"data\": {\"stream\": \"kmsg\", \"first\": 8, \"last\": 9}, "
			"\"severity\": \"high\", \"source\": \"lksm\", "
			"\"boot_id\": \"" BOOT_A "\"}\n";
	_cleanup_close_ int fd = file_of(in, sizeof(in) - 1);
	_cleanup_buffer_ struct buffer lines = { 0 };
	struct position p = { .next_seq = 4 };
	uint64_t held;
	bool is_done;

	(void)state;
	position_set_boot(&p, BOOT_A);
	position_advance(&p, "kmsg", 5);
	for (uint64_t i = 5; i < 11; i++)
		position_hold(&p, "kmsg", i);
	assert_int_equal(logtail_scan(fd, &p, 0, &lines, &is_done), 0);
	assert_int_equal(p.n_held, 3);
	assert_true(position_next_held(&p, "kmsg", 6, &held));
	assert_int_equal(held, 7);
	assert_true(position_next_held(&p, "kmsg", 8, &held));
	assert_int_equal(held, 10);
}

/* A boot spread over files: each stream's last record may be in another one. */
static void test_several_files(void **state)
{
	static const char older[] = KMSG(0, BOOT_B, 900)
		LINE(1, ", \"boot_id\": \"" BOOT_A "\", "
			"\"stream\": \"proc:1\", \"stream_seq\": 77") KMSG(2, BOOT_A, 5);
	static const char newer[] = KMSG(3, BOOT_A, 6);
	_cleanup_close_ int fd1 = file_of(newer, sizeof(newer) - 1);
	_cleanup_close_ int fd2 = file_of(older, sizeof(older) - 1);
	_cleanup_buffer_ struct buffer lines = { 0 };
	struct position p = { 0 };
	uint64_t last;
	bool is_done;

	(void)state;
	position_set_boot(&p, BOOT_A);
	assert_int_equal(logtail_scan(fd1, &p, 0, &lines, &is_done), 0);
	assert_false(is_done);
	assert_int_equal(logtail_scan(fd2, &p, 0, &lines, &is_done), 0);
	assert_true(is_done);
	assert_int_equal(p.next_seq, 4);
	assert_true(position_find(&p, "kmsg", &last));
	assert_int_equal(last, 6);
	assert_true(position_find(&p, "proc:1", &last));
	assert_int_equal(last, 77);
}

/* Lines as long as the limit, one byte more, and many blocks more. */
static void test_long_lines(void **state)
{
	static const struct {
		size_t len;
		uint64_t want_bad;
	} cases[] = {
		{ EVENT_LINE_MAX - 1, 0 }, { EVENT_LINE_MAX, 0 },
		{ EVENT_LINE_MAX + 1, 1 }, { EVENT_LINE_MAX + 70000, 1 },
		{ 3 * EVENT_LINE_MAX, 1 }, { 5000000, 1 },
	};
	static const char head[] =
		"{\"seq\": 1, \"ts\": 1.0, \"type\": \"t\", \"data\": {}, "
		"\"severity\": \"info\", \"source\": \"s\", \"message\": \"";

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		size_t len = cases[i / 2].len, n_short = i % 2;
		_cleanup_buffer_ struct buffer in = { 0 }, lines = { 0 };
		_cleanup_close_ int fd = -1;
		struct position p = { 0 };
		bool is_done;
		char *fill;

		if (n_short) /* a line before it; else the file begins with the long one
			      */
			buffer_append_literal(&in, LINE(0, ""));
		buffer_append(&in, head, sizeof(head) - 1);
		fill = buffer_reserve(&in, len);
		assert_non_null(fill);
		memset(fill, 'x', len);
		in.len += len - (sizeof(head) - 1) - 3;
		buffer_append_literal(&in, "\"}\n" LINE(2, ""));
		fd = file_of(in.data, in.len);
		position_set_boot(&p, BOOT_A);
		expect_number("long", "lines", logtail_scan(fd, &p, 9, &lines, &is_done),
			      (int64_t)(n_short + 2 - cases[i / 2].want_bad));
		expect_number("long", "bad", (int64_t)p.bad_lines,
			      (int64_t)cases[i / 2].want_bad);
		expect_number("long", "next_seq", (int64_t)p.next_seq, 3);
	}
}

static uint64_t bytes_read(void)
{
	_cleanup_fclose_ FILE *io = fopen("/proc/self/io", "re");
	uint64_t n;

	assert_non_null(io);
	assert_int_equal(fscanf(io, "rchar: %" SCNu64, &n), 1);
	return n;
}

/* With a good state page of a big log only the end is read. */
static void test_of_a_big_one_the_end_is_read(void **state)
{
	enum {
		N = 100000, /* lines, 18 MB */
		END_BYTES = 1 << 20
	};
	_cleanup_buffer_ struct buffer in = { .limit = (size_t)64 << 20 }, lines = { 0 };
	_cleanup_close_ int fd = -1;
	struct position p = { .next_seq = N };
	uint64_t before;
	bool is_done;

	(void)state;
	for (int i = 0; i < N; i++)
		buffer_appendf(
			&in,
			"{\"seq\": %d, \"ts\": 1.000001, \"type\": \"kernel_message\", "
			"\"data\": {}, \"severity\": \"info\", \"source\": "
			"\"kernel_log\", \"boot_id\": \"" BOOT_A "\", \"stream\": "
			"\"kmsg\", \"stream_seq\": %d}\n",
			i, i + 5);
	fd = file_of(in.data, in.len);
	buffer_deinit(&in);
	position_set_boot(&p, BOOT_A);
	position_advance(&p, "kmsg", N + 4);
	before = bytes_read();
	assert_int_equal(logtail_scan(fd, &p, 500, &lines, &is_done), 500);
	assert_true(is_done);
	assert_true(bytes_read() - before < END_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_repair_blocks),
		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_several_files),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_of_a_big_one_the_end_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
