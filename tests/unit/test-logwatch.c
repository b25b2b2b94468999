// SPDX-License-Identifier: Apache-2.0
/*
 * privsep/logwatch and privsep/logmend: what was done to which file, told once; what core
 * and we do ourselves, told never; and putting back. In a temporary folder.
 */
#include "privsep/logwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/systemd.h"
#include "expect.h"
#include "folder.h"
#include "privsep/logmend.h"

#define LOG   "lksm_events_2026-11-22.jsonl"
#define OLD   "lksm_events_2026-11-21.jsonl"
#define LINE  "{\"seq\": 7, \"ts\": 1}\n"
#define LINE2 "{\"seq\": 8, \"ts\": 1}\n"

struct fixture {
	char folder[64];
	int dir;
	struct log_progress progress;
	struct logwatch *watch;
	char found[256]; /* "name how\n" … */
};

static void on_found(void *context, const char *name, enum tampering how)
{
	struct fixture *f = context;
	size_t len = strlen(f->found);

	(void)snprintf(f->found + len, sizeof(f->found) - len, "%s %s\n", name,
		       tampering_name(how));
}

static void expect_found(struct fixture *f, const char *name, const char *want)
{
	f->found[0] = '\0';
	logwatch_look(f->watch, on_found, f);
	expect_span(name, "found", span_from(f->found), span_from(want));
}

static void append(struct fixture *f, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_APPEND,
					0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* As core does it. */
static void core_appends(struct fixture *f, const char *text)
{
	atomic_fetch_add(&f->progress.n_begun, 1);
	append(f, LOG, text);
	atomic_fetch_add(&f->progress.size, strlen(text));
	atomic_fetch_add(&f->progress.n_done, 1);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(sd_load(NULL), 0);
	(void)strcpy(f->folder, "/tmp/lksm-test-logwatch-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	f->dir = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(logwatch_create(f->dir, &f->progress, &f->watch), 0);
	append(f, OLD, LINE);
	append(f, LOG, "");
	append(f, ".state", "x");
	logwatch_know(f->watch, OLD, false);
	logwatch_know(f->watch, LOG, false);
	logwatch_know(f->watch, ".state", true);
	logwatch_set_current(f->watch, LOG);
	expect_found(f, "set up", "");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	logwatch_destroy(f->watch);
	(void)close(f->dir);
	remove_folder(f->folder);
	free(f);
	return 0;
}

static void test_core_writes(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++) {
		core_appends(f, LINE);
		expect_found(f, "core writes", "");
	}
	append(f, LOG, "x");
	expect_found(f, "somebody writes", LOG " appended\n");
	expect_found(f, "told once", "");
}

/* Core's write comes to an end behind the look: its notice is not somebody else's. */
static void test_a_write_across_a_look(void **state)
{
	struct fixture *f = *state;

	core_appends(f, LINE);
	expect_found(f, "core writes", "");
	atomic_fetch_add(&f->progress.n_begun, 1);
	append(f, LOG, LINE);
	expect_found(f, "in the midst", "");
	atomic_fetch_add(&f->progress.size, strlen(LINE));
	atomic_fetch_add(&f->progress.n_done, 1);
	assert_int_equal(fchmodat(f->dir, LOG, 0640, 0), 0);
	expect_found(f, "behind it", "");
}

static void edit(struct fixture *f, const char *name)
{
	_cleanup_close_ int fd = openat(f->dir, name, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "[", 1, 0), 1);
}

/* The time of the last change does not tell, as whoever edits can set it. */
static void edit_secretly(struct fixture *f, const char *name)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct stat st;

	assert_int_equal(fstatat(f->dir, name, &st, 0), 0);
	edit(f, name);
	times[1] = st.st_mtim;
	assert_int_equal(utimensat(f->dir, name, times, 0), 0);
}

static void test_edits_in_place(void **state)
{
	struct fixture *f = *state;

	core_appends(f, LINE);
	expect_found(f, "core writes", "");
	expect_found(f, "and rests", "");
	edit(f, LOG);
	expect_found(f, "the current log", LOG " changed\n");
	edit(f, OLD);
	expect_found(f, "a closed log", OLD " changed\n");
	edit_secretly(f, LOG);
	expect_found(f, "the current log, secretly", LOG " changed\n");
	edit_secretly(f, OLD);
	expect_found(f, "a closed log, secretly", OLD " changed\n");
	edit(f, ".state");
	expect_found(f, "what we write ourselves", "");
}

