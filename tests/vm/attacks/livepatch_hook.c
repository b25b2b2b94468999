// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live patch, which does what the function that it replaces does. To be unloaded it has
 * to be disabled in /sys/kernel/livepatch first.
 */
#include <linux/livepatch.h>
#include <linux/seq_file.h>

#include "attack.h"

static int replacement(struct seq_file *file, void *unused)
{
	seq_puts(file, "patched\n");
	return 0;
}

static struct klp_func functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = replacement },
	{},
};

static struct klp_object objects[] = {
	{ .funcs = functions },
	{},
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int change(void)
{
	return klp_enable_patch(&patch);
}

static void restore(void)
{
}

ATTACK(change, restore, "a live patch");
MODULE_INFO(livepatch, "Y");
