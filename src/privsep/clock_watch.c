// SPDX-License-Identifier: Apache-2.0
/* See clock_watch.h; timerfd_create(2), TFD_TIMER_CANCEL_ON_SET. */
#include "privsep/clock_watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define NUMBER_SIZE 24
#define TIME_SIZE   32
#define NEVER	    ((time_t)253402300799) /* 9999-12-31T23:59:59Z */

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

bool clock_watch_step(struct clock_watch *w, int64_t offset_us, int64_t *ret_us)
{
	int64_t step = offset_us - w->offset_us;

	if (step > -CLOCK_WATCH_STEP_US && step < CLOCK_WATCH_STEP_US)
		return false;
	w->offset_us = offset_us;
	*ret_us = step;
	return true;
}

static void format_time(int64_t real_us, char *ret, size_t size)
{
	time_t seconds = (time_t)(real_us / (int64_t)USEC_PER_SEC);
	struct tm tm = { 0 };

	if (!gmtime_r(&seconds, &tm) || !strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		ret[0] = '\0';
}

static void tell(const struct clock_watch *w, int64_t step_us)
{
	int64_t now_us = (int64_t)clock_now().real_us;
	char step[NUMBER_SIZE], from[TIME_SIZE], to[TIME_SIZE];
	const struct report_datum data[] = { { "step_us", step, true },
					     { "from", from, false },
					     { "to", to, false } };

	(void)snprintf(step, sizeof(step), "%" PRId64, step_us);
	format_time(now_us - step_us, from, sizeof(from));
	format_time(now_us, to, sizeof(to));
	reports_add_all(w->reports, "clock_jumped", LKSM_MEDIUM, data, ARRAY_SIZE(data));
}

static int on_set(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct clock_watch *w = context;
	int64_t step_us;
	uint64_t n;

	(void)source;
	(void)events;
	(void)!read(fd, &n, sizeof(n)); /* ECANCELED: that is the news */
	(void)arm(fd);			/* worked before */
	if (clock_watch_step(w, clock_real_minus_boot_us(), &step_us))
		tell(w, step_us);
	return 0;
}

void clock_watch_start(struct clock_watch *w)
{
	int r = clock_watch_open(w);

	if (r >= 0)
		r = sd.event_add_io(w->event, &w->source, w->fd, EPOLLIN, on_set, w);
	if (r < 0)
		(void)log_warning_errno(r, "nobody tells when the clock is set");
}

void clock_watch_stop(struct clock_watch *w)
{
	w->source = sd.event_source_disable_unref(w->source);
	cleanup_close(&w->fd);
	w->fd = -1;
}
