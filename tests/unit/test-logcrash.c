// SPDX-License-Identifier: Apache-2.0
/* What a crash of the machine leaves of a log, and where it is cut. */
#include "privsep/logcrash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "expect.h"
#include "folder.h"

#define LOG    "lksm_events_2026-11-22.jsonl"
#define ONE    "{\"seq\": 1}\n"
#define TWO    "{\"seq\": 2}\n"
#define THREE  "{\"seq\": 3}\n"
#define ZEROS  "\0\0\0\0"
#define BLOCKS 300000 /* more than one of the blocks that a log is read in */

struct place {
	char path[64];
	int dir;
};

static void place_init(struct place *p)
{
	(void)strcpy(p->path, "/tmp/lksm-test-logcrash-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->dir >= 0);
}

static void place_deinit(struct place *p)
{
	(void)close(p->dir);
	remove_folder(p->path);
}

static void put(const struct place *p, const char *name, struct span bytes)
{
	_cleanup_close_ int fd = openat(p->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, bytes.data, bytes.len), 0);
}

static void expect_file(const struct place *p, const char *what, const char *name,
			struct span want)
{
	_cleanup_close_ int fd = openat(p->dir, name, O_RDONLY | O_CLOEXEC);
	_cleanup_buffer_ struct buffer got = { 0 };

	if (fd < 0)
		fail_msg("%s: there is no %s", what, name);
	assert_int_equal(read_rest(fd, 1 << 20, &got), 0);
	expect_span(what, name, buffer_span(&got), want);
}

static void test_holes(void **state)
{
	static const struct {
		const char *name;
		struct span in, want;
		uint64_t want_next_seq;
	} cases[] = {
		{ "empty", BYTES(""), BYTES(""), 0 },
		{ "whole", BYTES(ONE TWO), BYTES(ONE TWO), 0 },
		{ "torn, which is not a hole", BYTES(ONE "{\"s"), BYTES(ONE "{\"s"), 0 },
		{ "zeros at the end", BYTES(ONE ZEROS), BYTES(ONE), 0 },
		{ "zeros only", BYTES(ZEROS), BYTES(""), 0 },
		{ "in a line", BYTES(ONE "{\"se" ZEROS "\n"), BYTES(ONE), 0 },
		{ "in front of a line", BYTES(ONE ZEROS TWO), BYTES(ONE), 0 },
		{ "in a number",
		  BYTES(ONE "{\"seq\": 2" ZEROS "}\n" THREE "{\"seq\": 9" ZEROS "\n"),
		  BYTES(ONE), 4 },
		{ "lines behind it", BYTES(ONE ZEROS TWO THREE), BYTES(ONE), 4 },
		{ "and a torn one", BYTES(ONE ZEROS TWO THREE "{\"seq\": 4"), BYTES(ONE),
		  4 },
		{ "and something else", BYTES(ONE ZEROS "\n" THREE "nothing\n"),
		  BYTES(ONE), 4 },
		{ "a number that nobody counts to",
		  BYTES(ONE ZEROS "\n" TWO "{\"seq\": 99999999999999999}\n"), BYTES(ONE),
		  3 },
		{ "two holes", BYTES(ONE ZEROS TWO ZEROS THREE THREE), BYTES(ONE), 4 },
	};
	struct logcrash crash;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const size_t cut = cases[i].in.len - cases[i].want.len;
		struct place p;

		place_init(&p);
		put(&p, LOG, cases[i].in);
		expect_number(cases[i].name, "result", logcrash_mend(p.dir, LOG, &crash),
			      0);
		expect_file(&p, cases[i].name, LOG, cases[i].want);
		expect_number(cases[i].name, "cut", (int64_t)crash.cut_bytes,
			      (int64_t)cut);
		expect_number(cases[i].name, "next seq", (int64_t)crash.next_seq,
			      (int64_t)cases[i].want_next_seq);
		expect_text(cases[i].name, "kept", span_from(crash.moved_to),
			    cut ? "damaged-1-" LOG : "");
		if (cut)
			expect_file(&p, cases[i].name, crash.moved_to,
				    span_skip(cases[i].in, cases[i].want.len));
		place_deinit(&p);
	}
}

/* The hole, and the beginning of its line, on each side of the borders between blocks. */
static void test_blocks(void **state)
{
	static const size_t holes[] = { 262143, 262144, 262145, 270000, BLOCKS - 1 };
	static const size_t starts[] = { 0, 1, 262143, 262144, 262145, 269999 };
	_cleanup_free_ char *data = malloc(BLOCKS);
	struct logcrash crash;
	struct place p;

	(void)state;
	assert_non_null(data);
	place_init(&p);
	for (size_t i = 0; i < ARRAY_SIZE(holes) * ARRAY_SIZE(starts); i++) {
		size_t hole = holes[i / ARRAY_SIZE(starts)];
		size_t start = starts[i % ARRAY_SIZE(starts)];

		if (start > hole)
			continue;
		memset(data, 'x', BLOCKS);
		data[hole] = '\0';
		if (start)
			data[start - 1] = '\n';
		put(&p, LOG, (struct span){ data, BLOCKS });
		assert_int_equal(logcrash_mend(p.dir, LOG, &crash), 0);
		assert_int_equal(crash.cut_bytes, BLOCKS - start);
		expect_file(&p, "blocks", LOG, (struct span){ data, start });
	}
	place_deinit(&p);
}

/* What was kept of an earlier crash stays; and what is no log of ours is left alone. */
static void test_names(void **state)
{
	struct logcrash crash;
	struct place p;

	(void)state;
	place_init(&p);
	put(&p, "damaged-1-" LOG, SPAN("earlier"));
	put(&p, LOG, (struct span)BYTES(ONE ZEROS));
	assert_int_equal(logcrash_mend(p.dir, LOG, &crash), 0);
	assert_string_equal(crash.moved_to, "damaged-2-" LOG);
	expect_file(&p, "names", "damaged-1-" LOG, SPAN("earlier"));
	assert_int_equal(unlinkat(p.dir, LOG, 0), 0);
	assert_int_equal(logcrash_mend(p.dir, LOG, &crash), -ENOENT);
	assert_int_equal(symlinkat("damaged-1-" LOG, p.dir, LOG), 0);
	assert_int_equal(logcrash_mend(p.dir, LOG, &crash), -ELOOP);
	expect_file(&p, "names", "damaged-1-" LOG, SPAN("earlier"));
	place_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
