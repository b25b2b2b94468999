// SPDX-License-Identifier: Apache-2.0
/* privsep/process: whom the kernel ends when memory is short. */
#include "privsep/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "expect.h"
#include "folder.h"
#include "privsep/storage.h"

static char path[] = "/tmp/test-process-XXXXXX";

/* The program's own, in the place of the library's: to lower a score takes more power. */
FILE *fopen(const char *name, const char *mode)
{
	int fd = strcmp(name, "/proc/self/oom_score_adj") == 0 ? open(path, O_RDWR) : -1;

	return fd < 0 ? NULL : fdopen(fd, mode);
}

static void test_unspare(void **state)
{
	static const struct {
		const char *before, *want; /* the file's beginning */
	} cases[] = {
		{ "-900\n", "0\n" },  { "-1\n", "0\n" }, { "0\n", "0\n" },
		{ "300\n", "300\n" }, { "", "" },
	};
	int fd = open(path, O_RDWR | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = strlen(cases[i].before);
		char got[8] = "";

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, cases[i].before, len, 0), len);
		process_unspare();
		assert_true(pread(fd, got, strlen(cases[i].want), 0) >= 0);
		assert_string_equal(got, cases[i].want);
	}
	(void)close(fd);
}

static void put(const char *folder, const char *name)
{
	_cleanup_free_ char *file = NULL;
	int fd;

	assert_true(asprintf(&file, "%s/%s", folder, name) > 0);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	assert_int_equal(write(fd, "{}\n", 3), 3);
	(void)close(fd);
}

static void test_the_compressor_is_not_spared(void **state)
{
	static const char *const names[] = { "lksm_events_2026-11-01.jsonl",
					     "lksm_events_2026-11-02.jsonl",
					     "lksm_events_2026-11-03.jsonl" };
	char folder[] = "/tmp/test-process-logs-XXXXXX", got[8] = "";
	const struct storage_options options = { .folder = folder,
						 .compress_after_days = 1 };
	_cleanup_buffer_ struct buffer error = { 0 };
	int fd = open(path, O_RDWR | O_CLOEXEC), pid;
	struct storage *storage;

	(void)state;
	assert_int_equal(pwrite(fd, "-900\n", 5, 0), 5);
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put(folder, names[i]);
	assert_int_equal(storage_create(&options, &storage, &error), 0);
	pid = storage_housekeep(storage, 20261103);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	storage_compressed(storage, true);
	assert_true(pread(fd, got, 2, 0) == 2);
	assert_string_equal(got, "0\n");
	storage_destroy(storage);
	remove_folder(folder);
	(void)close(fd);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unspare),
		cmocka_unit_test(test_the_compressor_is_not_spared),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
