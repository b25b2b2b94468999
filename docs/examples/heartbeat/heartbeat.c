// SPDX-License-Identifier: Apache-2.0
/* An example of a module out of the tree: now and then an event that says it is alive. */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lksm/module.h"

struct heartbeat {
	int64_t interval_ms;
	const char *note;
	const struct lksm_host *host;
	int timer;
	int64_t n_beats;
};

static int heartbeat_start(void *state, const struct lksm_host *host)
{
	struct heartbeat *h = state;
	struct timespec interval = { h->interval_ms / 1000,
				     h->interval_ms % 1000 * 1000000 };
	struct itimerspec spec = { .it_interval = interval, .it_value = interval };

	if (h->interval_ms <= 0)
		return -EINVAL;
	h->host = host;
	h->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (h->timer < 0)
		return -errno;
	if (timerfd_settime(h->timer, 0, &spec, NULL) < 0 ||
	    host->watch(host, h->timer) < 0) {
		(void)close(h->timer);
		return -EIO;
	}
	return 0;
}

static int heartbeat_poll(void *state, struct lksm_batch *out)
{
	struct heartbeat *h = state;
	uint64_t expired;

	if (!h->host->has_room(out) || read(h->timer, &expired, sizeof(expired)) < 0)
		return 0;
	(void)h->host->emit(out, 0, "heartbeat", LKSM_INFO);
	(void)h->host->add_int(out, "beat", ++h->n_beats);
	(void)h->host->add_str(out, "note", h->note, strlen(h->note));
	return 0;
}

static void heartbeat_stop(void *state)
{
	struct heartbeat *h = state;

	h->host->unwatch(h->host, h->timer);
	(void)close(h->timer);
}

static const struct lksm_option options[] = {
	{ "interval_ms", LKSM_OPTION_INT, "1000", offsetof(struct heartbeat, interval_ms),
	  "Time between two beats, in milliseconds" },
	{ "note", LKSM_OPTION_TEXT, "alive", offsetof(struct heartbeat, note),
	  "A text that each beat carries" },
	{ .name = NULL },
};

static const struct lksm_module heartbeat = {
	.abi = LKSM_MODULE_ABI,
	.name = "heartbeat",
	.options = options,
	.state_size = sizeof(struct heartbeat),
	.start = heartbeat_start,
	.poll = heartbeat_poll,
	.stop = heartbeat_stop,
};

LKSM_MODULE(heartbeat)
