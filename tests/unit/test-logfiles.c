// SPDX-License-Identifier: Apache-2.0
/*
 * privsep/logfiles: which names are logs, how old a log is, what is no log and so not opened,
 * what is left of a failed opening.
 */
#include "privsep/logfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"
#include "folder.h"

#define WAIT_MAX_S 60 /* then SIGALRM ends a test that waits for a FIFO */

static bool is_fstat_broken;

/* The program's own, in the place of the library's. */
int fstat(int fd, struct stat *ret)
{
	if (!is_fstat_broken)
		return (int)syscall(SYS_newfstatat, fd, "", ret, AT_EMPTY_PATH);
	errno = EIO;
	return -1;
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool want;
		uint32_t want_date;
		bool want_compressed;
	} cases[] = {
		{ "lksm_events_2026-11-22.jsonl", true, 20261122, false },
		{ "lksm_events_2026-11-22.jsonl.zst", true, 20261122, true },
		{ "lksm_events_2026-11-22.jsonl.zstd", false, 0, false },
		{ "lksm_events_2026-11-22.jsonl.zs", false, 0, false },
		{ "lksm_events_2026-11-22.jsonl.gz", false, 0, false },
		{ "lksm_events_2026-11-22.json", false, 0, false },
		{ "lksm_events_2026-13-22.jsonl", false, 0, false },
		{ "lksm_events_2026-11-00.jsonl", false, 0, false },
		{ "lksm_events_2026-1x-22.jsonl", false, 0, false },
		{ "../lksm_events_2026-11-22.jsonl", false, 0, false },
		{ "lksm_events_2026-11-22.jsonl/", false, 0, false },
		{ "LKSM_events_2026-11-22.jsonl", false, 0, false },
		{ "", false, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct logfile file = { 0 };

		expect_number(cases[i].name, "is log",
			      logfile_parse_name(cases[i].name, &file), cases[i].want);
		expect_number(cases[i].name, "date", file.date, cases[i].want_date);
		expect_number(cases[i].name, "compressed", file.is_compressed,
			      cases[i].want_compressed);
		assert_string_equal(file.name, cases[i].want ? cases[i].name : "");
	}
}

