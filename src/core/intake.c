// SPDX-License-Identifier: Apache-2.0
/*
 * See intake.h. The registry decides whose turn it is; this is its loop. All but the modules'
 * descriptors is sd-event's; it is only asked when it has something itself, as one turn of it
 * costs as much as reading some records.
 */
#include "core/intake.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "base/systemd.h"

#define READY_MAX 16 /* descriptors that one turn hears of */
#define LAST_ROUNDS_MAX \
	4096 /* before stopping: a source that never runs dry must not hold us */
#define FAILED_PAUSE_US \
	(10 * USEC_PER_SEC) /* before core starts anew because a module failed */
#define LAST_WAITS_MAX 20   /* of QUEUE_WAIT_MS, for a log that cannot be written */

#define HEARTBEAT_MAX_S 31622400 /* a year: microseconds must not overflow */

struct intake {
	const struct intake_options *options;
	struct registry *registry;
	sd_event *loop;
	int ready; /* epoll, of the modules' descriptors and the loop's own */
	sd_event_source *ticks, *heartbeat;
	sd_event_source *anew;
	bool is_starved;      /* somebody's turn came, but the queue was full */
	bool has_handed_over; /* in this round */
};

static int watch(void *context, int fd)
{
	struct intake *in = context;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(in->ready, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void unwatch(void *context, int fd)
{
	struct intake *in = context;

	/* fails if it is not there */
	(void)epoll_ctl(in->ready, EPOLL_CTL_DEL, fd, NULL);
}

/*
 * sd-event waits for what it knew of when it was prepared. So it is asked what it has now,
 * and prepared again for the next turn.
 */
static int ask_loop(struct intake *in)
{
	int r = sd.event_get_state(in->loop) == SD_EVENT_ARMED
			? sd.event_wait(in->loop, 0)
			: 0;

	return r > 0 ? sd.event_dispatch(in->loop) : r;
}

static int on_tick(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct intake *in = userdata;

	registry_tick(in->registry);
	(void)sd.event_source_set_time(source, now_us + in->options->poll_interval_us);
	return sd.event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* A timer only while some module cannot be watched: an idle daemon has none. */
static int keep_ticking(struct intake *in)
{
	bool needs = registry_needs_ticks(in->registry);
	int r;

	if (!needs && in->ticks)
		in->ticks = sd.event_source_disable_unref(in->ticks);
	if (!needs || in->ticks)
		return 0;
	r = sd.event_add_time_relative(in->loop, &in->ticks, CLOCK_MONOTONIC,
				       in->options->poll_interval_us, 0, on_tick, in);
	return r < 0 ? r : ask_loop(in);
}

static uint64_t heartbeat_us(const struct intake *in)
{
	uint64_t s = in->options->heartbeat_s;

	return (s < HEARTBEAT_MAX_S ? s : HEARTBEAT_MAX_S) * USEC_PER_SEC;
}

/* So that silence can be told from nothing having happened. */
static int on_heartbeat(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct intake *in = userdata;
	const struct datum data = {
		SPAN("interval"), DATUM_INT, { 0 }, (int64_t)in->options->heartbeat_s
	};

	/* a queue that is full has better things to tell */
	(void)registry_emit(in->registry, clock_now(), "heartbeat", &data, 1);
	(void)sd.event_source_set_time(source, now_us + heartbeat_us(in));
	return sd.event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int start_heartbeat(struct intake *in)
{
	uint64_t interval_us = heartbeat_us(in);

	return interval_us ? sd.event_add_time_relative(in->loop, &in->heartbeat,
							CLOCK_MONOTONIC, interval_us, 0,
							on_heartbeat, in)
			   : 0;
}

static int on_control(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct intake *in = userdata;

	(void)source;
	(void)events;
	if (in->options->control(in->options->context, in->registry, fd) < 0)
		return sd.event_exit(in->loop, 0);
	return 0;
}

static int position(void *context, const char *stream, uint64_t *ret)
{
	struct intake *in = context;

	return position_find(in->options->position, stream, ret);
}

static int held(void *context, const char *stream, uint64_t from, uint64_t *ret)
{
	struct intake *in = context;

	return position_next_held(in->options->position, stream, from, ret);
}

static int look(void *context, const char *module, const char *name)
{
	struct intake *in = context;

	return in->options->look(in->options->context, module, name);
}

static const char *option(void *context, const char *module, const char *name)
{
	struct intake *in = context;

	return in->options->option(in->options->context, module, name);
}

static int source(void *context, const char *module, const char *name)
{
	struct intake *in = context;

	return in->options->source(in->options->context, module, name);
}

static struct lksm_batch *get_batch(void *context)
{
	struct intake *in = context;

	struct lksm_batch *batch = queue_get_empty(in->options->queue);

	if (!batch)
		in->is_starved = true;
	return batch;
}

static void put_batch(void *context, struct lksm_batch *batch)
{
	struct intake *in = context;

	in->has_handed_over = true;
	queue_put_full(in->options->queue, batch);
}

static struct inbox *inbox(void *context, const char *name)
{
	struct intake *in = context;

	return inbox_set_find(in->options->inboxes, name);
}

/* That we woke is enough: each turn looks whether it need not wait any more. */
static int on_landed(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	eventfd_t n;

	(void)source;
	(void)events;
	(void)userdata;
	(void)eventfd_read(fd, &n);
	return 0;
}

static int setup(struct intake *in)
{
	const struct registry_callbacks callbacks = {
		.context = in,
		.watch = watch,
		.unwatch = unwatch,
		.position = position,
		.held = held,
		.look = in->options->look ? look : NULL,
		.option = option,
		.source = source,
		.get_batch = get_batch,
		.put_batch = put_batch,
		.inbox = in->options->inboxes ? inbox : NULL,
	};
	int r = sd.event_new(&in->loop);

	if (r < 0)
		return r;
	in->ready = epoll_create1(EPOLL_CLOEXEC);
	r = in->ready < 0 ? -errno : watch(in, sd.event_get_fd(in->loop));
	if (r < 0)
		return r;
	r = sd.event_add_signal(in->loop, NULL, SIGTERM, NULL, NULL);
	if (r < 0)
		return r;
	if (in->options->inboxes)
		r = sd.event_add_io(in->loop, NULL, in->options->landed_fd, EPOLLIN,
				    on_landed, in);
	if (r < 0)
		return r;
	if (in->options->control_fd >= 0) {
		r = sd.event_add_io(in->loop, NULL, in->options->control_fd, EPOLLIN,
				    on_control, in);
		if (r < 0)
			return r;
	}
	r = registry_create(&callbacks, &in->registry);
	if (r < 0)
		return r;
	r = registry_discover(in->registry);
	if (r >= 0)
		r = registry_start_all(in->registry, clock_now());
	if (r >= 0)
		r = start_heartbeat(in);
	if (r >= 0 && in->options->started)
		in->options->started(in->options->context, in->registry);
	return r;
}

/*
 * Everybody's turn, and the writer's, unless this round brought something and there is more:
 * of that, it soon has many. A module that says nothing at length does not keep it asleep.
 * Return: whether somebody is to have another at once.
 */
static bool poll_all(struct intake *in)
{
	bool has_more;

	in->is_starved = false;
	in->has_handed_over = false;
	has_more = registry_poll_all(in->registry, clock_now()) > 0 || in->is_starved;
	if (!has_more || !in->has_handed_over)
		queue_flush(in->options->queue);
	return has_more;
}

static int on_anew(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct intake *in = userdata;

	(void)source;
	(void)now_us;
	log_warning("starting anew for the sake of a module that failed");
	return sd.event_exit(in->loop, 0);
}

/*
 * Without a reader of the kernel log there is little left to do. Another core can go on
 * exactly where the log ends, which a module that is started again here could not.
 */
static int start_anew_later(struct intake *in)
{
	int r;

	if (in->anew || !registry_has_failed(in->registry))
		return 0;
	r = sd.event_add_time_relative(in->loop, &in->anew, CLOCK_MONOTONIC,
				       FAILED_PAUSE_US, 0, on_anew, in);
	return r < 0 ? r : ask_loop(in);
}

/* Until somebody has something, or, if @has_more, not at all. */
static int take_turn(struct intake *in, bool has_more)
{
	struct epoll_event events[READY_MAX];
	bool is_for_loop = false;
	int n, r = sd.event_get_state(in->loop) == SD_EVENT_ARMED
			   ? 0
			   : sd.event_prepare(in->loop);

	if (r != 0)
		return r < 0 ? r : sd.event_dispatch(in->loop);
	n = epoll_wait(in->ready, events, READY_MAX, has_more ? 0 : -1);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == sd.event_get_fd(in->loop))
			is_for_loop = true;
		else
			registry_readable(in->registry, events[i].data.fd);
	}
	return is_for_loop ? ask_loop(in) : 0;
}

static int loop(struct intake *in)
{
	while (sd.event_get_state(in->loop) != SD_EVENT_FINISHED) {
		bool has_more = poll_all(in);
		int r = keep_ticking(in);

		if (r >= 0)
			r = start_anew_later(in);
		if (r >= 0)
			r = take_turn(in, has_more);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Return: whether something was in flight, which was waited for, at most so long. */
static bool wait_for_flight(struct intake *in, size_t *waits)
{
	struct pollfd landed = { .fd = in->options->landed_fd, .events = POLLIN };

	if (!in->options->inboxes || !registry_is_waiting(in->registry))
		return false;
	queue_flush(in->options->queue);
	if (poll(&landed, 1, QUEUE_WAIT_MS) > 0)
		(void)on_landed(NULL, landed.fd, POLLIN, in);
	else
		(*waits)--;
	return true;
}

/* What came in while we were told to stop is still taken. */
static void finish(struct intake *in)
{
	size_t rounds = LAST_ROUNDS_MAX, waits = LAST_WAITS_MAX;

	registry_tick(in->registry);
	while (rounds-- && waits && (poll_all(in) || wait_for_flight(in, &waits)))
		waits -= in->is_starved && waits;
	/* one that never runs dry may have used up the rounds */
	while (waits && wait_for_flight(in, &waits))
		;
	registry_finish(in->registry, clock_now());
	registry_stop_all(in->registry);
}

int intake_run(const struct intake_options *options)
{
	struct intake in = { .options = options, .ready = -1 };
	int r = setup(&in);

	if (r >= 0)
		r = loop(&in);
	if (in.registry)
		finish(&in);
	queue_close(options->queue);
	registry_destroy(in.registry);
	in.ticks = sd.event_source_disable_unref(in.ticks);
	in.anew = sd.event_source_disable_unref(in.anew);
	in.heartbeat = sd.event_source_disable_unref(in.heartbeat);
	cleanup_close(&in.ready);
	sd.event_unref(in.loop);
	return r;
}
