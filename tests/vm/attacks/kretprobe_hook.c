// SPDX-License-Identifier: GPL-2.0-only
/* A kretprobe whose handler is this module's. */
#include <linux/kprobes.h>

#include "attack.h"

static int on_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return 0;
}

static struct kretprobe probe = {
	.kp.symbol_name = "vfs_fallocate",
	.handler = on_return,
	.maxactive = 16,
};

static int change(void)
{
	return register_kretprobe(&probe);
}

static void restore(void)
{
	unregister_kretprobe(&probe);
}

ATTACK(change, restore, "a kretprobe");
