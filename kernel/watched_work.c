// SPDX-License-Identifier: GPL-2.0-only
#include "watched_work.h"

#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "emit.h"

#define LATE	(5 * HZ / 2)
#define BLOCKED (30 * HZ)
/*
 * A machine that stood still, as a guest may, finds everything late when it goes on; but
 * then what is due runs before the next look.
 */
#define LATE_LOOKS    3
#define LOOK_AGAIN_MS 100

void watched_work_step(struct watched_work *watched)
{
	WRITE_ONCE(watched->last, jiffies | 1);
}

void watched_work_end(struct watched_work *watched)
{
	WRITE_ONCE(watched->last, 0);
}

/* Its time has come, and it was not cancelled: another work, or a busy machine, is before it. */
static bool is_waiting(struct delayed_work *work)
{
	return (work_busy(&work->work) & WORK_BUSY_PENDING) &&
	       (!timer_pending(&work->timer) ||
		time_after_eq(jiffies, work->timer.expires));
}

/* A step that takes long, as when it waits for a slow console, is one all the same. */
static bool is_late(const struct watched_work *watched)
{
	unsigned long patience = is_waiting(watched->work) ? BLOCKED : LATE;
	unsigned long last = READ_ONCE(watched->last);

	return last && time_after(jiffies, last + patience) &&
	       !(work_busy(&watched->work->work) & WORK_BUSY_RUNNING);
}

void watched_work_look(struct watched_work *watched)
{
	if (!is_late(watched)) {
		watched->n_late = 0;
		if (test_and_clear_bit(0, &watched->is_dead))
			photon_logfmt(NULL, EMIT_INFO, "sensor_rearmed",
				      " how=work what=%s", watched->name);
	} else if (++watched->n_late >= LATE_LOOKS &&
		   !test_and_set_bit(0, &watched->is_dead)) {
		photon_logfmt(NULL, EMIT_CRITICAL, "sensor_disarmed", " how=work what=%s",
			      watched->name);
	}
}

void watched_work_look_closely(struct watched_work *watched)
{
	for (;;) {
		watched_work_look(watched);
		if (!READ_ONCE(watched->n_late) || test_bit(0, &watched->is_dead))
			break;
		msleep(LOOK_AGAIN_MS);
	}
}
