// SPDX-License-Identifier: Apache-2.0
/* privsep/process: whom the kernel ends when memory is short. */
#include "privsep/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"

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
	int fd = mkstemp(path);

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
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unspare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
