// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kretprobe whose handler is this module's. With heap=1 the probe itself lies in allocated
 * memory, so that nothing but the handlers tells whose it is.
 */
#include <linux/kprobes.h>
#include <linux/slab.h>

#include "attack.h"

static bool heap;
module_param(heap, bool, 0);

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return 0;
}

static struct kretprobe own = {
	.kp.symbol_name = "vfs_fallocate",
	.handler = on_return,
	.maxactive = 16,
};

static struct kretprobe *probe = &own;

static int change(void)
{
	if (heap)
		probe = kmemdup(&own, sizeof(own), GFP_KERNEL);
	return probe ? register_kretprobe(probe) : -ENOMEM;
}

static void restore(void)
{
	unregister_kretprobe(probe);
	if (heap)
		kfree(probe);
}

ATTACK(change, restore, "a kretprobe");
