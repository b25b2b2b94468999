// SPDX-License-Identifier: GPL-2.0-only
/*
 * Says who loads which module, before the module's first instruction runs: once it does,
 * it can take itself out of every list.
 */
#include "sensors.h"

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/string.h>

#include "emit.h"
#include "lksm/wire.h"

static void print_loaded(const struct emit_record *record)
{
	char name[4 * MODULE_NAME_LEN + 16], sentence[sizeof(name) + 64];

	scnprintf(sentence, sizeof(sentence), LKSM_MESSAGE_MODULE_LOADED,
		  emit_escape(name, sizeof(name), record->module), record->uid);
	/* The record says module= by itself. */
	photon_printk(record, EMIT_MEDIUM, "module_loaded", sentence, "%s", "");
}

static int on_module(struct notifier_block *block, unsigned long event, void *data)
{
	const struct module *module = data;
	struct emit_record record = { .print = print_loaded };

	if (event == MODULE_STATE_COMING) {
		strscpy(record.module, module->name, sizeof(record.module));
		emit_stage(&record);
	}
	return NOTIFY_DONE;
}

static struct notifier_block notifier = {
	.notifier_call = on_module,
	/* Before all others: one of them may be hostile and stop the chain. */
	.priority = INT_MAX,
};

static int modules_start(void)
{
	return register_module_notifier(&notifier);
}

static void modules_stop(void)
{
	(void)unregister_module_notifier(
		&notifier); /* fails only if it was not registered */
}

const struct sensor sensor_modules = {
	.name = "modules",
	.required = true,
	.without = "modules that are loaded will not be seen",
	.start = modules_start,
	.stop = modules_stop,
};
