/* SPDX-License-Identifier: GPL-2.0-only */
/* The one function of this module that ftrace can hook, so that a kprobe on it is ftrace's. */
#ifndef PHOTON_RING_CANARY_H
#define PHOTON_RING_CANARY_H

void canary_sing(void);

#endif
