// SPDX-License-Identifier: Apache-2.0
/* privsep/clock_watch: what is a step of the clock, and what is not. */
#include "privsep/clock_watch.h"

#include "base/systemd.h"
#include "expect.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)

static void test_steps(void **state)
{
	static const struct {
		const char *name;
		int64_t offset_us; /* in turn */
		int64_t want_us;   /* 0: none */
	} cases[] = {
		{ "nothing", 0, 0 },
		{ "what a time server does", 90000, 0 },
		{ "and again: together they count", 180000, 180000 },
		{ "a day forth", 180000 + DAY_US, DAY_US },
		{ "no more", 180000 + DAY_US, 0 },
		{ "a day back", 180000, -DAY_US },
		{ "before 1970", -DAY_US * 366 * 60, -DAY_US * 366 * 60 - 180000 },
		{ "to 2038", 2147483648LL * 1000000,
		  2147483648LL * 1000000 + DAY_US * 366 * 60 },
	};
	struct clock_watch w = { .fd = -1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t step = 0;
		bool is_step = clock_watch_step(&w, cases[i].offset_us, &step);

		expect_number(cases[i].name, "step", step, cases[i].want_us);
		expect_number(cases[i].name, "is one", is_step, cases[i].want_us != 0);
	}
}

/* The kernel takes the timer, and it does not expire. */
static void test_real_timer(void **state)
{
	struct clock_watch w = { .fd = -1 };
	uint64_t n;

	(void)state;
	assert_int_equal(sd_load(NULL), 0);
	assert_int_equal(clock_watch_open(&w), 0);
	assert_int_equal(read(w.fd, &n, sizeof(n)), -1);
	clock_watch_stop(&w);
	assert_int_equal(w.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_real_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
