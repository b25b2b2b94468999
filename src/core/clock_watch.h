/* SPDX-License-Identifier: Apache-2.0 */
/* That the clock was set is an event; the kernel wakes us when it happens, and never else. */
#ifndef CORE_CLOCK_WATCH_H
#define CORE_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/registry.h"

/** CLOCK_WATCH_STEP_US - smaller steps are a time server's work */
#define CLOCK_WATCH_STEP_US 100000

struct clock_watch {
	int fd;		   /* readable when the clock was set; -1: not watched */
	bool is_pending;   /* there was no room to tell */
	int64_t offset_us; /* clock_real_minus_boot_us() when it was last looked at */
};

int clock_watch_open(struct clock_watch *w);
void clock_watch_close(struct clock_watch *w);

/**
 * clock_watch_step() - how far was the clock set since the last call?
 * @offset_us: clock_real_minus_boot_us() now
 *
 * Return: true, and @ret_us is by how much, negative for back; false for less than
 * CLOCK_WATCH_STEP_US, which is kept for the next time.
 */
bool clock_watch_step(struct clock_watch *w, int64_t offset_us, int64_t *ret_us);

/** clock_watch_tell() - @w->fd is readable, or it is pending: emit clock_jumped */
void clock_watch_tell(struct clock_watch *w, struct registry *registry);

#endif
