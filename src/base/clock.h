/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time comes in as a parameter: whoever owns a loop reads the clocks once a turn with
 * clock_now() and hands the pair down; nothing below reads a clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define USEC_PER_SEC ((uint64_t)1000000)

struct now {
	uint64_t
		mono_us; /* CLOCK_MONOTONIC: since boot, stops in suspend, as printk's does */
	uint64_t real_us; /* CLOCK_REALTIME: since 1970-01-01 UTC */
};

/** clock_now() - both clocks, read one right after the other */
struct now clock_now(void);

/** clock_real_minus_boot_us() - when this boot began, as of now: moves only if the clock is set */
int64_t clock_real_minus_boot_us(void);

/**
 * clock_boot_id() - this boot's id, 36 characters and NUL
 *
 * Return: 0; -ENOENT, and "", if this kernel does not tell; else -errno, and it has to be
 * asked again: without the id, everything would be taken for another boot's.
 */
int clock_boot_id(char ret[static 37]);

#endif
