// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules: who loads and unloads which, from where; and what changes while one starts. The
 * kernel calls its notifiers just before a module's init function runs and just after:
 *
 *	COMING	everyone else's notifiers first, then ours: the look before
 *	init	the module's first instruction
 *	LIVE	ours before everyone else's: the look after
 *	GOING	the same, after an exit function, or after an init that failed: it gives
 *		no LIVE
 *
 * An init may never return, so there is a look 1 s and 10 s after COMING as well.
 */
#include "sensors.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

#include "emit.h"
#include "guards.h"
#include "lksm/wire.h"
#include "owner.h"

#define CHAIN_STEPS_MAX 1024

static struct symbol_wanted wanted = { .name = "module_notify_list" };

static void look_again(struct work_struct *work);

/* a look some time after the last COMING */
struct later {
	struct delayed_work work;
	unsigned long delay;
};

static struct {
	unsigned long last_coming; /* jiffies */
	struct later later[2];
} state;

/* The file that finit_module(2) was given; "" for init_module(2), or what it cannot say. */
static void name_file(char *to, size_t size)
{
	unsigned long arguments[6];
	struct file *file;
	char *buffer, *path;

	to[0] = '\0';
	if (current->flags & PF_KTHREAD)
		return;
	if (syscall_get_nr(current, task_pt_regs(current)) != __NR_finit_module)
		return;
	syscall_get_arguments(current, task_pt_regs(current), arguments);
	buffer = kmalloc(PATH_MAX, GFP_KERNEL);
	file = fget(arguments[0]);
	if (buffer && file) {
		path = file_path(file, buffer, PATH_MAX);
		if (!IS_ERR(path))
			strscpy(to, path, size);
	}
	if (file)
		fput(file);
	kfree(buffer);
}

static const char *origin_of(const char *path)
{
	return !path[0] || !strncmp(path, "/memfd:", 7) ? "memory" : "file";
}

/* As modprobe and /proc/modules write them. */
static void name_taints(char *to, unsigned long taints)
{
	static const struct {
		int bit;
		char letter;
	} known[] = {
		{ TAINT_PROPRIETARY_MODULE, 'P' },
		{ TAINT_FORCED_MODULE, 'F' },
		{ TAINT_CRAP, 'C' },
		{ TAINT_OOT_MODULE, 'O' },
		{ TAINT_UNSIGNED_MODULE, 'E' },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (taints & BIT(known[i].bit))
			*to++ = known[i].letter;
	}
	*to = '\0';
}

/* room for what is said of a load; too big for a stack */
struct loaded {
	struct emit_record record;
	char path[EMIT_TEXT_SIZE];
	char quoted[EMIT_ESCAPED_SIZE];
	char name[4 * MODULE_NAME_LEN + 16];
	char sentence[4 * MODULE_NAME_LEN + 80];
};

static void tell_loaded(const struct module *module)
{
	struct loaded *loaded = kzalloc(sizeof(*loaded), GFP_KERNEL);
	bool is_foreign = module->taints & OWNER_FOREIGN_TAINTS;
	char taints[8];

	if (!loaded) {
		photon_records_lost(1, "memory");
		return;
	}
	emit_set_task(&loaded->record);
	strscpy(loaded->record.module, module->name, sizeof(loaded->record.module));
	name_file(loaded->path, sizeof(loaded->path));
	name_taints(taints, module->taints);
	scnprintf(loaded->sentence, sizeof(loaded->sentence), LKSM_MESSAGE_MODULE_LOADED,
		  emit_escape(loaded->name, sizeof(loaded->name), module->name),
		  loaded->record.uid);
	photon_printk(&loaded->record, is_foreign ? EMIT_MEDIUM : EMIT_INFO,
		      "module_loaded", loaded->sentence, " from=%s path=%s taints=%s",
		      origin_of(loaded->path),
		      emit_quote(loaded->quoted, sizeof(loaded->quoted), loaded->path),
		      taints[0] ? taints : "none");
	kfree(loaded);
}

static void tell_unloaded(const struct module *module, const struct emit_record *task)
{
	struct emit_record *record = kmemdup(task, sizeof(*task), GFP_KERNEL);

	if (!record) {
		photon_records_lost(1, "memory");
		return;
	}
	strscpy(record->module, module->name, sizeof(record->module));
	photon_logfmt(record, EMIT_INFO, "module_unloaded", "%s", "");
	kfree(record);
}

