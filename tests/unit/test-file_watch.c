// SPDX-License-Identifier: Apache-2.0
/* privsep/file_watch: which changes of a folder are told, each burst once. */
#include "privsep/file_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/systemd.h"
#include "expect.h"
#include "folder.h"

#define DEADLINE_US (60 * USEC_PER_SEC)

struct fixture {
	char folder[64], other[64];
	sd_event *event;
	struct file_watch watch;
	int n_changes;
};

static void on_changed(void *context)
{
	struct fixture *f = context;

	f->n_changes++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)strcpy(f->folder, "/tmp/lksm-test-watch-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->other, sizeof(f->other), "%.50s/other", f->folder);
	assert_int_equal(mkdir(f->other, 0700), 0);
	assert_int_equal(sd_load(NULL), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	f->watch = (struct file_watch){ .event = f->event,
					.context = f,
					.changed = on_changed };
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	file_watch_stop(&f->watch);
	(void)sd_event_unref(f->event);
	remove_folder(f->folder);
	free(f);
	return 0;
}

static void path_of(const struct fixture *f, const char *name, char ret[static 128])
{
	(void)snprintf(ret, 128, "%.50s/%s", f->folder, name);
}

static void write_file(const struct fixture *f, const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[128];

	path_of(f, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
}

static void rename_file(const struct fixture *f, const char *from, const char *to)
{
	char old[128], new[128];

	path_of(f, from, old);
	path_of(f, to, new);
	assert_int_equal(rename(old, new), 0);
}

static void remove_file(const struct fixture *f, const char *name)
{
	char path[128];

	path_of(f, name, path);
	assert_int_equal(remove(path), 0);
}

/* Run until there were @n changes and a whole rest after them. */
static void expect_changes(struct fixture *f, const char *name, int n)
{
	uint64_t end_us = clock_now().mono_us + DEADLINE_US;

	while (f->n_changes < n && clock_now().mono_us < end_us)
		assert_true(sd_event_run(f->event, USEC_PER_SEC) >= 0);
	end_us = clock_now().mono_us + 2 * FILE_WATCH_LONGEST_US;
	while (clock_now().mono_us < end_us)
		assert_true(sd_event_run(f->event, FILE_WATCH_REST_US) >= 0);
	expect_number(name, "changes", f->n_changes, n);
}

static void test_of_a_folder_its_rules(void **state)
{
	struct fixture *f = *state;
	const char *path = f->folder;

	write_file(f, "b.yaml");
	file_watch_start(&f->watch, &path, 1);
	expect_changes(f, "nothing", 0);
	write_file(f, "a.txt");
	write_file(f, ".a.yaml.swp");
	write_file(f, ".a.yaml");
	expect_changes(f, "no rules", 0);
	write_file(f, "a.yaml");
	write_file(f, "a.yaml");
	write_file(f, "c.yaml");
	expect_changes(f, "a burst", 1);
	rename_file(f, "a.txt", "b.yaml");
	expect_changes(f, "moved to", 2);
	remove_file(f, "b.yaml");
	expect_changes(f, "removed", 3);
	rename_file(f, "c.yaml", "c.off");
	expect_changes(f, "moved away", 4);
}

static void test_a_file_that_is_being_made_is_waited_for(void **state)
{
	struct fixture *f = *state;
	const char *folder = f->folder;
	char path[128];
	int fd;

	file_watch_start(&f->watch, &folder, 1);
	path_of(f, "a.yaml", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "half", 4), 4);
	expect_changes(f, "open", 0);
	(void)close(fd);
	expect_changes(f, "closed", 1);
	path_of(f, "b.yaml", path);
	assert_int_equal(symlink("a.yaml", path), 0);
	expect_changes(f, "a link", 2);
}

static void test_of_a_file_only_itself(void **state)
{
	struct fixture *f = *state;
	char path[128];
	const char *paths[] = { path };

	path_of(f, "mutes.yaml", path); /* it is not there yet */
	file_watch_start(&f->watch, paths, 1);
	write_file(f, "lksm.yaml");
	write_file(f, "mutes.yaml.XXXX");
	expect_changes(f, "others", 0);
	rename_file(f, "mutes.yaml.XXXX", "mutes.yaml");
	expect_changes(f, "put there", 1);
}

static void test_a_folder_that_is_replaced(void **state)
{
	struct fixture *f = *state;
	const char *path = f->other;

	file_watch_start(&f->watch, &path, 1);
	rename_file(f, "other", "old");
	expect_changes(f, "renamed", 1);
	assert_int_equal(mkdir(f->other, 0700), 0);
	file_watch_start(&f->watch, &path, 1);
	write_file(f, "old/a.yaml");
	expect_changes(f, "the old one", 1);
	write_file(f, "other/a.yaml");
	expect_changes(f, "the new one", 2);
}

/* Who is told of a change begins again, as those do who use it. */
static void expect_again(struct fixture *f, const char *name, int n, const char *path)
{
	expect_changes(f, name, n);
	file_watch_start(&f->watch, &path, 1);
}

static void test_a_folder_that_comes_later(void **state)
{
	struct fixture *f = *state;
	char path[128], above[128];

	path_of(f, "other/above/rules.d", path);
	path_of(f, "other/above", above);
	remove_file(f, "other");
	file_watch_start(&f->watch, (const char *[]){ path }, 1);
	write_file(f, "rules.d");
	expect_changes(f, "somewhere else", 0);
	assert_int_equal(mkdir(f->other, 0700) | mkdir(above, 0700), 0);
	expect_again(f, "those above", 1, path);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_again(f, "made", 2, path);
	write_file(f, "other/above/rules.d/a.yaml");
	expect_again(f, "a file in it", 3, path);
	remove_file(f, "other/above/rules.d/a.yaml");
	expect_again(f, "no file in it", 4, path);
	remove_file(f, "other/above/rules.d");
	expect_again(f, "removed", 5, path);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_again(f, "made again", 6, path);
	write_file(f, "other/above/rules.d/a.yaml");
	expect_changes(f, "a file in the new one", 7);
}

static void test_what_is_read_anyway_is_not_told(void **state)
{
	struct fixture *f = *state;
	const char *paths[] = { "/nonexistent/folder/x.yaml", f->folder };

	file_watch_start(&f->watch, paths, 2);
	assert_int_equal(f->watch.n, 2);
	write_file(f, "a.yaml");
	for (int i = 0; i < 4; i++) /* the notices are taken; the burst is not over */
		assert_true(sd_event_run(f->event, 0) >= 0);
	file_watch_forget(&f->watch);
	expect_changes(f, "forgotten", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_of_a_folder_its_rules, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_file_that_is_being_made_is_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_of_a_file_only_itself, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_folder_that_is_replaced, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_folder_that_comes_later, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_read_anyway_is_not_told,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
