// SPDX-License-Identifier: GPL-2.0-only
/*
 * A uprobe by a module. Registering got four parameters under another name first, then
 * (6.12) under the old one.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/uprobes.h>

#include "attack.h"

static char *path = "/bin/busybox";
module_param(path, charp, 0);
static unsigned long offset = 0x1000;
module_param(offset, ulong, 0);

static struct path found;
static void *uprobe;

static int on_hit(struct uprobe_consumer *self, struct pt_regs *regs)
{
	return 0;
}

static struct uprobe_consumer consumer = { .handler = (void *)on_hit };

static int change(void)
{
	int (*old)(struct inode *, loff_t, loff_t, struct uprobe_consumer *) = (void *)
		attack_symbol("uprobe_register_refctr");
	void *(*new)(struct inode *, loff_t, loff_t,
		     struct uprobe_consumer *) = (void *)attack_symbol("uprobe_register");
	int r = kern_path(path, LOOKUP_FOLLOW, &found);

	if (r)
		return r;
	if (old)
		r = old(d_inode(found.dentry), offset, 0, &consumer);
	else
		uprobe = new (d_inode(found.dentry), offset, 0, &consumer);
	if (!old)
		r = PTR_ERR_OR_ZERO(uprobe);
	if (r)
		path_put(&found);
	return r;
}

static void restore(void)
{
	void (*old)(
		struct inode *, loff_t,
		struct uprobe_consumer *) = (void *)attack_symbol("uprobe_unregister");
	void (*new)(void *, struct uprobe_consumer *) = (void *)attack_symbol(
		"uprobe_unregister_nosync");
	void (*sync)(void) = (void *)attack_symbol("uprobe_unregister_sync");

	if (uprobe) {
		new (uprobe, &consumer);
		sync();
	} else {
		old(d_inode(found.dentry), offset, &consumer);
	}
	path_put(&found);
}

ATTACK(change, restore, "a uprobe");
