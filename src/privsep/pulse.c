// SPDX-License-Identifier: Apache-2.0
/* See pulse.h. */
#include "privsep/pulse.h"

#include "base/log.h"
#include "privsep/channel.h"

/* TURNS - in a watchdog's period; half of it without an answer is too long */
#define TURNS	     4
#define MISSED_MAX   (TURNS / 2)
#define ACCURACY_US  (USEC_PER_SEC / 4)	 /* of a timer in time: sd_event_add_time(3) */
#define START_MAX_US (60 * USEC_PER_SEC) /* core may have to read much of the log first */

static void ask(struct pulse *p)
{
	int r = channel_send(p->channel,
			     &(struct channel_message){ .kind = CHANNEL_PING, .fd = -1 });

	if (r < 0)
		(void)log_warning_errno(r, "cannot ask %s whether it is well", p->name);
	p->is_asked = true;
	p->n_missed = 0;
}

static bool is_too_long(const struct pulse *p)
{
	if (p->has_answered)
		return p->n_missed >= MISSED_MAX;
	return p->n_missed * (p->watchdog_us / TURNS) >= START_MAX_US;
}

/* It may have waited for us all the time: we copied a log, or the machine stood still. */
static bool were_we_late(const struct pulse *p, uint64_t due_us)
{
	return clock_now().mono_us - due_us >= p->watchdog_us / TURNS / 2 + ACCURACY_US;
}

static int on_turn(sd_event_source *source, uint64_t time_us, void *context)
{
	struct pulse *p = context;

	(void)source;
	if (!p->is_asked)
		ask(p);
	else if (!were_we_late(p, time_us) && ++p->n_missed && is_too_long(p))
		p->hung(p->context);
	/* from now on, not from when it was due: that may be long ago */
	return loop_after(p->event, &p->timer, p->watchdog_us / TURNS, on_turn, p);
}

int pulse_start(struct pulse *p, int channel)
{
	int r = 0;

	p->channel = channel;
	p->has_answered = false;
	if (p->watchdog_us)
		r = loop_after(p->event, &p->timer, p->watchdog_us / TURNS, on_turn, p);
	if (r >= 0)
		ask(p);
	return r;
}

bool pulse_answered(struct pulse *p)
{
	if (!p->is_asked)
		return false;
	p->is_asked = false;
	p->has_answered = true;
	return true;
}

void pulse_served(struct pulse *p)
{
	p->n_missed = 0;
}

void pulse_stop(struct pulse *p)
{
	p->timer = sd.event_source_disable_unref(p->timer);
	p->is_asked = false;
	p->channel = -1;
}
