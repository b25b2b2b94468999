/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a sensor is. A new one is a file sensor_<what>.c that ends with a const struct
 * sensor, and a row in the table of sensors.c.
 */
#ifndef PHOTON_RING_SENSORS_H
#define PHOTON_RING_SENSORS_H

#include <linux/types.h>

#include "probes.h"
#include "symbols.h"
#include "watched_work.h"

/**
 * struct sensor - one thing that is watched
 * @name: as in sensor_unavailable's sensor=
 * @symbol: function of the kernel without which it cannot work, or NULL
 * @required: the module refuses to load without it
 * @is_early: to be started before the roster is filled and the guards look
 * @without: what nobody will see if it cannot work: no full stop
 * @wanted: symbols that it needs; n_wanted of them; or NULL
 * @probes: entry probes, n_probes of them, armed after @start and disarmed after @stop;
 *	or NULL
 * @start: arm; nothing may be left armed if it fails; may be NULL if there are @probes
 * @stop: disarm; when it returns, no handler runs any more; or NULL
 * @n_missed: how often a handler could not run, since @start, those of @probes not
 *	counted; never less than before; may sleep; may be NULL
 * @is_working: false if somebody has disarmed it, @probes not looked at; may be NULL
 */
struct sensor {
	const char *name;
	const char *symbol;
	bool required;
	bool is_early;
	const char *without;
	struct symbol_wanted *wanted;
	size_t n_wanted;
	struct entry_probe *probes;
	size_t n_probes;
	int (*start)(void);
	void (*stop)(void);
	unsigned long (*n_missed)(void);
	bool (*is_working)(void);
};

extern const struct sensor sensor_bpf;
extern const struct sensor sensor_canary;
extern const struct sensor sensor_creds;
extern const struct sensor sensor_devices;
extern const struct sensor sensor_helpers;
extern const struct sensor sensor_kprobes;
extern const struct sensor sensor_modules;
extern const struct sensor sensor_sysctl;
extern const struct sensor sensor_triggers;
extern const struct sensor sensor_uprobes;

extern struct watched_work sensor_canary_work;

/* Says which symbols they need, before symbols_resolve(). */
void sensors_want(void);

/**
 * sensors_start() - start the early ones, or the others
 *
 * Return: 0, or the error of a required sensor; then, too, sensors_stop() is due
 */
int sensors_start(bool is_early);

/* When it returns, no handler of any sensor runs any more. */
void sensors_stop(void);

/**
 * sensors_each() - look at every running sensor
 * @visit: @i is its number, below SENSORS_MAX
 */
void sensors_each(void (*visit)(size_t i, const struct sensor *sensor, bool is_working));

#define SENSORS_MAX 32

/**
 * sensors_coverage() - which there are
 * @is_running: those that work, or those that this kernel cannot carry; also
 *	"sensor_name.symbol" for a probe that is missing
 * @to: has a list "a,b" or nothing; is added to
 */
void sensors_coverage(bool is_running, char *to, size_t size);

/* Prints type=sensor_unavailable; @symbol may be NULL. */
void sensors_report_unavailable(const char *name, const char *symbol, int error,
				const char *without);

#endif
