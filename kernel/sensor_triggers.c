// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks at once where something is going on. A probe at the entry of each function that
 * changes what a guard guards makes that guard look some tenths of a second later, so what
 * a module does long after its init is told soon, and with who did it:
 *
 *	handler: who, and "hit" -> irq_work -> worker, each TICK_MS while there is something:
 *	hit since the last tick: look; calm for CALM_TICKS: look once more, forget who
 *
 * However often a probe is hit, a guard looks ten times a second at most, and a handler
 * that finds all done does nothing.
 */
#include "sensors.h"

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/livepatch.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "emit.h"
#include "guards.h"
#include "owner.h"
#include "symbols.h"

#define TICK_MS	   100
#define CALM_TICKS 6
#define GUARDS_MAX 2

/*
 * what is looked at together
 * @name: for people
 * @is_hit: since the last tick
 * @is_claimed: somebody is @record, or is about to be
 * @is_filled: @record is complete
 * @is_mixed: others were here as well, so nobody knows
 * @pid: of the first one
 * @n_calm: ticks without a hit
 */
struct subject {
	const char *name;
	const struct guard *guards[GUARDS_MAX];
	bool is_hit;
	atomic_t is_claimed;
	bool is_filled;
	bool is_mixed;
	pid_t pid;
	unsigned int n_calm;
	struct emit_record record;
};

enum {
	FTRACE,
	TRACEPOINTS,
	NETFILTER,
	NOTIFIERS,
	LSM,
	KPROBES,
	TEXT,
	SUBJECT_COUNT,
	NOTHING = SUBJECT_COUNT /* the handler says it all */
};

static struct subject subjects[SUBJECT_COUNT] = {
	[FTRACE] = { "ftrace", { &guard_ftrace } },
	[TRACEPOINTS] = { "tracepoints", { &guard_tracepoints } },
	[NETFILTER] = { "netfilter", { &guard_netfilter } },
	[NOTIFIERS] = { "notifiers", { &guard_notifiers } },
	[LSM] = { "lsm", { &guard_lsm } },
	[KPROBES] = { "kprobes", { &guard_kprobes } },
	[TEXT] = { "text", { &guard_syscalls, &guard_text } },
};

/*
 * a function that is probed
 * @subject: what it changes
 * @is_meant: called by the handler: is this call one of those? NULL for all
 */
struct trigger {
	struct kprobe probe;
	size_t subject;
	bool (*is_meant)(struct pt_regs *regs);
};

static int on_hit(struct kprobe *probe, struct pt_regs *regs);
static bool is_of_image(struct pt_regs *regs);
static bool tell_livepatch(struct pt_regs *regs);

