// SPDX-License-Identifier: Apache-2.0
/* base/safe_path: whose files are run. The strict cases need root, to make others' files. */
#include "base/safe_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "expect.h"

#define OTHER 65534 /* nobody */

static const struct case_ {
	const char *name;
	const char *open; /* below the folder */
	const char *path; /* what is changed; NULL: nothing */
	mode_t mode;	  /* to this, if not 0 */
	bool is_others;	  /* and given to somebody else */
	const char *want; /* end of the reason; NULL: it is opened */
} cases[] = {
	{ "safe", "a/b/file", NULL, 0, false, NULL },
	{ "through a link", "link", NULL, 0, false, NULL },
	{ "file for all", "a/b/file", "a/b/file", 0666, false,
	  "/a/b/file can be written by others than root" },
	{ "file for the group", "a/b/file", "a/b/file", 0664, false,
	  "/a/b/file can be written by others than root" },
	{ "somebody's file", "a/b/file", "a/b/file", 0, true,
	  "/a/b/file does not belong to root" },
	{ "folder for all", "a/b/file", "a/b", 0777, false,
	  "/a/b can be written by others than root" },
	{ "sticky folder for all", "a/b/file", "a/b", 01777, false,
	  "/a/b can be written by others than root" },
	{ "folder above for all", "a/b/file", "a", 0777, false,
	  "/a can be written by others than root" },
	{ "sticky folder above", "a/b/file", "a", 01777, false, NULL },
	{ "somebody's folder above", "a/b/file", "a", 0, true,
	  "/a does not belong to root" },
	{ "the link leads there", "link", "a/b/file", 0666, false,
	  "/a/b/file can be written by others than root" },
	{ "a folder", "a/b", NULL, 0, false, "/a/b is not a regular file" },
	{ "a FIFO", "fifo", NULL, 0, false, "/fifo is not a regular file" },
	{ "nothing", "none", NULL, 0, false,
	  "/none cannot be opened: No such file or directory" },
};

static char folder[64];

/* Below the folder: what realpath() says, in whose place there is a link since. NULL: as it is. */
static const char *said_to_be;

char *realpath(const char *restrict path, char *restrict to)
{
	char *real = to ? NULL : canonicalize_file_name(path);

	if (said_to_be) {
		free(real);
		if (asprintf(&real, "%s/%s", folder, said_to_be) < 0)
			real = NULL;
	}
	return real;
}

static const char *below(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int make_files(void **state)
{
	FILE *file;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/lksm-test-XXXXXX");
	if (!mkdtemp(folder) || mkdir(below("a"), 0755) < 0 ||
	    mkdir(below("a/b"), 0755) < 0 || symlink("a/b/file", below("link")) < 0 ||
	    mkfifo(below("fifo"), 0600) < 0)
		return -1;
	file = fopen(below("a/b/file"), "we");
	if (!file || fputs("content", file) < 0 || fclose(file) < 0)
		return -1;
	return chmod(below("a/b/file"), 0644) + chmod(below("a/b"), 0755) +
	       chmod(below("a"), 0755);
}

static int remove_files(void **state)
{
	(void)state;
	(void)unlink(below("a/b/file"));
	(void)unlink(below("link"));
	(void)unlink(below("fifo"));
	(void)rmdir(below("a/b"));
	(void)rmdir(below("a"));
	return rmdir(folder);
}

static void check(const struct case_ *c, bool is_strict, const char *want)
{
	_cleanup_buffer_ struct buffer reason = { 0 };
	_cleanup_close_ int fd = safe_path_open(below(c->open), is_strict, &reason);
	char content[7] = "";

	if ((fd >= 0) != !want)
		fail_msg("%s: %d, because %.*s", c->name, fd, (int)reason.len,
			 reason.data);
	if (want &&
	    (reason.len < strlen(want) ||
	     strncmp(reason.data + reason.len - strlen(want), want, strlen(want)) != 0))
		fail_msg("%s: \"%.*s\" does not end \"%s\"", c->name, (int)reason.len,
			 reason.data, want);
	if (!want && (read(fd, content, 7) != 7 || memcmp(content, "content", 7) != 0))
		fail_msg("%s: it was not the file", c->name);
}

static void test_strict(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct case_ *c = &cases[i];

		if (c->mode)
			assert_int_equal(chmod(below(c->path), c->mode), 0);
		if (c->is_others)
			assert_int_equal(chown(below(c->path), OTHER, OTHER), 0);
		check(c, true, c->want);
		if (c->mode)
			assert_int_equal(chmod(below(c->path), 0755), 0);
		if (c->is_others)
			assert_int_equal(chown(below(c->path), 0, 0), 0);
	}
}

/* Who may rename in a sticky folder above puts a link there, just then. */
static void test_swapped_meanwhile(void **state)
{
	static const char *const paths[] = { "link", "swapped/b/file" };

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(symlink("a", below("swapped")), 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_buffer_ struct buffer reason = { 0 };
		int fd;

		said_to_be = paths[i];
		fd = safe_path_open(below("a/b/file"), true, &reason);
		said_to_be = NULL;
		if (fd >= 0 || !reason.len)
			fail_msg("%s: followed", paths[i]);
	}
	assert_int_equal(unlink(below("swapped")), 0);
}

/* An ordinary user runs what he likes, but files. */
static void test_relaxed(void **state)
{
	(void)state;
	assert_int_equal(chmod(below("a"), 0777), 0);
	check(&(struct case_){ .name = "relaxed", .open = "a/b/file" }, false, NULL);
	check(&(struct case_){ .name = "a folder", .open = "a/b" }, false,
	      "/a/b is not a regular file");
	check(&(struct case_){ .name = "a FIFO", .open = "fifo" }, false,
	      "/fifo is not a regular file");
	assert_int_equal(chmod(below("a"), 0755), 0);
}

/* Who can write above a folder can put another one in its place. */
static void test_shared(void **state)
{
	static const struct {
		const char *name, *path;
		mode_t mode;
		bool is_others, want, want_own;
	} rows[] = {
		{ "ours", "a", 0755, false, false, true },
		{ "the group's, too", "a/b", 0775, false, true, false },
		{ "everybody's", "a/b", 0777, false, true, false },
		{ "everybody's, and sticky", "a/b", 01777, false, true, false },
		{ "somebody's", "a/b", 0755, true, true, false },
		{ "above, the group's, too", "a", 0775, false, false, true },
		{ "above, everybody's", "a", 0777, false, true, true },
		{ "above, everybody's, and sticky", "a", 01777, false, false, true },
		{ "above, somebody's", "a", 0755, true, true, true },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_close_ int fd = -1;

		assert_int_equal(chmod(below(rows[i].path), rows[i].mode), 0);
		if (rows[i].is_others)
			assert_int_equal(chown(below(rows[i].path), OTHER, OTHER), 0);
		fd = open(below("a/b"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		expect_number(rows[i].name, "shared", safe_path_is_shared(below("a/b")),
			      rows[i].want);
		expect_number(rows[i].name, "own", safe_path_is_own(fd),
			      rows[i].want_own);
		assert_int_equal(chown(below(rows[i].path), 0, 0), 0);
		assert_int_equal(chmod(below(rows[i].path), 0755), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_swapped_meanwhile),
		cmocka_unit_test(test_relaxed),
		cmocka_unit_test(test_shared),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
