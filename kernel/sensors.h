/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a sensor is. A new one is a file sensor_<what>.c that ends with a const struct
 * sensor, and a row in the table of sensors.c.
 */
#ifndef PHOTON_RING_SENSORS_H
#define PHOTON_RING_SENSORS_H

#include <linux/types.h>

/**
 * struct sensor - one thing that is watched
 * @name: as in sensor_unavailable's sensor=
 * @symbol: function of the kernel without which it cannot work, or NULL
 * @required: the module refuses to load without it
 * @without: what nobody will see if it cannot work: no full stop
 * @start: arm; nothing may be left armed if it fails
 * @stop: disarm; when it returns, no handler runs any more
 * @n_missed: how often a handler could not run, since @start; may be NULL
 */
struct sensor {
	const char *name;
	const char *symbol;
	bool required;
	const char *without;
	int (*start)(void);
	void (*stop)(void);
	unsigned long (*n_missed)(void);
};

extern const struct sensor sensor_kprobes;
extern const struct sensor sensor_modules;

/* Return: 0, or the error of a required sensor; then none is left running. */
int sensors_start(void);

/* When it returns, no handler of any sensor runs any more. */
void sensors_stop(void);

/* Prints type=sensor_unavailable; @symbol may be NULL. */
void sensors_report_unavailable(const char *name, const char *symbol, int error,
				const char *without);

#endif
