// SPDX-License-Identifier: Apache-2.0
/* core/crossview_sensor: what the sensor says, and when that is a reason to look. */
#include "core/crossview_sensor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "expect.h"

#define RECORD(text) "seq=7 ts=1.000001 " text "\n"

static const struct wish_case {
	const char *name, *in;
	int want;
} wish_cases[] = {
	{ "nothing", "", SENSOR_WISH_NONE },
	{ "a scan", RECORD("type=scan_done severity=info pid=1 comm=sh uid=0"),
	  SENSOR_WISH_NOW },
	{ "something lawful", RECORD("type=module_loaded severity=info module=scan_done"),
	  SENSOR_WISH_NONE },
	{ "a strange module", RECORD("type=module_loaded severity=medium module=a"),
	  SENSOR_WISH_SOON },
	{ "something bad", RECORD("type=x severity=high"), SENSOR_WISH_SOON },
	{ "something worse", RECORD("type=x severity=critical k=v"), SENSOR_WISH_SOON },
	{ "quoted", RECORD("type=x severity=info k=\"type=scan_done severity=high\""),
	  SENSOR_WISH_NONE },
	{ "a longer word", RECORD("type=scan_done_not severity=info"), SENSOR_WISH_NONE },
	{ "without a number", "type=scan_done severity=info\n", SENSOR_WISH_NONE },
	{ "among others",
	  RECORD("type=x severity=info") RECORD("type=scan_done severity=info pid=1")
		  RECORD("type=y severity=high"),
	  SENSOR_WISH_NOW },
	{ "half a line", "seq=7 ts=1.000001 type=scan_done severity=info",
	  SENSOR_WISH_NONE },
};

static void test_wishes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wish_cases); i++) {
		const char *in = wish_cases[i].in;
		struct sensor_source source;
		int ends[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		assert_int_equal(sensor_source_open(&source, ends[0]), 0);
		assert_int_equal(write(ends[1], in, strlen(in)), (ssize_t)strlen(in));
		expect_number(wish_cases[i].name, "wishes",
			      crossview_sensor_wish(&source), wish_cases[i].want);
		expect_number(wish_cases[i].name, "wishes again",
			      crossview_sensor_wish(&source), 0);
		close(ends[1]);
		expect_number(wish_cases[i].name, "gone", crossview_sensor_wish(&source),
			      -EIO);
		close(ends[0]);
	}
}

static void test_no_channel(void **state)
{
	struct sensor_source source;

	(void)state;
	assert_int_equal(crossview_sensor_open(&source, "/no/such/file"), -ENOENT);
	assert_int_equal(source.fd, -1);
	/* a file that nobody could wait for */
	assert_int_equal(crossview_sensor_open(&source, "/etc/passwd"), -ENOTSUP);
	assert_int_equal(source.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_no_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