static void look(enum guard_occasion occasion, bool has_task)
{
	struct emit_record *task = kzalloc(sizeof(*task), GFP_KERNEL);
	const struct guard_who who = { .occasion = occasion,
				       .task = has_task ? task : NULL };

	if (task)
		emit_set_task(task);
	guards_check(&who);
	kfree(task);
}

static void look_again(struct work_struct *work)
{
	struct later *later = container_of(to_delayed_work(work), struct later, work);
	unsigned long due = READ_ONCE(state.last_coming) + later->delay;

	look(GUARD_INIT, false);
	/* Another one came meanwhile, whose turn is later. */
	if (time_before(jiffies, due))
		schedule_delayed_work(&later->work, due - jiffies);
}

static void look_later(void)
{
	size_t i;

	WRITE_ONCE(state.last_coming, jiffies);
	for (i = 0; i < ARRAY_SIZE(state.later); i++)
		schedule_delayed_work(&state.later[i].work, state.later[i].delay);
}

static void on_going(const struct module *module)
{
	struct emit_record *task = kzalloc(sizeof(*task), GFP_KERNEL);
	const struct guard_who who = { .occasion = GUARD_UNLOAD, .task = task };

	roster_set_leaving(module);
	if (task) {
		emit_set_task(task);
		tell_unloaded(module, task);
	} else {
		photon_records_lost(1, "memory");
	}
	guards_check(&who);
	emit_flush();
	roster_remove(module);
	kfree(task);
}

static int on_module_first(struct notifier_block *block, unsigned long event, void *data)
{
	const struct module *module = data;

	switch (event) {
	case MODULE_STATE_COMING:
		tell_loaded(module);
		if (roster_add(module))
			photon_records_lost(1, "memory");
		break;
	case MODULE_STATE_LIVE:
		if (module != THIS_MODULE)
			look(GUARD_INIT, true);
		/* Its init is in records that are on their way, and nameless from now on. */
		emit_flush();
		roster_set_live(module);
		break;
	case MODULE_STATE_GOING:
		on_going(module);
		break;
	}
	return NOTIFY_DONE;
}

static int on_module_last(struct notifier_block *block, unsigned long event, void *data)
{
	if (event != MODULE_STATE_COMING)
		return NOTIFY_DONE;
	look(GUARD_COMING, false);
	roster_set_starting(data);
	look_later();
	return NOTIFY_DONE;
}

static struct notifier_block first = {
	.notifier_call = on_module_first,
	/* Before all others: one of them may be hostile and stop the chain. */
	.priority = INT_MAX,
};

static struct notifier_block last = {
	.notifier_call = on_module_last,
	.priority = INT_MIN,
};

static bool is_in_chain(const struct notifier_block *block)
{
	const struct blocking_notifier_head *chain = (void *)wanted.address;
	const struct notifier_block *at;
	size_t i;

	if (!chain)
		return true; /* nobody knows */
	at = (void *)guard_read(&chain->head);
	for (i = 0; at && at != block && i < CHAIN_STEPS_MAX; i++)
		at = (void *)guard_read(&at->next);
	return at == block;
}

static bool modules_is_working(void)
{
	return is_in_chain(&first) && is_in_chain(&last);
}

static int modules_start(void)
{
	int r;

	state.later[0].delay = HZ;
	state.later[1].delay = 10 * HZ;
	INIT_DELAYED_WORK(&state.later[0].work, look_again);
	INIT_DELAYED_WORK(&state.later[1].work, look_again);
	r = register_module_notifier(&first);
	if (r)
		return r;
	r = register_module_notifier(&last);
	if (r)
		(void)unregister_module_notifier(&first); /* it was registered */
	return r;
}

static void modules_stop(void)
{
	size_t i;

	/* These fail only if they were not registered. */
	(void)unregister_module_notifier(&last);
	(void)unregister_module_notifier(&first);
	for (i = 0; i < ARRAY_SIZE(state.later); i++)
		cancel_delayed_work_sync(&state.later[i].work);
}

const struct sensor sensor_modules = {
	.name = "modules",
	.required = true,
	.is_early = true,
	.without = "modules that are loaded will not be seen",
	.wanted = &wanted,
	.n_wanted = 1,
	.start = modules_start,
	.stop = modules_stop,
	.is_working = modules_is_working,
};
