// SPDX-License-Identifier: Apache-2.0
/*
 * output/json_logger: the right day's file, a date that never goes back, and writes that
 * stop in the middle of a line. A full disk is played by RLIMIT_FSIZE: the kernel then
 * writes what fits and refuses the rest, as ENOSPC does.
 */
#include "output/json_logger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "expect.h"
#include "folder.h"

#define FILES_MAX 8
#define NOON	  ((uint64_t)1770724800) /* 2026-02-10T12:00:00Z */
#define HOUR	  ((uint64_t)3600)
#define NO_LIMIT  RLIM_INFINITY

/* A storage whose files are in memory. */
struct disk {
	struct {
		char name[JSON_LOGGER_NAME_SIZE];
		int fd;
	} files[FILES_MAX];
	size_t n;
	size_t n_opens;
	int error; /* of the next opens; 0 none */
};

static int disk_open(void *context, const char *name)
{
	struct disk *d = context;
	size_t i = 0;
	char path[64];

	d->n_opens++;
	if (d->error)
		return d->error;
	while (i < d->n && strcmp(d->files[i].name, name) != 0)
		i++;
	if (i == d->n) {
		assert_true(d->n < FILES_MAX);
		(void)snprintf(d->files[d->n].name, JSON_LOGGER_NAME_SIZE, "%s", name);
		d->files[d->n++].fd = memfd_create(name, MFD_CLOEXEC);
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", d->files[i].fd);
	return open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

static void expect_file(const char *name, const struct disk *d, const char *file,
			const char *want)
{
	char got[4096];
	ssize_t n = -1;

	for (size_t i = 0; i < d->n; i++)
		if (!strcmp(d->files[i].name, file))
			n = pread(d->files[i].fd, got, sizeof(got), 0);
	if (n < 0)
		fail_msg("%s: there is no %s", name, file);
	expect_span(name, file, (struct span){ got, (size_t)n }, span_from(want));
}

static void disk_deinit(struct disk *d)
{
	for (size_t i = 0; i < d->n; i++)
		(void)close(d->files[i].fd);
}

static struct json_logger *logger_on(struct disk *d, const char *newest)
{
	const struct json_logger_storage storage = { d, disk_open };
	struct json_logger *l = NULL;

	assert_int_equal(json_logger_create(&storage, newest, &l), 0);
	return l;
}

/* Log the lines of @text, which are @seq and following. */
static int log_text(struct json_logger *l, const char *text, uint64_t seq,
		    uint64_t second)
{
	struct line lines[16];
	struct output_batch batch = { .data = text, .len = strlen(text), .lines = lines };

	batch.now = (struct now){ second * USEC_PER_SEC, second * USEC_PER_SEC };
	for (const char *at = text; *at; seq++) {
		size_t len = (size_t)(strchr(at, '\n') - at) + 1;

		lines[batch.n_lines++] = (struct line){ at, len, seq };
		at += len;
	}
	return json_logger_log_events(l, &batch);
}

static void set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

static void set_disk_size(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_names(void **state)
{
	static const struct {
		const char *name, *zone, *newest;
		uint64_t second;
		const char *want;
	} cases[] = {
		{ "noon", "UTC", "", NOON, "lksm_events_2026-02-10.jsonl" },
		{ "last second", "UTC", "", NOON + 12 * HOUR - 1,
		  "lksm_events_2026-02-10.jsonl" },
		{ "midnight", "UTC", "", NOON + 12 * HOUR,
		  "lksm_events_2026-02-11.jsonl" },
		{ "local date, east", "UTC-14", "", NOON,
		  "lksm_events_2026-02-11.jsonl" },
		{ "local date, west", "UTC+13", "", NOON,
		  "lksm_events_2026-02-09.jsonl" },
		{ "clock is behind", "UTC", "lksm_events_2026-03-01.jsonl", NOON,
		  "lksm_events_2026-03-01.jsonl" },
		{ "old log", "UTC", "lksm_events_2025-12-31.jsonl", NOON,
		  "lksm_events_2026-02-10.jsonl" },
		{ "after 2038", "UTC", "", 4102444800, "lksm_events_2100-01-01.jsonl" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct disk d = { 0 };
		struct json_logger *l;

		set_zone(cases[i].zone);
		l = logger_on(&d, cases[i].newest);
		expect_number(cases[i].name, "lines",
			      log_text(l, "a\nb\n", 0, cases[i].second), 2);
		expect_number(cases[i].name, "files", (int64_t)d.n, 1);
		expect_file(cases[i].name, &d, cases[i].want, "a\nb\n");
		json_logger_destroy(l);
		disk_deinit(&d);
	}
	set_zone("UTC");
}

static void test_year_10000(void **state)
{
	struct disk d = { 0 };
	struct json_logger *l = logger_on(&d, "");

	(void)state;
	assert_int_equal(log_text(l, "a\n", 0, 253402300800), -EOVERFLOW);
	json_logger_destroy(l);
}

static void test_days_go_by(void **state)
{
	struct disk d = { 0 };
	struct json_logger *l = logger_on(&d, "");

	(void)state;
	assert_int_equal(log_text(l, "a\n", 0, NOON), 1);
	assert_int_equal(log_text(l, "", 0, NOON + 24 * HOUR), 0);
	assert_int_equal(d.n, 1); /* no event, no file */
	assert_int_equal(log_text(l, "b\n", 1, NOON + 24 * HOUR), 1);
	assert_int_equal(log_text(l, "c\n", 2, NOON), 1); /* set back by a day */
	assert_int_equal(log_text(l, "d\n", 3, NOON + 48 * HOUR), 1);
	expect_file("first", &d, "lksm_events_2026-02-10.jsonl", "a\n");
	expect_file("second", &d, "lksm_events_2026-02-11.jsonl", "b\nc\n");
	expect_file("third", &d, "lksm_events_2026-02-12.jsonl", "d\n");
	assert_int_equal(d.n_opens, 3);
	json_logger_destroy(l);
	disk_deinit(&d);
}

/* The name is not made anew for each drain, and yet a day begins when it does. */
static void test_a_day_begins_at_its_minute(void **state)
{
	const uint64_t midnight = NOON + 6 * HOUR + 15 * 60; /* in Kathmandu */
	struct disk d = { 0 };
	struct json_logger *l = logger_on(&d, "");

	(void)state;
	set_zone("NPT-5:45");
	assert_int_equal(log_text(l, "a\n", 0, midnight - 60), 1);
	assert_int_equal(log_text(l, "b\n", 1, midnight - 1), 1);
	assert_int_equal(log_text(l, "c\n", 2, midnight), 1);
	expect_file("first", &d, "lksm_events_2026-02-10.jsonl", "a\nb\n");
	expect_file("second", &d, "lksm_events_2026-02-11.jsonl", "c\n");
	json_logger_destroy(l);
	disk_deinit(&d);
	set_zone("UTC");
}

/* A day's last seal belongs into its file, whatever the date is by now. */
static void test_leaving(void **state)
{
	const struct now next_day = { 0, (NOON + 24 * HOUR) * USEC_PER_SEC };
	struct line line = { "seal\n", 5, 1, true };
	struct output_batch seal = { "seal\n", 5, &line, 1, JSON_LOGGER_STAY };
	struct disk d = { 0 };
	struct json_logger *l = logger_on(&d, "");
	uint64_t end = 99;

	(void)state;
	assert_false(json_logger_is_leaving(l, next_day)); /* nothing to leave */
	assert_int_equal(log_text(l, "a\n", 0, NOON), 1);
	assert_false(json_logger_is_leaving(l, (struct now){ 0, NOON * USEC_PER_SEC }));
	assert_true(json_logger_is_leaving(l, next_day));
	assert_int_equal(json_logger_end(l, &end), 0);
	assert_int_equal(end, 2);
	assert_int_equal(json_logger_log_events(l, &seal), 1);
	assert_int_equal(log_text(l, "b\n", 2, NOON + 24 * HOUR), 1);
	assert_false(json_logger_is_leaving(l, next_day));
	expect_file("first", &d, "lksm_events_2026-02-10.jsonl", "a\nseal\n");
	expect_file("second", &d, "lksm_events_2026-02-11.jsonl", "b\n");
	json_logger_destroy(l);
	/* after a restart, too: the newest log is opened for it */
	l = logger_on(&d, "lksm_events_2026-02-11.jsonl");
	assert_true(json_logger_is_leaving(
		l, (struct now){ 0, (NOON + 48 * HOUR) * USEC_PER_SEC }));
	assert_int_equal(json_logger_end(l, &end), 0);
	assert_int_equal(end, 2);
	json_logger_destroy(l);
	disk_deinit(&d);
}

static int open_real(void *context, const char *name)
{
	(void)name;
	(*(size_t *)context)++;
	return open("log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static int log_at(struct json_logger *l, const char *text, uint64_t mono_us)
{
	struct line line = { text, strlen(text), 0 };
	const struct output_batch batch = {
		text, line.len, &line, 1, { mono_us, NOON * USEC_PER_SEC }
	};

	return json_logger_log_events(l, &batch);
}

/* The size is compared before each write, the number of names after a moment. */
static void test_somebody_else_at_the_log(void **state)
{
	const uint64_t begin = 60 * USEC_PER_SEC, soon = begin + JSON_LOGGER_NAMES_US - 1;
	size_t n_opens = 0;
	const struct json_logger_storage storage = { &n_opens, open_real };
	char folder[] = "/tmp/lksm-logger-XXXXXX";
	int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct json_logger *l = NULL;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(json_logger_create(&storage, "", &l), 0);
	assert_int_equal(log_at(l, "a\n", begin), 1);
	assert_int_equal(log_at(l, "b\n", begin), 1);
	assert_int_equal(n_opens, 1);
	assert_int_equal(truncate("log", 1), 0);
	assert_int_equal(log_at(l, "c\n", soon), 1);
	assert_int_equal(n_opens, 2);
	assert_int_equal(link("log", "other"), 0);
	assert_int_equal(log_at(l, "d\n", soon + 1), 1);
	assert_int_equal(n_opens, 3);
	json_logger_destroy(l);
	assert_int_equal(fchdir(before), 0);
	(void)close(before);
	remove_folder(folder);
}

static void test_open_fails(void **state)
{
	struct disk d = { .error = -EACCES };
	struct json_logger *l = logger_on(&d, "");

	(void)state;
	assert_int_equal(log_text(l, "a\n", 0, NOON), -EACCES);
	d.error = 0;
	assert_int_equal(log_text(l, "a\n", 0, NOON), 1);
	/* the next day's cannot be opened: better in the old one than nowhere */
	d.error = -EMFILE;
	assert_int_equal(log_text(l, "b\n", 1, NOON + 24 * HOUR), 1);
	assert_int_equal(log_text(l, "c\n", 2, NOON + 24 * HOUR), 1);
	assert_int_equal(d.n_opens, 3); /* and not asked for each drain */
	d.error = 0;
	assert_int_equal(log_text(l, "d\n", 3, NOON + 24 * HOUR + 1), 1);
	expect_file("old", &d, "lksm_events_2026-02-10.jsonl", "a\nb\nc\n");
	expect_file("new", &d, "lksm_events_2026-02-11.jsonl", "d\n");
	json_logger_destroy(l);
	disk_deinit(&d);
}

/* Four lines on a disk of every size; then there is room, and the rest is offered again.
 */
static void test_full_disk(void **state)
{
	static const char text[] = "one\ntwo\nthree\nfour\n";

	(void)state;
	for (rlim_t size = 0; size <= sizeof(text) - 1; size++) {
		struct disk d = { 0 };
		struct json_logger *l = logger_on(&d, "");
		int want = 0, n;

		for (rlim_t i = 0; i < size; i++)
			want += text[i] == '\n';
		set_disk_size(size);
		n = log_text(l, text, 10, NOON);
		expect_number("full", "lines", n, want ? want : -EFBIG);
		n = n < 0 ? 0 : n;
		if (n < 4) { /* still full: nothing more, and nothing twice */
			const char *rest = text;

			for (int i = 0; i < n; i++)
				rest = strchr(rest, '\n') + 1;
			expect_number("still full", "lines",
				      log_text(l, rest, 10 + (uint64_t)n, NOON), -EFBIG);
			set_disk_size(NO_LIMIT);
			/* a new day does not part a line's two halves */
			expect_number(
				"room", "lines",
				log_text(l, rest, 10 + (uint64_t)n, NOON + 24 * HOUR),
				4 - n);
		}
		set_disk_size(NO_LIMIT);
		if (n == 4 || (size && text[size - 1] != '\n'))
			expect_file("all", &d, "lksm_events_2026-02-10.jsonl", text);
		for (size_t i = 0; i < d.n; i++) {
			char got[64];
			ssize_t len = pread(d.files[i].fd, got, sizeof(got), 0);

			assert_true(len >= 0 && (len == 0 || got[len - 1] == '\n'));
		}
		json_logger_destroy(l);
		disk_deinit(&d);
	}
}

/* The caller gave up on the torn line and comes with others: it is completed all the
 * same. */
static void test_given_up(void **state)
{
	struct disk d = { 0 };
	struct json_logger *l = logger_on(&d, "");

	(void)state;
	set_disk_size(6);
	assert_int_equal(log_text(l, "one\ntwo\n", 0, NOON), 1);
	set_disk_size(NO_LIMIT);
	assert_int_equal(log_text(l, "five\n", 4, NOON), 1);
	expect_file("given up", &d, "lksm_events_2026-02-10.jsonl", "one\ntwo\nfive\n");
	json_logger_destroy(l);
	disk_deinit(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_year_10000),
		cmocka_unit_test(test_a_day_begins_at_its_minute),
		cmocka_unit_test(test_days_go_by),
		cmocka_unit_test(test_open_fails),
		cmocka_unit_test(test_somebody_else_at_the_log),
		cmocka_unit_test(test_leaving),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_given_up),
	};

	(void)signal(SIGXFSZ, SIG_IGN);
	set_zone("UTC");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
