// SPDX-License-Identifier: Apache-2.0
/*
 * privsep/logmend: a log is made again, and systemd hears of it meanwhile; nothing that is in the
 * way is overwritten.
 */
#include "privsep/logmend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/systemd.h"
#include "expect.h"
#include "folder.h"
#include "privsep/logfiles.h"

#define NAME "lksm_events_2026-11-22.jsonl"
#define TORN "{\"seq\": 9"
#define LEFT                                                                        \
	"of a try that was killed: longer than one line is, so that its end would " \
	"stay\n"

static const struct size_case {
	const char *name;
	uint64_t bytes; /* of whole lines */
	const char *torn;
	int n_notices;
} cases[] = {
	{ "one line", 64, "", 1 },
	{ "a torn line is cut", 64, TORN, 1 },
	{ "one piece", LOGMEND_PIECE, "", 1 },
	{ "three pieces and a bit", 3 * LOGMEND_PIECE + 64, "", 4 },
};

static int listen_as_systemd(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	return fd;
}

static int count_notices(int fd)
{
	char got[64];
	int n = 0;

	for (ssize_t len; (len = recv(fd, got, sizeof(got), 0)) > 0; n++)
		expect_span("systemd", "notice", (struct span){ got, (size_t)len },
			    SPAN("WATCHDOG=1"));
	return n;
}

static void write_log(int fd, const struct size_case *c)
{
	char block[65536 + 1]; /* its NUL */

	for (size_t i = 0; i + 64 < sizeof(block); i += 64)
		(void)snprintf(block + i, 65, "%-63s\n", "{\"seq\": 1}");
	for (uint64_t left = c->bytes; left > 0;) {
		size_t n = left < sizeof(block) - 1 ? (size_t)left : sizeof(block) - 1;

		assert_int_equal(write_all(fd, block, n), 0);
		left -= n;
	}
	assert_int_equal(write_all(fd, c->torn, strlen(c->torn)), 0);
}

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

static void test_put_back(void **state)
{
	char folder[] = "/tmp/lksm-test-logmend-XXXXXX";
	int dir, systemd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	systemd = listen_as_systemd(folder);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int kept = openat(dir, NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
		uint64_t bytes = 0;
		struct stat st;

		write_log(kept, &cases[i]);
		put(dir, LOGFILE_TEMPORARY "mended", LEFT); /* by a try that was killed */
		assert_int_equal(unlinkat(dir, NAME, 0), 0);
		assert_int_equal(logmend_put_back(dir, NAME, kept, 0600, &bytes), 0);
		assert_int_equal(fstatat(dir, NAME, &st, 0), 0);
		expect_number(cases[i].name, "told", (int64_t)bytes,
			      (int64_t)cases[i].bytes);
		expect_number(cases[i].name, "size", st.st_size, (int64_t)cases[i].bytes);
		expect_number(cases[i].name, "notices", count_notices(systemd),
			      cases[i].n_notices);
		(void)close(kept);
	}
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	(void)close(systemd);
	(void)close(dir);
	remove_folder(folder);
}

static void expect_file(int dir, const char *name, const char *want)
{
	char got[64] = "";
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	assert_string_equal(got, want);
	(void)close(fd);
}

static void test_nothing_is_overwritten(void **state)
{
	char folder[] = "/tmp/lksm-test-logmend-XXXXXX";
	char moved_to[LOGMEND_NAME_SIZE], other[NAME_MAX + 1];
	int dir, kept;

	(void)state;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dir, "foreign-1-" NAME, "an older one");
	put(dir, NAME, "what has its place");
	put(dir, "renamed", "the log");
	kept = openat(dir, "renamed", O_RDONLY | O_CLOEXEC);
	assert_int_equal(logmend_rename_back(dir, NAME, kept, other), -EEXIST);
	expect_file(dir, NAME, "what has its place");
	assert_int_equal(logmend_move_aside(dir, NAME, moved_to), 0);
	assert_string_equal(moved_to, "foreign-2-" NAME);
	expect_file(dir, "foreign-1-" NAME, "an older one");
	expect_file(dir, moved_to, "what has its place");
	assert_int_equal(logmend_rename_back(dir, NAME, kept, other), 1);
	assert_string_equal(other, "renamed");
	expect_file(dir, NAME, "the log");
	(void)close(kept);
	(void)close(dir);
	remove_folder(folder);
}

/* A hole of the same size: no test has the disk for the real one. */
static void test_what_is_too_big(void **state)
{
	char folder[] = "/tmp/lksm-test-logmend-XXXXXX";
	uint64_t bytes;
	int dir, kept;

	(void)state;
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	kept = openat(dir, "kept", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(kept, (off_t)LOGMEND_COPY_MAX + 1), 0);
	assert_int_equal(logmend_put_back(dir, NAME, kept, 0600, &bytes), -EFBIG);
	assert_int_equal(faccessat(dir, NAME, F_OK, 0), -1);
	(void)close(kept);
	(void)close(dir);
	remove_folder(folder);
}

static int load_library(void **state)
{
	(void)state;
	return sd_load(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_back),
		cmocka_unit_test(test_nothing_is_overwritten),
		cmocka_unit_test(test_what_is_too_big),
	};

	return cmocka_run_group_tests(tests, load_library, NULL);
}
