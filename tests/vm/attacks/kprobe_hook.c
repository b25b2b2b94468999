// SPDX-License-Identifier: GPL-2.0-only
/* A kprobe whose handler is this module's. */
#include <linux/kprobes.h>

#include "attack.h"

static char *symbol = "vfs_fallocate";
module_param(symbol, charp, 0);

static int on_hit(struct kprobe *unused, struct pt_regs *regs)
{
	return 0;
}

static struct kprobe probe = { .pre_handler = on_hit };

static int change(void)
{
	probe.symbol_name = symbol;
	return register_kprobe(&probe);
}

static void restore(void)
{
	unregister_kprobe(&probe);
}

ATTACK(change, restore, "a kprobe");
