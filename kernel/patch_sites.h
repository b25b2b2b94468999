/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel image patches itself: jump labels, static calls, ftrace. Elsewhere in the
 * middle of a function a call that is gone, or leads to something else, is nobody's patch.
 */
#ifndef PHOTON_RING_PATCH_SITES_H
#define PHOTON_RING_PATCH_SITES_H

#include <linux/types.h>

/* Says which symbols it needs, before symbols_resolve(). */
void patch_sites_want(void);

/* Reads the kernel's tables. May sleep. Return: 0 or -ENOMEM */
int patch_sites_start(void);
void patch_sites_stop(void);

/* May the instruction at that address be patched? */
bool patch_sites_has(unsigned long address);

/* Is it known which are patched there? Not in modules, nor if the kernel shows no tables. */
bool patch_sites_are_known(unsigned long address);

#endif