static void test_ages(void **state)
{
	static const struct {
		uint32_t date, today;
		int64_t want;
	} cases[] = {
		{ 20261122, 20261122, 0 },  { 20261121, 20261122, 1 },
		{ 20261123, 20261122, -1 }, { 20251231, 20260101, 1 },
		{ 20240228, 20240301, 2 },  { 20260228, 20260301, 1 },
		{ 20260328, 20260330, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number("age", "days",
			      logfile_age_days(cases[i].date, cases[i].today),
			      cases[i].want);
}

/* Whoever has core could add to what is closed, or have nothing follow what it asks for. */
static void test_which_is_due(void **state)
{
	static const struct {
		const char *name;
		uint32_t there[3]; /* which logs; 0: no more */
		bool is_newest_packed;
		uint32_t last, date;
		bool want;
	} cases[] = {
		{ "the first", { 0 }, false, 0, 20261122, true },
		{ "of tomorrow", { 0 }, false, 0, 20261123, true },
		{ "of the day behind", { 0 }, false, 0, 20261124, false },
		{ "where it stopped", { 20261019 }, false, 0, 20261019, true },
		{ "over", { 20261019, 20261020 }, false, 0, 20261019, false },
		{ "over, and gone", { 20261120 }, false, 20261121, 20261119, false },
		{ "for ever", { 20261122 }, false, 20261122, 99991231, false },
		{ "a clock set back", { 20261125 }, false, 20261125, 20261125, true },
		{ "set back, and it is gone", { 0 }, false, 20261125, 20261125, true },
		{ "set back, and over", { 20261125 }, false, 20261125, 20261122, false },
		{ "a late one planted",
		  { 20261122, 20361122 },
		  false,
		  20261122,
		  20261123,
		  true },
		{ "planted, and over",
		  { 20261121, 20361122 },
		  false,
		  20261122,
		  20261121,
		  false },
		{ "packed by hand", { 20261119, 20261121 }, true, 0, 20261119, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct logfile list[3] = { 0 };
		int n = 0;

		for (; n < 3 && cases[i].there[n]; n++)
			list[n].date = cases[i].there[n];
		if (n)
			list[n - 1].is_compressed = cases[i].is_newest_packed;
		expect_number(
			cases[i].name, "due",
			logfile_is_due(list, n, cases[i].date, cases[i].last, 20261122),
			cases[i].want);
	}
}

enum thing {
	NOTHING,
	PLAIN,
	LINK,
	DANGLING_LINK,
	FIFO,
	FOLDER,
	SECOND_NAME,
};

static void make_thing(int dir, enum thing thing, const char *name)
{
	int fd = openat(dir, "other", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	(void)close(fd);
	if (thing == PLAIN)
		assert_int_equal(renameat(dir, "other", dir, name), 0);
	else if (thing == LINK || thing == DANGLING_LINK)
		assert_int_equal(symlinkat(thing == LINK ? "other" : "none", dir, name),
				 0);
	else if (thing == FIFO)
		assert_int_equal(mkfifoat(dir, name, 0600), 0);
	else if (thing == FOLDER)
		assert_int_equal(mkdirat(dir, name, 0700), 0);
	else if (thing == SECOND_NAME)
		assert_int_equal(linkat(dir, "other", dir, name, 0), 0);
}

/* Nothing outside the folder is opened or made, and nobody is waited for. */
static void test_what_is_no_log(void **state)
{
	static const char name[] = "lksm_events_2026-11-22.jsonl";
	static const struct {
		const char *name;
		enum thing thing;
		int want_read, want_write; /* 0: a descriptor */
	} cases[] = {
		{ "nothing", NOTHING, -ENOENT, 0 },
		{ "a log", PLAIN, 0, 0 },
		{ "a link", LINK, -ELOOP, -ELOOP },
		{ "a link to nothing", DANGLING_LINK, -ELOOP, -ELOOP },
		{ "a FIFO", FIFO, -EINVAL, -EINVAL },
		{ "a folder", FOLDER, -EINVAL, -EINVAL },
		{ "a file's second name", SECOND_NAME, -EMLINK, -EMLINK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char folder[] = "/tmp/test-logfiles-XXXXXX";
		int dir, reading, writing;

		assert_non_null(mkdtemp(folder));
		dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		make_thing(dir, cases[i].thing, name);
		(void)alarm(WAIT_MAX_S);
		reading = logfile_open(dir, name, O_RDONLY, 0);
		writing = logfile_open(dir, name, O_WRONLY | O_APPEND | O_CREAT, 0640);
		(void)alarm(0);
		expect_number(cases[i].name, "read", reading < 0 ? reading : 0,
			      cases[i].want_read);
		expect_number(cases[i].name, "write", writing < 0 ? writing : 0,
			      cases[i].want_write);
		assert_int_equal(faccessat(dir, "none", F_OK, AT_SYMLINK_NOFOLLOW), -1);
		(void)close(reading);
		(void)close(writing);
		(void)close(dir);
		remove_folder(folder);
	}
}

static void test_what_cannot_be_looked_at_is_not_left(void **state)
{
	static const char name[] = "lksm_events_2026-11-22.jsonl";
	char folder[] = "/tmp/test-logfiles-XXXXXX";
	int dir, fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	is_fstat_broken = true;
	expect_number(name, "made", logfile_open(dir, name, O_WRONLY | O_CREAT, 0640),
		      -EIO);
	is_fstat_broken = false;
	assert_int_equal(faccessat(dir, name, F_OK, 0), -1);
	fd = logfile_open(dir, name, O_WRONLY | O_CREAT, 0640);
	assert_true(fd >= 0);
	(void)close(fd);
	is_fstat_broken = true;
	expect_number(name, "old", logfile_open(dir, name, O_WRONLY | O_CREAT, 0640),
		      -EIO);
	is_fstat_broken = false;
	assert_int_equal(unlinkat(dir, name, 0), 0); /* what was there stays */
	(void)close(dir);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_which_is_due),
		cmocka_unit_test(test_what_is_no_log),
		cmocka_unit_test(test_what_cannot_be_looked_at_is_not_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
