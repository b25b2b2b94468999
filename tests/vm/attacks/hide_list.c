// SPDX-License-Identifier: GPL-2.0-only
/* Takes itself out of the list of modules: lsmod does not show it any more. */
#include <linux/rculist.h>

#include "attack.h"

static struct list_head *before;

static int change(void)
{
	before = THIS_MODULE->list.prev;
	list_del(&THIS_MODULE->list);
	return 0;
}

static void restore(void)
{
	list_add_rcu(&THIS_MODULE->list, before);
}

ATTACK(change, restore, "a module that leaves the list");
