// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes itself out of /sys/module. That cannot be undone: what hung below its folder is
 * gone. So it stays until the guest ends.
 */
#include <linux/kobject.h>

#include "attack.h"

static int change(void)
{
	kobject_del(&THIS_MODULE->mkobj.kobj);
	return 0;
}

static void restore(void)
{
}

ATTACK(change, restore, "a module that leaves sysfs");
