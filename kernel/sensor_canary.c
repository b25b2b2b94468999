// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are we still there? Every second two functions of our own are called that have a kprobe
 * each: one that works by a breakpoint, one that works by ftrace, as those on functions of
 * the kernel do. One that does not count its call has been silenced, and so have all of its
 * kind: by a switch of the kernel's own (debugfs kprobes/enabled, sysctl ftrace_enabled),
 * none of which tells those it switches off, or by somebody's patch. Then each probe and
 * notifier of ours is looked at: whoever knows where it is can take just that one out. And
 * the sweeps have to go on.
 */
#include "sensors.h"

#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "canary.h"
#include "emit.h"
#include "guards.h"

/* What is about to be patched lawfully looks disarmed, but not for long. */
#define SECOND_LOOK_MS 500

enum kind {
	KPROBES,
	FTRACE,
	N_KINDS
};

static const char *const kind_names[N_KINDS] = { "kprobes", "ftrace" };

enum {
	KPROBES_ALL_DISARMED,
	FTRACE_ENABLED,
	FTRACE_DISABLED,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[KPROBES_ALL_DISARMED] = { .name = "kprobes_all_disarmed" },
	[FTRACE_ENABLED] = { .name = "ftrace_enabled" },
	[FTRACE_DISABLED] = { .name = "ftrace_disabled" },
};

static void watch(struct work_struct *work);

static struct {
	struct delayed_work work;
	unsigned int n_heard[N_KINDS];
	bool is_silent[N_KINDS]; /* told, as are the next */
	DECLARE_BITMAP(dead_probes, PROBES_MAX);
	DECLARE_BITMAP(dead_sensors, SENSORS_MAX);
	bool is_second_look;
	bool is_suspicious; /* a second look is worth it */
} state = { .work = __DELAYED_WORK_INITIALIZER(state.work, watch, 0) };

struct watched_work sensor_canary_work = { .name = "canary", .work = &state.work };

static noinline void sing_plainly(void)
{
	barrier();
}

static int on_plain(struct kprobe *unused, struct pt_regs *regs)
{
	state.n_heard[KPROBES]++;
	return 0;
}
NOKPROBE_SYMBOL(on_plain);

static int on_ftrace(struct kprobe *unused, struct pt_regs *regs)
{
	state.n_heard[FTRACE]++;
	return 0;
}
NOKPROBE_SYMBOL(on_ftrace);

/* With this it is never optimised to a jump. */
static void after_plain(struct kprobe *unused, struct pt_regs *regs, unsigned long flags)
{
}
NOKPROBE_SYMBOL(after_plain);

static struct kprobe probes[N_KINDS] = {
	[KPROBES] = { .addr = (void *)sing_plainly,
		      .pre_handler = on_plain,
		      .post_handler = after_plain },
	[FTRACE] = { .addr = (void *)canary_sing, .pre_handler = on_ftrace },
};

static void (*const sing[N_KINDS])(void) = { sing_plainly, canary_sing };

static bool is_heard(enum kind kind)
{
	unsigned int n = READ_ONCE(state.n_heard[kind]);

	sing[kind]();
	return READ_ONCE(state.n_heard[kind]) != n;
}

/* -1 if it is not known. */
static int read_switch(size_t i, size_t size)
{
	int value = 0;

	if (!wanted[i].address ||
	    copy_from_kernel_nofault(&value, (void *)wanted[i].address, size))
		return -1;
	return value;
}

static const char *find_switch(enum kind kind)
{
	if (kind == KPROBES)
		return read_switch(KPROBES_ALL_DISARMED, sizeof(bool)) > 0
			       ? "kprobes_all_disarmed"
			       : "unknown";
	if (read_switch(FTRACE_DISABLED, sizeof(int)) > 0)
		return "ftrace_disabled";
	return read_switch(FTRACE_ENABLED, sizeof(int)) ? "unknown" : "ftrace_enabled";
}

