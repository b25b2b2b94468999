// SPDX-License-Identifier: Apache-2.0
/* privsep/clock_watch: what is a step of the clock, and what is not; and that each is told. */
#include "privsep/clock_watch.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

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

/* The clock is played, and so is its timer, by a pipe: the program's own, as in libfault. */
static struct {
	bool is_on;
	int64_t offset_s;
	int notice[2];
	size_t n_armed;
} play;

int clock_gettime(clockid_t id, struct timespec *ret)
{
	int r = (int)syscall(SYS_clock_gettime, id, ret);

	if (id == CLOCK_REALTIME)
		ret->tv_sec += play.offset_s;
	return r;
}

int timerfd_create(int id, int flags)
{
	return play.is_on && id == CLOCK_REALTIME
		       ? fcntl(play.notice[0], F_DUPFD_CLOEXEC, 0)
		       : (int)syscall(SYS_timerfd_create, id, flags);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new,
		    struct itimerspec *old)
{
	if (!play.is_on)
		return (int)syscall(SYS_timerfd_settime, fd, flags, new, old);
	/* an hour is no sign that the clock was set: the timer is not to expire */
	if (flags == (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) &&
	    new->it_value.tv_sec > INT64_C(1) << 37)
		play.n_armed++;
	return 0;
}

static void step_clock(sd_event *event, int64_t seconds)
{
	play.offset_s += seconds;
	assert_int_equal(write(play.notice[1], "!", 1), 1);
	assert_true(sd_event_run(event, 0) > 0);
}

/* The step in seconds, rounded, of the one line that there is; 0: there is none. */
static int64_t read_told(const struct reports *reports)
{
	static const char start[] =
		"{\"type\": \"clock_jumped\", \"data\": {\"step_us\": ";
	char got[512];
	ssize_t n = read(reports->read_fd, got, sizeof(got) - 1);

	if (n < 0)
		return 0;
	got[n] = '\0';
	assert_true(!strncmp(got, start, strlen(start)) &&
		    strstr(got, "}, \"severity\": \"medium\"}\n"));
	return llround((double)strtoll(got + strlen(start), NULL, 10) / 1e6);
}

static void test_each_step_is_told(void **state)
{
	static const struct {
		const char *name;
		int64_t seconds, want_s; /* 0: nothing is told */
	} cases[] = {
		{ "a day forth", 86400, 86400 },
		{ "set to what it was", 0, 0 },
		{ "and back", -86400, -86400 },
		{ "again", 3600, 3600 },
	};
	struct clock_watch w = { .fd = -1 };
	struct reports reports;

	(void)state;
	assert_int_equal(sd_load(NULL), 0);
	assert_int_equal(pipe2(play.notice, O_CLOEXEC | O_NONBLOCK), 0);
	play.is_on = true;
	assert_true(sd.event_new(&w.event) >= 0);
	assert_int_equal(reports_open(&reports, w.event), 0);
	w.reports = &reports;
	clock_watch_start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		expect_number(cases[i].name, "armed", (int64_t)play.n_armed,
			      (int64_t)i + 1);
		step_clock(w.event, cases[i].seconds);
		expect_number(cases[i].name, "told", read_told(&reports),
			      cases[i].want_s);
	}
	clock_watch_stop(&w);
	reports_close(&reports);
	(void)sd.event_unref(w.event);
	(void)close(play.notice[0]);
	(void)close(play.notice[1]);
	play.is_on = false;
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
		cmocka_unit_test(test_each_step_is_told),
		cmocka_unit_test(test_real_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
