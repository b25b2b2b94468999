/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel image patches itself: jump labels, static calls, ftrace. Elsewhere in the
 * middle of a function a call that is gone, or leads to something else, is nobody's patch.
 */
#ifndef PHOTON_RING_PATCH_SITES_H
#define PHOTON_RING_PATCH_SITES_H

#include <linux/types.h>

/* Longest instruction that is patched, in bytes */
#define PATCH_SITE_SIZE 5

/* Says which symbols it needs, before symbols_resolve(). */
void patch_sites_want(void);

/* Reads the kernel's tables. May sleep. Without memory, nothing is known. */
void patch_sites_start(void);
void patch_sites_stop(void);

/* May the instruction at that address be patched? */
bool patch_sites_has(unsigned long address);

/**
 * patch_sites_find() - find a jump label or static call that an address may be part of
 * @ret: the last site up to there, less than PATCH_SITE_SIZE before it
 */
bool patch_sites_find(unsigned long address, unsigned long *ret);

/* Is it a place where ftrace goes on to whoever traces? There a call stays a call. */
bool patch_sites_is_of_ftrace(unsigned long address);

/* Is it known which are patched there? Not in modules, nor if the kernel shows no tables. */
bool patch_sites_are_known(unsigned long address);

#endif
