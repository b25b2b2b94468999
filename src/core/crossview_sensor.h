/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to look because of what the sensor says. Its channel is read for that only; events
 * are made of it elsewhere.
 */
#ifndef CORE_CROSSVIEW_SENSOR_H
#define CORE_CROSSVIEW_SENSOR_H

#include "core/sensor_source.h"

/** CROSSVIEW_SENSOR_LINES - so many are read in one turn */
#define CROSSVIEW_SENSOR_LINES 20000

enum sensor_wish {
	SENSOR_WISH_NONE,
	SENSOR_WISH_SOON, /* something bad came: what is hidden with it? */
	SENSOR_WISH_NOW,  /* somebody had it look at everything */
};

/**
 * crossview_sensor_open() - the channel, from now on
 * @path: as a rule LKSM_PROC_PATH
 * @s: gets a descriptor that is the caller's
 *
 * Return: 0; -errno (-ENOENT: no sensor is loaded); then s->fd is -1
 */
int crossview_sensor_open(struct sensor_source *s, const char *path);

/**
 * crossview_sensor_wish() - read what is there
 *
 * Return: the strongest of enum sensor_wish; -errno: it is gone (-EIO), or reading failed
 */
int crossview_sensor_wish(struct sensor_source *s);

#endif
