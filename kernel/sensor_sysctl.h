/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has just changed a setting by the way that there is for it. */
#ifndef PHOTON_RING_SENSOR_SYSCTL_H
#define PHOTON_RING_SENSOR_SYSCTL_H

#include <linux/types.h>

#include "emit.h"

/* Are such writes seen at all? */
bool sysctl_is_watched(void);

/**
 * sysctl_take_writer() - who has just written that setting
 * @name: of its file in /proc/sys, or one of those in the table of sensor_sysctl.c
 * @variable: whose change it is to explain; below BITS_PER_LONG
 * @ret: set if somebody did
 *
 * A write explains one change of each variable: some files set two. May sleep. Return:
 * whether somebody did
 */
bool sysctl_take_writer(const char *name, size_t variable, struct emit_record *ret);

#endif
