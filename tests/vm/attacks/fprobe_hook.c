// SPDX-License-Identifier: GPL-2.0-only
/* The same hook as ftrace_hook.c, by fprobe, which newer kernels offer for it. */
#include <linux/kconfig.h>
#if IS_ENABLED(CONFIG_FPROBE)
#include <linux/fprobe.h>
#endif

#include "attack.h"

static char *symbol = "vfs_fallocate";
module_param(symbol, charp, 0);

#if IS_ENABLED(CONFIG_FPROBE)
/* What it gets of registers, which is not used here, has another type in each kernel. */
static int on_entry(struct fprobe *probe, unsigned long entry, unsigned long back,
		    void *registers, void *data)
{
	return 0;
}

static struct fprobe probe = { .entry_handler = (void *)on_entry };

static int change(void)
{
	return register_fprobe(&probe, symbol, NULL);
}

static void restore(void)
{
	(void)unregister_fprobe(&probe);
}
#else
static int change(void)
{
	return -EOPNOTSUPP;
}

static void restore(void)
{
}
#endif

ATTACK(change, restore, "a hook by fprobe");
