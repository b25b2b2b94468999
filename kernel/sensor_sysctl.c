// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes to the settings that the guard of variables knows. Not what is written matters
 * here but who writes: a setting that changes while nobody has just written to its file
 * was changed in memory. Some time after each write the guard looks, so that the change is
 * told with the writer's name.
 */
#include "sensor_sysctl.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/ptrace.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "emit.h"
#include "guard.h"
#include "guards.h"
#include "sensors.h"

#define NOTES_MAX 32
/* A writer waits for memory of its own at most; then the value is there. */
#define NOTE_LIFE  (5 * HZ)
#define LOOK_AFTER (HZ / 10)
/* Writers are slow where memory or their share of the processors is short. */
#define NOTE_KEPT HZ

enum argument {
	ARGUMENT_IOCB, /* the file, and by it the name, is in there */
	ARGUMENT_FILE,
	ARGUMENT_ATTRIBUTE, /* has the name */
	ARGUMENT_NONE,	    /* only one setting is changed there */
};

static int on_write(struct kprobe *probe, struct pt_regs *regs);

/**
 * struct way - a function through which settings are written
 * @probe: on its entry
 * @argument: what its first argument is
 * @name: of the setting, for ARGUMENT_NONE
 * @is_armed: the kernel has such a function
 */
struct way {
	struct kprobe probe;
	enum argument argument;
	const char *name;
	bool is_armed;
};

#define WAY(function, what, setting)                                           \
	{                                                                      \
		.probe = { .symbol_name = function, .pre_handler = on_write }, \
		.argument = what, .name = setting                              \
	}

static struct way ways[] = {
	WAY("proc_sys_write", ARGUMENT_IOCB, NULL),
	WAY("sel_write_enforce", ARGUMENT_FILE, NULL),
	WAY("lockdown_write", ARGUMENT_FILE, NULL),
	WAY("param_attr_store", ARGUMENT_ATTRIBUTE, NULL),
	WAY("audit_receive", ARGUMENT_NONE, "audit_enabled"),
};

static void look(struct work_struct *work);

static struct {
	struct mutex lock; /* of the notes */
	struct note {
		unsigned long time;	 /* jiffies */
		unsigned long explained; /* bits: variables */
		struct emit_record record;
	} notes[NOTES_MAX];
	size_t n_notes; /* ever */
	bool is_running;
	struct delayed_work look;
} state = {
	.lock = __MUTEX_INITIALIZER(state.lock),
	.look = __DELAYED_WORK_INITIALIZER(state.look, look, 0),
};

/*
 * Those that were to explain a change have done so, or wrote what was there already. For
 * those that are too young there is another look.
 */
static void forget_before(unsigned long time)
{
	bool has_younger = false;
	struct note *note;

	mutex_lock(&state.lock);
	for (note = state.notes; note < state.notes + NOTES_MAX; note++) {
		if (time_before_eq(note->time, time))
			note->record.text[0] = '\0';
		has_younger |= note->record.text[0];
	}
	if (has_younger && state.is_running)
		schedule_delayed_work(&state.look, LOOK_AFTER);
	mutex_unlock(&state.lock);
}

static void look(struct work_struct *work)
{
	const struct guard_who who = { .occasion = GUARD_EVENT };
	unsigned long begin = jiffies;

	guards_check_one(&guard_variables, &who);
	forget_before(begin - NOTE_KEPT);
}

/* Not printed but kept: whether anything changed is for the guard to say. */
static void keep(const struct emit_record *record)
{
	struct note *note;

	mutex_lock(&state.lock);
	note = &state.notes[state.n_notes++ % NOTES_MAX];
	note->time = jiffies;
	note->explained = 0;
	note->record = *record;
	/* The last records are printed when all sensors have been stopped. */
	if (state.is_running)
		schedule_delayed_work(&state.look, LOOK_AFTER);
	mutex_unlock(&state.lock);
}

bool sysctl_take_writer(const char *name, size_t variable, struct emit_record *ret)
{
	struct note *note;
	bool is_found = false;
	size_t i;

	mutex_lock(&state.lock);
	for (i = 0; i < NOTES_MAX && i < state.n_notes; i++) {
		note = &state.notes[(state.n_notes - 1 - i) % NOTES_MAX];
		is_found = !strcmp(note->record.text, name) &&
			   time_before(jiffies, note->time + NOTE_LIFE) &&
			   !(note->explained & BIT(variable));
		if (!is_found)
			continue;
		*ret = note->record;
		note->explained |= BIT(variable);
		break;
	}
	mutex_unlock(&state.lock);
	return is_found;
}

bool sysctl_is_watched(void)
{
	return ways[0].is_armed;
}

static const char *name_of(const struct way *way, const void *argument)
{
	const struct file *file = argument;
	const struct dentry *dentry;

	switch (way->argument) {
	case ARGUMENT_IOCB:
		file = (void *)guard_read(&((const struct kiocb *)argument)->ki_filp);
		fallthrough;
	case ARGUMENT_FILE:
		dentry = (void *)guard_read(&file->f_path.dentry);
		return (void *)guard_read(&dentry->d_name.name);
	case ARGUMENT_ATTRIBUTE:
		return (void *)guard_read(
			&((const struct module_attribute *)argument)->attr.name);
	case ARGUMENT_NONE:
		break;
	}
	return way->name;
}
NOKPROBE_SYMBOL(name_of);

static int on_write(struct kprobe *probe, struct pt_regs *regs)
{
	const struct way *way = container_of(probe, struct way, probe);
	struct emit_record record;

	/* Everybody may send there, as often as he likes; only who has it is listened to. */
	if (way->argument == ARGUMENT_NONE && !probe_is_by_capable(CAP_AUDIT_CONTROL))
		return 0;
	memset(&record, 0, offsetof(struct emit_record, text));
	emit_copy_text(record.text,
		       name_of(way, (void *)regs_get_kernel_argument(regs, 0)));
	record.print = keep;
	if (guard_variables_knows(record.text))
		emit_stage(&record);
	return 0;
}
NOKPROBE_SYMBOL(on_write);

static void set_running(bool is_running)
{
	mutex_lock(&state.lock);
	state.is_running = is_running;
	mutex_unlock(&state.lock);
}

/* All but the first are for things that a kernel may not have. */
static int sysctl_start(void)
{
	size_t i;
	int r = 0;

	set_running(true);
	for (i = 0; i < ARRAY_SIZE(ways) && !r; i++) {
		r = register_kprobe(&ways[i].probe);
		ways[i].is_armed = !r;
		if (i)
			r = 0;
	}
	return r;
}

static void sysctl_stop(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		if (ways[i].is_armed)
			unregister_kprobe(&ways[i].probe);
		ways[i].is_armed = false;
	}
	set_running(false);
	cancel_delayed_work_sync(&state.look);
}

static unsigned long sysctl_n_missed(void)
{
	unsigned long n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		n += ways[i].is_armed ? ways[i].probe.nmissed : 0;
	return n;
}

const struct sensor sensor_sysctl = {
	.name = "sysctl",
	.symbol = "proc_sys_write",
	.without = "changes of settings will not say who made them",
	.start = sysctl_start,
	.stop = sysctl_stop,
	.n_missed = sysctl_n_missed,
};
