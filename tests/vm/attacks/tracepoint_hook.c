// SPDX-License-Identifier: GPL-2.0-only
/* A probe on a tracepoint, as rootkits use for sys_enter. */
#include <linux/tracepoint.h>

#include "attack.h"

static char *name = "sched_process_exec";
module_param(name, charp, 0);

static struct tracepoint *found;

static void look(struct tracepoint *tracepoint, void *unused)
{
	if (!strcmp(tracepoint->name, name))
		found = tracepoint;
}

static void on_event(void *unused)
{
}

static int change(void)
{
	for_each_kernel_tracepoint(look, NULL);
	return found ? tracepoint_probe_register(found, on_event, NULL) : -ENOENT;
}

static void restore(void)
{
	tracepoint_probe_unregister(found, on_event, NULL);
	tracepoint_synchronize_unregister();
}

ATTACK(change, restore, "a tracepoint's probe");