static void test_closed_log(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fchmodat(f->dir, OLD, 0666, 0), 0);
	expect_found(f, "mode", OLD " attributes\n");
	assert_int_equal(linkat(f->dir, OLD, f->dir, "second", 0), 0);
	expect_found(f, "link", OLD " hard_linked\n");
	assert_int_equal(renameat(f->dir, OLD, f->dir, "third"), 0);
	expect_found(f, "rename", OLD " renamed\n");
	assert_int_equal(mkfifoat(f->dir, OLD, 0600), 0);
	expect_found(f, "fifo", OLD " replaced\n");
}

static void test_own_work(void **state)
{
	struct fixture *f = *state;

	logwatch_forget(f->watch, OLD); /* retention */
	assert_int_equal(unlinkat(f->dir, OLD, 0), 0);
	expect_found(f, "retention", "");
	append(f, OLD, LINE);
	expect_found(f, "but not from elsewhere", OLD " planted\n");
	logwatch_set_busy(f->watch, OLD); /* compression */
	append(f, OLD ".zst", "z");
	assert_int_equal(unlinkat(f->dir, OLD, 0), 0);
	expect_found(f, "compression", "");
	logwatch_forget(f->watch, OLD);
	logwatch_know(f->watch, OLD ".zst", false);
	logwatch_set_busy(f->watch, NULL);
	expect_found(f, "compressed", "");
	assert_int_equal(unlinkat(f->dir, OLD ".zst", 0), 0);
	expect_found(f, "compressed, deleted", OLD ".zst deleted\n");
}

/* Who makes logs and removes them, to fill the table of those that we know. */
static void test_many_that_are_gone(void **state)
{
	struct fixture *f = *state;
	char name[64];

	assert_int_equal(unlinkat(f->dir, ".state", 0), 0);
	expect_found(f, "our own", ".state deleted\n");
	for (int year = 1000; year < 6000; year++) {
		(void)snprintf(name, sizeof(name), "lksm_events_%d-01-01.jsonl", year);
		logwatch_know(f->watch, name, false);
	}
	expect_found(f, "none is there", "");
	append(f, "lksm_events_6000-01-01.jsonl", LINE);
	expect_found(f, "one more", "lksm_events_6000-01-01.jsonl planted\n");
	assert_int_equal(unlinkat(f->dir, "lksm_events_6000-01-01.jsonl", 0), 0);
	expect_found(f, "and gone", "lksm_events_6000-01-01.jsonl deleted\n");
	append(f, ".state", "x");
	expect_found(f, "another in the place of our own", ".state replaced\n");
	edit(f, OLD);
	expect_found(f, "what is there is known", OLD " changed\n");
}

/* So many notices that the kernel drops those that come behind: inotify(7). */
static void fill_notices(struct fixture *f)
{
	_cleanup_close_ int a = openat(f->dir, "a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_close_ int b = openat(f->dir, "b", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	int max = 0;

	assert_non_null(limit);
	assert_int_equal(fscanf(limit, "%d", &max), 1);
	(void)fclose(limit);
	for (int i = 0; i < max; i++) /* in turn, or two would become one */
		assert_int_equal(pwrite(i % 2 ? a : b, "x", 1, 0), 1);
}

static void test_notices_that_are_lost(void **state)
{
	struct fixture *f = *state;

	fill_notices(f);
	assert_int_equal(unlinkat(f->dir, OLD, 0), 0);
	append(f, "lksm_events_2026-11-20.jsonl", LINE);
	expect_found(f, "behind the last",
		     OLD " deleted\nlksm_events_2026-11-20.jsonl planted\n");
	expect_found(f, "told once", "");
}

static void test_put_back(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int kept = -1;
	char moved_to[LOGMEND_NAME_SIZE], got[64];
	uint64_t first = 0, last = 0, bytes = 0;

	core_appends(f, LINE LINE2 "{\"seq\": 9, torn");
	kept = openat(f->dir, LOG, O_RDONLY | O_CLOEXEC);
	assert_int_equal(unlinkat(f->dir, LOG, 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", f->dir, LOG), 0);
	assert_int_equal(logmend_move_aside(f->dir, LOG, moved_to), 0);
	assert_string_equal(moved_to, "foreign-1-" LOG);
	assert_int_equal(logmend_move_aside(f->dir, LOG, moved_to), -ENOENT);
	assert_true(logmend_seq_range(kept, &first, &last));
	assert_int_equal(first, 7);
	assert_int_equal(last, 8);
	assert_int_equal(logmend_put_back(f->dir, LOG, kept, 0640, &bytes), 0);
	assert_int_equal(bytes, strlen(LINE LINE2));
	(void)close(kept);
	kept = openat(f->dir, LOG, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	assert_int_equal(read(kept, got, sizeof(got)), bytes);
	assert_memory_equal(got, LINE LINE2, bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_core_writes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_write_across_a_look, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_edits_in_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_closed_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_work, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_that_are_gone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_notices_that_are_lost, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_put_back, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
