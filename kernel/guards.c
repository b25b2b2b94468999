// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of guards, and the occasions at which they look. One lock is held for a look:
 * what happens while somebody else looks is found by the next one.
 *
 * A sweep takes one guard at a time, so that no step is long, and all of them within
 * SWEEP_PERIOD_MS; each pause is a little longer or shorter than the last, so that nobody
 * can hide in between.
 */
#include "guards.h"

#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "patch_sites.h"
#include "sensors.h"

static const struct guard *const guards[] = {
	&guard_syscalls,    &guard_modules, &guard_cpu,		&guard_text,
	&guard_ftrace,	    &guard_kprobes, &guard_tracepoints, &guard_netfilter,
	&guard_notifiers,   &guard_lsm,	    &guard_variables,	&guard_processes,
	&guard_pointers,    &guard_objects, &guard_proc,	&guard_tasks,
	&guard_hidden_code, &guard_image,
};

#define SWEEP_PERIOD_MS 4500
#define PAUSE_MS	(SWEEP_PERIOD_MS / ARRAY_SIZE(guards))

static void sweep(struct work_struct *work);

/*
 * @has_baseline: there was memory for a first look
 */
static struct {
	struct mutex lock;
	bool is_running[ARRAY_SIZE(guards)];
	bool has_baseline[ARRAY_SIZE(guards)];
	struct guard_words before[ARRAY_SIZE(guards)];
	struct guard_words spare;
	struct delayed_work sweep;
	size_t next; /* the sweep's */
} state = {
	.lock = __MUTEX_INITIALIZER(state.lock),
	.sweep = __DELAYED_WORK_INITIALIZER(state.sweep, sweep, 0),
};

struct watched_work guards_sweep_work = { .name = "sweeps", .work = &state.sweep };

/* With the lock. Without a baseline nothing is new, whatever the occasion. */
static void compare(size_t i, const struct guard_who *who)
{
	const struct guard_who first = { .occasion = GUARD_START };

	if (!state.has_baseline[i])
		who = &first;
	if (!guard_compare(guards[i], &state.before[i], &state.spare, who))
		state.has_baseline[i] = true;
}

static void check(size_t i, const struct guard_who *who)
{
	mutex_lock(&state.lock);
	if (state.is_running[i])
		compare(i, who);
	mutex_unlock(&state.lock);
}

void guards_check(const struct guard_who *who)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guards); i++) {
		check(i, who);
		cond_resched();
	}
}

void guards_check_one(const struct guard *guard, const struct guard_who *who)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guards); i++) {
		if (guards[i] == guard)
			check(i, who);
	}
}

static void sweep_later(void)
{
	unsigned int byte = 0;

	get_random_bytes(&byte, 1);
	/* 3/4 to 5/4 of a pause */
	queue_delayed_work(system_power_efficient_wq, &state.sweep,
			   msecs_to_jiffies(PAUSE_MS * (384 + byte) / 512));
}

static void sweep(struct work_struct *work)
{
	const struct guard_who who = { .occasion = GUARD_SWEEP };

	watched_work_step(&guards_sweep_work);
	watched_work_look(&sensor_canary_work);
	check(state.next, &who);
	state.next = (state.next + 1) % ARRAY_SIZE(guards);
	/* A step that was long is no reason for the next one to be called late. */
	watched_work_step(&guards_sweep_work);
	sweep_later();
}

void guards_want(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(guards); i++)
		symbols_want(guards[i]->wanted, guards[i]->n_wanted);
}

/* In one piece: /proc/lksm is there already, and with it those who ask for a scan. */
static void start(size_t i)
{
	const struct guard_who who = { .occasion = GUARD_START };

	mutex_lock(&state.lock);
	state.is_running[i] = !guards[i]->start || !guards[i]->start();
	if (state.is_running[i])
		compare(i, &who);
	mutex_unlock(&state.lock);
}

void guards_start(void)
{
	size_t i;

	patch_sites_start();
	for (i = 0; i < ARRAY_SIZE(guards); i++)
		start(i);
	watched_work_step(&guards_sweep_work);
	sweep_later();
}

/* From then on a check, which a scan or a trigger may still ask for, finds it gone. */
static void stop(size_t i)
{
	mutex_lock(&state.lock);
	if (state.is_running[i] && guards[i]->stop)
		guards[i]->stop();
	state.is_running[i] = false;
	guard_words_deinit(&state.before[i]);
	mutex_unlock(&state.lock);
}

void guards_stop(void)
{
	size_t i;

	cancel_delayed_work_sync(&state.sweep);
	watched_work_end(&guards_sweep_work);
	for (i = 0; i < ARRAY_SIZE(guards); i++)
		stop(i);
	patch_sites_stop();
	guard_words_deinit(&state.spare); /* no guard is left that would use it */
}

void guards_coverage(bool is_running, char *to, size_t size)
{
	size_t i, n = strlen(to);

	for (i = 0; i < ARRAY_SIZE(guards); i++) {
		if (state.is_running[i] == is_running)
			n += scnprintf(to + n, size - n, "%s%s", n ? "," : "",
				       guards[i]->name);
	}
}
