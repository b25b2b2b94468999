// SPDX-License-Identifier: Apache-2.0
/* See clock_watch.h; timerfd_create(2), TFD_TIMER_CANCEL_ON_SET. */
#include "core/clock_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NEVER ((time_t)253402300799) /* 9999-12-31T23:59:59Z */

/* A cancelled timer has to be set again to be cancelled again. */
static int arm(int fd)
{
	const struct itimerspec never = { .it_value = { .tv_sec = NEVER } };

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
			       NULL) < 0
		       ? -errno
		       : 0;
}

int clock_watch_open(struct clock_watch *w)
{
	_cleanup_close_ int fd = timerfd_create(CLOCK_REALTIME,
						TFD_CLOEXEC | TFD_NONBLOCK);
	int r = fd < 0 ? -errno : arm(fd);

	if (r < 0)
		return r;
	w->fd = take_fd(&fd);
	w->offset_us = clock_real_minus_boot_us();
	return 0;
}

void clock_watch_close(struct clock_watch *w)
{
	cleanup_close(&w->fd);
	w->fd = -1;
}

bool clock_watch_step(struct clock_watch *w, int64_t offset_us, int64_t *ret_us)
{
	int64_t step = offset_us - w->offset_us;

	if (step > -CLOCK_WATCH_STEP_US && step < CLOCK_WATCH_STEP_US)
		return false;
	w->offset_us = offset_us;
	*ret_us = step;
	return true;
}

static struct span format_time(int64_t real_us, char *ret, size_t size)
{
	time_t seconds = (time_t)(real_us / (int64_t)USEC_PER_SEC);
	struct tm tm = { 0 };
	size_t n = gmtime_r(&seconds, &tm)
			   ? strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm)
			   : 0;

	return (struct span){ ret, n };
}

void clock_watch_tell(struct clock_watch *w, struct registry *registry)
{
	char from[32], to[32];
	struct datum data[] = {
		{ SPAN("step_us"), DATUM_INT, { 0 }, 0 },
		{ SPAN("from"), DATUM_TEXT, { 0 }, 0 },
		{ SPAN("to"), DATUM_TEXT, { 0 }, 0 },
	};
	struct now now;
	uint64_t n;

	(void)!read(w->fd, &n, sizeof(n)); /* ECANCELED: that is the news */
	(void)arm(w->fd);		   /* worked before */
	now = clock_now();
	w->is_pending = false;
	if (!clock_watch_step(w, clock_real_minus_boot_us(), &data[0].integer))
		return;
	data[1].text = format_time((int64_t)now.real_us - data[0].integer, from,
				   sizeof(from));
	data[2].text = format_time((int64_t)now.real_us, to, sizeof(to));
	if (registry_emit(registry, now, "clock_jumped", data, ARRAY_SIZE(data)) >= 0)
		return;
	w->offset_us -= data[0].integer;
	w->is_pending = true;
}
