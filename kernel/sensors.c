// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of sensors: started in its order, stopped in the reverse. A sensor that this
 * kernel cannot carry costs that sensor and a sentence, not the module.
 */
#include "sensors.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "emit.h"
#include "symbols.h"

static const struct sensor *const sensors[] = {
	&sensor_modules,
	&sensor_triggers,
	&sensor_sysctl,
	&sensor_creds,
	&sensor_helpers,
	&sensor_bpf,
	&sensor_uprobes,
	&sensor_devices,
	/* It sees whatever is registered after it. */
	&sensor_kprobes,
	/* Last, so that it is stopped before what it watches is. */
	&sensor_canary,
};

static struct {
	bool is_running[ARRAY_SIZE(sensors)];
	unsigned long n_missed_reported;
} state;

static void watch_missed(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(missed_work, watch_missed);

void sensors_report_unavailable(const char *name, const char *symbol, int error,
				const char *without)
{
	photon_logfmt(NULL, EMIT_MEDIUM, "sensor_unavailable",
		      " sensor=%s symbol=%s error=%d reason=\"%s\"", name,
		      symbol ? symbol : "none", error, without);
}

static void report_missed(void)
{
	unsigned long n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sensors); i++) {
		if (state.is_running[i] && sensors[i]->n_missed)
			n += sensors[i]->n_missed();
	}
	n += probes_n_missed();
	if (n == state.n_missed_reported)
		return;
	photon_records_lost(n - state.n_missed_reported, "missed");
	state.n_missed_reported = n;
}

/* The kernel counts a handler that could not run, but tells nobody. */
static void watch_missed(struct work_struct *work)
{
	report_missed();
	schedule_delayed_work(&missed_work, HZ);
}

static int start(const struct sensor *sensor)
{
	struct symbol_range range;
	int r;

	/* -ENOENT is sure; after any other answer, trying is the better question. */
	if (sensor->symbol && symbols_find(sensor->symbol, &range) == -ENOENT)
		return -ENOENT;
	r = sensor->start ? sensor->start() : 0;
	if (r || !sensor->probes)
		return r;
	r = probes_arm(sensor->probes, sensor->n_probes);
	if (r && sensor->stop)
		sensor->stop();
	return r;
}

static void stop_all(void)
{
	size_t i;

	for (i = ARRAY_SIZE(sensors); i-- > 0;) {
		if (state.is_running[i] && sensors[i]->stop)
			sensors[i]->stop();
	}
	probes_disarm_all();
}

void sensors_want(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sensors); i++)
		symbols_want(sensors[i]->wanted, sensors[i]->n_wanted);
}

/* Return: an error only if it cannot do without */
static int start_or_report(size_t i)
{
	const struct sensor *sensor = sensors[i];
	int r;

	r = start(sensor);
	state.is_running[i] = !r;
	if (!r)
		return 0;
	sensors_report_unavailable(sensor->name, sensor->symbol, r, sensor->without);
	return sensor->required ? r : 0;
}

int sensors_start(bool is_early)
{
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(sensors); i++) {
		if (sensors[i]->is_early != is_early)
			continue;
		r = start_or_report(i);
		if (r)
			return r;
	}
	if (!is_early)
		schedule_delayed_work(&missed_work, HZ);
	return 0;
}

void sensors_stop(void)
{
	stop_all();
	cancel_delayed_work_sync(&missed_work);
	report_missed();
}

void sensors_each(void (*visit)(size_t i, const struct sensor *sensor, bool is_working))
{
	size_t i;

	BUILD_BUG_ON(ARRAY_SIZE(sensors) > SENSORS_MAX);
	for (i = 0; i < ARRAY_SIZE(sensors); i++) {
		if (state.is_running[i] && sensors[i]->is_working)
			visit(i, sensors[i], sensors[i]->is_working());
	}
}

static void add_name(char *to, size_t size, const char *name, const char *part)
{
	size_t n = strlen(to);

	/* Guards may have the same names. */
	scnprintf(to + n, size - n, "%ssensor_%s%s%s", n ? "," : "", name,
		  part ? "." : "", part ? part : "");
}

static void add_missing_probes(const struct sensor *sensor, char *to, size_t size)
{
	size_t i;

	for (i = 0; i < sensor->n_probes; i++) {
		if (!sensor->probes[i].is_armed && !sensor->probes[i].is_spare)
			add_name(to, size, sensor->name, sensor->probes[i].symbol);
	}
}

void sensors_coverage(bool is_running, char *to, size_t size)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sensors); i++) {
		if (state.is_running[i] == is_running)
			add_name(to, size, sensors[i]->name, NULL);
		if (state.is_running[i] && !is_running)
			add_missing_probes(sensors[i], to, size);
	}
}
