/* SPDX-License-Identifier: Apache-2.0 */
/*
 * That the clock was set is an event; the kernel wakes us when it happens, and never else. The
 * supervisor looks: a core that is killed meanwhile does not know what the clock was before.
 */
#ifndef PRIVSEP_CLOCK_WATCH_H
#define PRIVSEP_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "privsep/reports.h"

/** CLOCK_WATCH_STEP_US - smaller steps are a time server's work */
#define CLOCK_WATCH_STEP_US 100000

/** Begin with the first two, and no descriptor (-1). */
struct clock_watch {
	sd_event *event;
	struct reports *reports; /* get clock_jumped */
	int fd;			 /* readable when the clock was set; -1: not watched */
	int64_t offset_us; /* clock_real_minus_boot_us() when it was last looked at */
	sd_event_source *source;
};

/** clock_watch_open() - the descriptor alone. Return: 0, -errno. */
int clock_watch_open(struct clock_watch *w);

/** clock_watch_start() - costs nothing until the clock is set; a failure is logged */
void clock_watch_start(struct clock_watch *w);
void clock_watch_stop(struct clock_watch *w);

/**
 * clock_watch_step() - how far was the clock set since the last call?
 * @offset_us: clock_real_minus_boot_us() now
 *
 * Return: true, and @ret_us is by how much, negative for back; false for less than
 * CLOCK_WATCH_STEP_US, which is kept for the next time.
 */
bool clock_watch_step(struct clock_watch *w, int64_t offset_us, int64_t *ret_us);

#endif
