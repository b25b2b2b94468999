// SPDX-License-Identifier: Apache-2.0
/* core/crossview_place: which /proc shows us everything. */
#include "core/crossview_place.h"

#include "expect.h"

#define MOUNT(point, type, options) \
	"36 35 0:5 / " point " rw,nosuid shared:1 - " type " x " options "\n"

static const struct mount_case {
	const char *name, *in;
	bool want;
} mount_cases[] = {
	{ "usual", MOUNT("/", "ext4", "rw") MOUNT("/proc", "proc", "rw"), false },
	{ "a number", MOUNT("/proc", "proc", "rw,hidepid=2,gid=5"), true },
	{ "a word", MOUNT("/proc", "proc", "rw,hidepid=invisible"), true },
	{ "off", MOUNT("/proc", "proc", "rw,hidepid=off"), false },
	{ "zero", MOUNT("/proc", "proc", "rw,hidepid=0"), false },
	{ "another place", MOUNT("/srv/proc", "proc", "rw,hidepid=2"), false },
	{ "the topmost counts",
	  MOUNT("/proc", "proc", "hidepid=2") MOUNT("/proc", "proc", "rw"), false },
	{ "not procfs", MOUNT("/proc", "tmpfs", "hidepid=2"), false },
	{ "nonsense", "36 35\n-\n\n", false },
	{ "empty", "", false },
};

static void test_mounts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mount_cases); i++)
		expect_number(mount_cases[i].name, "hides",
			      place_hides_processes(span_from(mount_cases[i].in)),
			      mount_cases[i].want);
}

static void test_uid_map(void **state)
{
	(void)state;
	assert_true(place_is_initial(SPAN("         0          0 4294967295\n")));
	assert_false(place_is_initial(SPAN("         0       1000          1\n")));
	assert_false(place_is_initial(SPAN("0 0 4294967295\n0 0 1\n")));
	assert_false(place_is_initial(SPAN("")));
}

static void test_namespaces(void **state)
{
	(void)state;
	assert_int_equal(place_namespaces(SPAN("Name:\tx\nNSpid:\t7\nNSpgid:\t7\n")), 1);
	assert_int_equal(place_namespaces(SPAN("NSpid:\t4711\t1\n")), 2);
	assert_int_equal(place_namespaces(SPAN("Name:\tx\n")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_uid_map),
		cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
