// SPDX-License-Identifier: Apache-2.0
/* base/library: what is there is called through its table, what is missing is said. */
#include "base/library.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>

#include "expect.h"

#define MATH_CALLS(X) X(, cos) X(, fabs)

struct math_calls {
	MATH_CALLS(LIBRARY_MEMBER)
} LIBRARY_TABLE;

int math_load(struct buffer *error);
LIBRARY_DEFINE(math, MATH_CALLS, "libc6", "libno-such.so.6", "libm.so.6")

static void test_is_called(void **state)
{
	(void)state;
	assert_null(math.cos);
	assert_int_equal(math_load(NULL), 0);
	assert_true(math.cos(0) == 1 && math.fabs(-2) == 2);
	assert_int_equal(math_load(NULL), 0);
}

/* The kernel says it without a signal: EFAULT. */
static void test_is_not_written(void **state)
{
	_cleanup_close_ int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)state;
	if (sysconf(_SC_PAGESIZE) != (long)LIBRARY_PAGE)
		skip();
	assert_int_equal(math_load(NULL), 0);
	assert_int_equal(read(zero, &math, 1), -1);
	assert_int_equal(errno, EFAULT);
	assert_true(math.cos(0) == 1);
}

static void test_is_missing(void **state)
{
	static const char *const no_function[] = { "cos", "no_such_function" };
	static const struct {
		const char *name;
		struct library library;
		int want;
		const char *says;
	} cases[] = {
		{ "no library",
		  { { "libno-such.so.1" }, "libno-such1", no_function, 1, NULL },
		  -ENOENT,
		  "libno-such.so.1 is needed and cannot be loaded: install it (Debian's "
		  "package is libno-such1); the loader says: libno-such.so.1: cannot "
		  "open "
		  "shared object file: No such file or directory" },
		{ "no function",
		  { { "libm.so.6" }, "libc6", no_function, 2, NULL },
		  -ENOSYS,
		  "libm.so.6 has no no_such_function: install a newer one (Debian's "
		  "package "
		  "is libc6)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static union {
			void *calls[2];
			char page[LIBRARY_PAGE];
		} table;
		_cleanup_buffer_ struct buffer error = { 0 };
		struct library library = cases[i].library;

		library.table = &table;
		expect_number(cases[i].name, "outcome", library_load(&library, &error),
			      cases[i].want);
		expect_text(cases[i].name, "sentence", buffer_span(&error),
			    cases[i].says);
		assert_null(table.calls[0]);
		assert_null(table.calls[1]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_called),
		cmocka_unit_test(test_is_not_written),
		cmocka_unit_test(test_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
