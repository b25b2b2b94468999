/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room on the disk that is kept for bad times: given back when the disk is full, so that the
 * events that are at hand, and that the disk is full, can still be logged.
 */
#ifndef CORE_RESERVE_H
#define CORE_RESERVE_H

#include <stdbool.h>

#include "base/clock.h"

/** RESERVE_BYTES - some hundred events */
#define RESERVE_BYTES ((long)256 << 10)

/**
 * @set: take the room, or give it back; 0 or -errno. Core cannot do it itself: what
 *	cuts a file could cut the log.
 */
struct reserve {
	int (*set)(void *context, bool is_held);
	void *context;
	bool is_held;
	uint64_t next_try_us; /* CLOCK_MONOTONIC */
};

/** reserve_release() - give the room back; false if there was none to give */
bool reserve_release(struct reserve *r);

/** reserve_hold() - take it again if it is not held and can be had; tries once a second */
void reserve_hold(struct reserve *r, struct now now);

#endif