#define TRIGGER(function, of, condition)                                      \
	{                                                                     \
		.probe = { .symbol_name = #function, .pre_handler = on_hit }, \
		.subject = of, .is_meant = condition                          \
	}

/*
 * The exported ones and, where it is a function of its own, what they all call: that gets
 * those who do not come by the front door.
 */
static struct trigger triggers[] = {
	TRIGGER(register_ftrace_function, FTRACE, NULL),
	TRIGGER(ftrace_startup, FTRACE, NULL),
	TRIGGER(ftrace_set_hash, FTRACE, NULL),
	TRIGGER(ftrace_set_filter, FTRACE, NULL),
	TRIGGER(ftrace_set_filter_ip, FTRACE, NULL),
	TRIGGER(register_ftrace_direct, FTRACE, NULL),
	TRIGGER(register_ftrace_direct_multi, FTRACE, NULL),
	TRIGGER(modify_ftrace_direct, FTRACE, NULL),
	TRIGGER(register_ftrace_graph, FTRACE, NULL),
	TRIGGER(tracepoint_probe_register, TRACEPOINTS, NULL),
	TRIGGER(tracepoint_probe_register_prio, TRACEPOINTS, NULL),
	TRIGGER(tracepoint_probe_register_prio_may_exist, TRACEPOINTS, NULL),
	TRIGGER(tracepoint_add_func, TRACEPOINTS, NULL),
	TRIGGER(nf_register_net_hook, NETFILTER, NULL),
	TRIGGER(__nf_register_net_hook, NETFILTER, NULL),
	TRIGGER(nf_hook_entries_grow, NETFILTER, NULL),
	TRIGGER(dev_add_pack, NETFILTER, NULL),
	TRIGGER(netdev_rx_handler_register, NETFILTER, NULL),
	TRIGGER(notifier_chain_register, NOTIFIERS, NULL),
	TRIGGER(atomic_notifier_chain_register, NOTIFIERS, NULL),
	TRIGGER(blocking_notifier_chain_register, NOTIFIERS, NULL),
	TRIGGER(raw_notifier_chain_register, NOTIFIERS, NULL),
	TRIGGER(srcu_notifier_chain_register, NOTIFIERS, NULL),
	TRIGGER(__static_call_update, LSM, NULL),
	TRIGGER(register_kprobe, KPROBES, NULL),
	TRIGGER(set_memory_rw, TEXT, is_of_image),
	TRIGGER(set_memory_x, TEXT, is_of_image),
	TRIGGER(klp_enable_patch, NOTHING, tell_livepatch),
};

enum {
	IMAGE_START,
	IMAGE_END,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[IMAGE_START] = { .name = "_text" },
	[IMAGE_END] = { .name = "__bss_stop" },
};

static void tick(struct work_struct *work);
static void on_wake(struct irq_work *work);

static struct {
	struct kprobe *armed[ARRAY_SIZE(triggers)];
	size_t n_armed;
	struct irq_work wake;
	struct delayed_work tick;
} state;

/* Modules and BPF change the rights of their own memory all the time. */
static bool is_of_image(struct pt_regs *regs)
{
	unsigned long address = regs_get_kernel_argument(regs, 0);

	return address >= wanted[IMAGE_START].address &&
	       address < wanted[IMAGE_END].address;
}
NOKPROBE_SYMBOL(is_of_image);

static void claim(struct subject *subject)
{
	if (atomic_cmpxchg(&subject->is_claimed, 0, 1))
		return;
	WRITE_ONCE(subject->pid, current->tgid);
	subject->record.module[0] = subject->record.text[0] = '\0';
	emit_set_task(&subject->record);
	smp_store_release(&subject->is_filled, true); /* the worker's turn */
}
NOKPROBE_SYMBOL(claim);

static void hit(struct subject *subject)
{
	if (!atomic_read(&subject->is_claimed))
		claim(subject);
	else if (READ_ONCE(subject->pid) != current->tgid && !subject->is_mixed)
		WRITE_ONCE(subject->is_mixed, true);
	if (READ_ONCE(subject->is_hit))
		return;
	WRITE_ONCE(subject->is_hit, true);
	irq_work_queue(&state.wake);
}
NOKPROBE_SYMBOL(hit);

static int on_hit(struct kprobe *probe, struct pt_regs *regs)
{
	struct trigger *trigger = container_of(probe, struct trigger, probe);

	if (trigger->is_meant && !trigger->is_meant(regs))
		return 0;
	if (trigger->subject != NOTHING)
		hit(&subjects[trigger->subject]);
	return 0;
}
NOKPROBE_SYMBOL(on_hit);

static void on_wake(struct irq_work *work)
{
	schedule_delayed_work(&state.tick, msecs_to_jiffies(TICK_MS));
}

static void look(struct subject *subject)
{
	/* The handler is done before this is seen: the record is whole. */
	bool is_known = smp_load_acquire(&subject->is_filled) &&
			!READ_ONCE(subject->is_mixed);
	const struct guard_who who = { .occasion = GUARD_EVENT,
				       .task = is_known ? &subject->record : NULL };
	size_t i;

	for (i = 0; i < GUARDS_MAX && subject->guards[i]; i++)
		guards_check_one(subject->guards[i], &who);
}

static void forget(struct subject *subject)
{
	subject->n_calm = 0;
	if (!smp_load_acquire(&subject->is_filled)) /* half way in the handler */
		return;
	WRITE_ONCE(subject->is_mixed, false);
	WRITE_ONCE(subject->is_filled, false);
	atomic_set_release(&subject->is_claimed, 0);
}

/* Return: whether there is more to come */
static bool tick_one(struct subject *subject)
{
	if (xchg(&subject->is_hit, false)) {
		subject->n_calm = 0;
		look(subject);
		return true;
	}
	if (!atomic_read(&subject->is_claimed))
		return false;
	if (++subject->n_calm < CALM_TICKS)
		return true;
	look(subject);
	forget(subject);
	return READ_ONCE(subject->is_hit);
}

static void tick(struct work_struct *work)
{
	bool is_more = false;
	size_t i;

	for (i = 0; i < SUBJECT_COUNT; i++)
		is_more |= tick_one(&subjects[i]);
	if (is_more)
		schedule_delayed_work(&state.tick, msecs_to_jiffies(TICK_MS));
}

/* An administrator's means, and code of somebody else's all the same. */
static void print_livepatch(const struct emit_record *record)
{
	char name[4 * MODULE_NAME_LEN + 16];
	bool is_foreign = owner_is_foreign(record->module);

	photon_logfmt(record, is_foreign ? EMIT_MEDIUM : EMIT_INFO, "livepatch_enabled",
		      " name=%s", emit_quote(name, sizeof(name), record->module));
}

static bool tell_livepatch(struct pt_regs *regs)
{
	const struct klp_patch *patch = (void *)regs_get_kernel_argument(regs, 0);
	struct module *module = NULL;
	struct emit_record record;

	(void)get_kernel_nofault(module, &patch->mod);
	memset(&record, 0, sizeof(record));
	if (module)
		emit_copy_text(record.text, module->name);
	strscpy(record.module, record.text, sizeof(record.module));
	record.text[0] = '\0';
	record.print = print_livepatch;
	emit_stage(&record);
	return true;
}
NOKPROBE_SYMBOL(tell_livepatch);

static bool is_armed(size_t subject)
{
	size_t i;

	for (i = 0; i < state.n_armed; i++) {
		if (container_of(state.armed[i], struct trigger, probe)->subject ==
		    subject)
			return true;
	}
	return false;
}

static void report_unavailable(void)
{
	size_t i;

	for (i = 0; i < SUBJECT_COUNT; i++) {
		if (!is_armed(i))
			sensors_report_unavailable("triggers", subjects[i].name, -ENOENT,
						   "changes are found by sweeps only");
	}
}

static int triggers_start(void)
{
	size_t i;

	init_irq_work(&state.wake, on_wake);
	INIT_DELAYED_WORK(&state.tick, tick);
	/* One by one: a batch is undone by the first that this kernel has not. */
	for (i = 0; i < ARRAY_SIZE(triggers); i++) {
		if (!register_kprobe(&triggers[i].probe))
			state.armed[state.n_armed++] = &triggers[i].probe;
	}
	if (!state.n_armed)
		return -ENOENT;
	report_unavailable();
	return 0;
}

static void triggers_stop(void)
{
	unregister_kprobes(state.armed, state.n_armed);
	irq_work_sync(&state.wake);
	cancel_delayed_work_sync(&state.tick);
}

/* A look that was not asked for is the sweeps' to take; what a handler tells is gone. */
static unsigned long triggers_n_missed(void)
{
	unsigned long n = 0;
	size_t i;

	for (i = 0; i < state.n_armed; i++) {
		if (container_of(state.armed[i], struct trigger, probe)->subject ==
		    NOTHING)
			n += state.armed[i]->nmissed;
	}
	return n;
}

const struct sensor sensor_triggers = {
	.name = "triggers",
	.without = "changes are found by sweeps only",
	.start = triggers_start,
	.stop = triggers_stop,
	.n_missed = triggers_n_missed,
};