static void tell_kind(enum kind kind)
{
	if (state.is_silent[kind])
		photon_logfmt(NULL, EMIT_CRITICAL, "sensor_disarmed", " how=%s switch=%s",
			      kind_names[kind], find_switch(kind));
	else
		photon_logfmt(NULL, EMIT_INFO, "sensor_rearmed", " how=%s",
			      kind_names[kind]);
}

static void listen(void)
{
	bool is_silent[N_KINDS];
	int kind;

	for (kind = 0; kind < N_KINDS; kind++)
		is_silent[kind] = probes[kind].addr && !is_heard(kind);
	/*
	 * Where no kprobe works, those by ftrace do not either: one word is enough. They
	 * are switched on one by one, and it is over when all are.
	 */
	if (is_silent[KPROBES])
		is_silent[FTRACE] = state.is_silent[FTRACE];
	else if (state.is_silent[KPROBES] && is_silent[FTRACE])
		return;
	for (kind = 0; kind < N_KINDS; kind++) {
		if (is_silent[kind] == state.is_silent[kind])
			continue;
		state.is_silent[kind] = is_silent[kind];
		tell_kind(kind);
	}
}

/* Return: whether it is time to tell that the state is another one. */
static bool is_news(unsigned long *dead, size_t i, bool is_working)
{
	if (test_bit(i, dead) == !is_working)
		return false;
	if (!is_working && !state.is_second_look) {
		state.is_suspicious = true;
		return false;
	}
	change_bit(i, dead);
	return true;
}

static void tell(const char *how, const char *name, bool is_working)
{
	if (is_working)
		photon_logfmt(NULL, EMIT_INFO, "sensor_rearmed", " how=%s what=%s", how,
			      name);
	else
		photon_logfmt(NULL, EMIT_CRITICAL, "sensor_disarmed", " how=%s what=%s",
			      how, name);
}

static void look_at_probe(size_t i, const struct entry_probe *probe, bool is_working)
{
	if (is_news(state.dead_probes, i, is_working))
		tell("probe", probe->symbol, is_working);
}

static void look_at_sensor(size_t i, const struct sensor *sensor, bool is_working)
{
	if (is_news(state.dead_sensors, i, is_working))
		tell("sensor", sensor->name, is_working);
}

static void look(bool is_second)
{
	state.is_suspicious = false;
	state.is_second_look = is_second;
	probes_each(look_at_probe);
	sensors_each(look_at_sensor);
}

static void watch(struct work_struct *work)
{
	watched_work_step(&sensor_canary_work);
	watched_work_look(&guards_sweep_work);
	listen();
	/* What a whole kind has lost, each of its probes has. */
	if (!state.is_silent[KPROBES] && !state.is_silent[FTRACE])
		look(false);
	if (state.is_suspicious) {
		msleep(SECOND_LOOK_MS);
		look(true);
	}
	queue_delayed_work(system_power_efficient_wq, &state.work, HZ);
}

static int canary_start(void)
{
	int kind, r, n = 0, error = 0;

	for (kind = 0; kind < N_KINDS; kind++) {
		r = register_kprobe(&probes[kind]);
		if (r)
			probes[kind].addr = NULL;
		error = r ? r : error;
		n += !r;
	}
	if (!n)
		return error;
	watched_work_step(&sensor_canary_work);
	queue_delayed_work(system_power_efficient_wq, &state.work, HZ);
	return 0;
}

static void canary_stop(void)
{
	int kind;

	cancel_delayed_work_sync(&state.work);
	watched_work_end(&sensor_canary_work);
	for (kind = 0; kind < N_KINDS; kind++) {
		if (probes[kind].addr)
			unregister_kprobe(&probes[kind]);
	}
}

const struct sensor sensor_canary = {
	.name = "canary",
	.without = "nobody will see it if probes are silenced",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = canary_start,
	.stop = canary_stop,
};
