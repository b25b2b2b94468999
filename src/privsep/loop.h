/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor's parts need of sd-event, in one call each. */
#ifndef PRIVSEP_LOOP_H
#define PRIVSEP_LOOP_H

#include "base/clock.h"
#include "base/systemd.h"

/**
 * loop_after() - (re)arm a timer that fires once
 * @timer: NULL or the one before, which is dropped
 */
static inline int loop_after(sd_event *event, sd_event_source **timer, uint64_t delay_us,
			     sd_event_time_handler_t handler, void *context)
{
	*timer = sd.event_source_disable_unref(*timer);
	return sd.event_add_time_relative(event, timer, CLOCK_MONOTONIC, delay_us, 0,
					  handler, context);
}

#endif
