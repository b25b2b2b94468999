// SPDX-License-Identifier: Apache-2.0
/* See upkeep.h. */
#include "privsep/upkeep.h"

#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/log.h"
#include "privsep/logfiles.h"

#define PERIOD_US   (60 * 60 * USEC_PER_SEC)
#define ACCURACY_US (60 * USEC_PER_SEC) /* may wait for company, to spare a wake-up */
#define LOOK_PAUSE_US \
	(200 * USEC_PER_SEC / 1000) /* core's own writes wake us, too: not each of them */

static void run(struct upkeep *u);

static int on_compressed(sd_event_source *source, const siginfo_t *info, void *context)
{
	struct upkeep *u = context;

	(void)source;
	u->compressor = sd.event_source_unref(u->compressor);
	storage_compressed(u->storage,
			   info->si_code == CLD_EXITED && info->si_status == 0);
	run(u); /* perhaps there is another */
	return 0;
}

static void run(struct upkeep *u)
{
	int pid = storage_housekeep(u->storage, logfile_date(clock_now().real_us)), r;

	if (pid <= 0)
		return;
	r = sd.event_add_child(u->event, &u->compressor, pid, WEXITED, on_compressed, u);
	if (r < 0)
		(void)log_warning_errno(r,
					"compression goes on unwatched, and is the last");
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *context)
{
	(void)time_us;
	run(context);
	/* as good without */
	(void)sd.event_source_set_time_accuracy(source, ACCURACY_US);
	(void)sd.event_source_set_time_relative(source, PERIOD_US);
	return sd.event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_pause_over(sd_event_source *source, uint64_t time_us, void *context)
{
	struct upkeep *u = context;

	(void)source;
	(void)time_us;
	return sd.event_source_set_enabled(u->watch, SD_EVENT_ON);
}

static int on_touched(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct upkeep *u = context;

	(void)fd;
	(void)events;
	storage_look(u->storage);
	if (storage_take_own_lost(u->storage))
		u->own_lost(u->context);
	if (loop_after(u->event, &u->pause, LOOK_PAUSE_US, on_pause_over, u) < 0)
		return 0; /* then each notice is looked at */
	return sd.event_source_set_enabled(source, SD_EVENT_OFF);
}

static void start_watching(struct upkeep *u)
{
	int fd = storage_watch_fd(u->storage), r;

	if (fd < 0)
		return;
	r = sd.event_add_io(u->event, &u->watch, fd, EPOLLIN, on_touched, u);
	if (r < 0)
		(void)log_warning_errno(r, "the log folder is not watched");
}

void upkeep_start(struct upkeep *u)
{
	int r = sd.event_add_time_relative(u->event, &u->timer, CLOCK_MONOTONIC, 0, 0,
					   on_timer, u);

	if (r < 0)
		(void)log_warning_errno(r, "no retention and no compression");
	start_watching(u);
}

void upkeep_stop(struct upkeep *u)
{
	u->timer = sd.event_source_disable_unref(u->timer);
	u->compressor = sd.event_source_disable_unref(u->compressor);
	u->watch = sd.event_source_disable_unref(u->watch);
	u->pause = sd.event_source_disable_unref(u->pause);
}
