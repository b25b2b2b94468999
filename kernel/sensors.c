// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of sensors: started in its order, stopped in the reverse. A sensor that this
 * kernel cannot carry costs that sensor and a sentence, not the module.
 */
#include "sensors.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/workqueue.h>

#include "emit.h"
#include "symbols.h"

static const struct sensor *const sensors[] = {
	&sensor_modules,
	/* Last: it sees whatever is registered after it. */
	&sensor_kprobes,
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

	/* -ENOENT is sure; after any other answer, trying is the better question. */
	if (sensor->symbol && symbols_find(sensor->symbol, &range) == -ENOENT)
		return -ENOENT;
	return sensor->start();
}

static void stop_all(void)
{
	size_t i;

	for (i = ARRAY_SIZE(sensors); i-- > 0;) {
		if (state.is_running[i])
			sensors[i]->stop();
	}
}

int sensors_start(void)
{
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(sensors); i++) {
		r = start(sensors[i]);
		state.is_running[i] = !r;
		if (!r)
			continue;
		sensors_report_unavailable(sensors[i]->name, sensors[i]->symbol, r,
					   sensors[i]->without);
		if (sensors[i]->required)
			goto err_stop;
	}
	schedule_delayed_work(&missed_work, HZ);
	return 0;

err_stop:
	stop_all();
	return r;
}

void sensors_stop(void)
{
	stop_all();
	cancel_delayed_work_sync(&missed_work);
	report_missed();
}
