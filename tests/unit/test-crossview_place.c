// SPDX-License-Identifier: Apache-2.0
/* core/crossview_place: which /proc shows us everything. */
#include "core/crossview_place.h"

#include "crossview.h"
#include "folder.h"

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

#define HIDING	MOUNT("/proc", "proc", "hidepid=2")
#define INITIAL "         0          0 4294967295\n"

/* Files of a /proc; NULL: it has none of that name. Root of the machine is not hidden from. */
static const struct place_case {
	const char *name, *status, *mounts, *map, *want_user, *want_root;
} place_cases[] = {
	{ "usual", "NSpid:\t7\n", MOUNT("/proc", "proc", "rw"), INITIAL, "", "" },
	{ "another namespace", "NSpid:\t7\t1\n", MOUNT("/proc", "proc", "rw"), INITIAL,
	  "/proc is that of another PID namespace",
	  "/proc is that of another PID namespace" },
	{ "no status", NULL, MOUNT("/proc", "proc", "rw"), INITIAL,
	  "/proc is that of another PID namespace",
	  "/proc is that of another PID namespace" },
	{ "no mounts", "NSpid:\t7\n", NULL, INITIAL,
	  "/proc/self/mountinfo cannot be read", "/proc/self/mountinfo cannot be read" },
	{ "hidden from users", "NSpid:\t7\n", HIDING, INITIAL,
	  "/proc is mounted with hidepid=, and shows us only a part of the processes",
	  "" },
	{ "no user namespaces", "NSpid:\t7\n", HIDING, NULL,
	  "/proc is mounted with hidepid=, and shows us only a part of the processes",
	  "" },
	{ "root of a container", "NSpid:\t7\n", HIDING, "0 1000 1\n",
	  "/proc is mounted with hidepid=, and shows us only a part of the processes",
	  "/proc is mounted with hidepid=, and shows us only a part of the processes" },
};

static void write_if(const char *folder, const char *path, const char *text)
{
	if (text)
		write_below(folder, path, text);
}

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(place_cases); i++) {
		const struct place_case *c = &place_cases[i];
		const char *want = geteuid() == 0 ? c->want_root : c->want_user;
		char folder[] = "/tmp/lksm-test-XXXXXX";
		_cleanup_buffer_ struct buffer reason = { 0 };
		_cleanup_close_ int proc = -1;

		assert_non_null(mkdtemp(folder));
		write_if(folder, "self/status", c->status);
		write_if(folder, "self/mountinfo", c->mounts);
		write_if(folder, "self/uid_map", c->map);
		proc = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		expect_number(c->name, "shows", place_shows_our_processes(proc, &reason),
			      !*want);
		expect_span(c->name, "reason", buffer_span(&reason), span_from(want));
		remove_folder(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_uid_map),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
