// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether each module of the roster is still where the kernel keeps its modules. A key is
 * the address of a struct module, a value what is missing; 0 if nothing is.
 *
 *	list	lsmod, /proc/modules, rmmod
 *	sysfs	/sys/module
 *	tree	whose an address is: kallsyms, stack traces, exception tables
 *	name, state, taint	not those that it came with, or that it must have
 *
 * A module is put into sysfs after COMING only, so that it must be in everything from LIVE
 * on, and before that in what it was once seen in. It leaves nothing before GOING is over.
 */
#include "guard.h"

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rbtree_latch.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#define LISTED_MAX     4096
#define TREE_DEPTH_MAX 64
/* What is just being linked elsewhere may be overlooked, but not for long. */
#define LOOKS	      3
#define LOOK_PAUSE_US 2000

enum presence {
	IN_LIST,
	IN_SYSFS,
	IN_TREE,
	HAS_NAME,
	HAS_STATE,
	HAS_TAINT,
	PRESENCE_COUNT
};

#define ALL_PRESENT (BIT(PRESENCE_COUNT) - 1)

static const char *const presence_names[PRESENCE_COUNT] = {
	[IN_LIST] = "list",  [IN_SYSFS] = "sysfs",  [IN_TREE] = "tree",
	[HAS_NAME] = "name", [HAS_STATE] = "state", [HAS_TAINT] = "taint",
};

enum {
	MODULES,
	MOD_TREE,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[MODULES] = { .name = "modules" },
	[MOD_TREE] = { .name = "mod_tree" },
};

static struct {
	unsigned long *listed; /* the modules that the list shows */
	size_t n_listed;
} state;

static int modules_start(void)
{
	if (!wanted[MODULES].address)
		return -ENOENT;
	state.listed = kvmalloc_array(LISTED_MAX, sizeof(*state.listed), GFP_KERNEL);
	return state.listed ? 0 : -ENOMEM;
}

static void modules_stop(void)
{
	kvfree(state.listed);
}

static void read_list(void)
{
	const struct list_head *head = (void *)wanted[MODULES].address, *at;

	rcu_read_lock();
	guard_for_each_node (at, head, state.n_listed, LISTED_MAX)
		state.listed[state.n_listed] = (unsigned long)list_entry(
			at, struct module, list);
	rcu_read_unlock();
}

static bool is_listed(const struct module *module)
{
	size_t i;

	for (i = 0; i < state.n_listed; i++) {
		if (state.listed[i] == (unsigned long)module)
			return true;
	}
	return false;
}

static bool is_linked(const struct list_head *entry)
{
	const struct list_head *next = (void *)guard_read(&entry->next);
	const struct list_head *before = (void *)guard_read(&entry->prev);

	return next != entry && (void *)guard_read(&next->prev) == entry &&
	       (void *)guard_read(&before->next) == entry;
}

static bool is_in_sysfs(const struct module *module)
{
	struct kobject object;

	if (copy_from_kernel_nofault(&object, &module->mkobj.kobj, sizeof(object)))
		return false;
	return object.state_in_sysfs && object.sd && is_linked(&module->mkobj.kobj.entry);
}

/* struct module lost core_layout and got mem[] in 6.4 (commit ac3b43283923). */
#ifdef for_each_mod_mem_type
typedef struct module_memory module_part;
#else
typedef struct module_layout module_part;
#endif

#ifdef CONFIG_MODULES_TREE_LOOKUP
/* As __mod_find() does. Return: whose the kernel believes @address to be */
static unsigned long find_in_tree(const struct rb_root *root, int which,
				  unsigned long address)
{
	const struct rb_node *node = (void *)guard_read(&root->rb_node);
	const module_part *part;
	unsigned int size;
	size_t depth;

	for (depth = 0; node && depth < TREE_DEPTH_MAX; depth++) {
		part = container_of(node, module_part, mtn.node.node[which]);
		if (get_kernel_nofault(size, &part->size))
			break;
		if (address - guard_read(&part->base) < size)
			return guard_read(&part->mtn.mod);
		node = (void *)guard_read(address < guard_read(&part->base)
						  ? &node->rb_left
						  : &node->rb_right);
	}
	return 0;
}
#endif

/* One of the two trees may be about to be changed. */
static bool is_in_tree(const struct module *module, unsigned long address)
{
#ifdef CONFIG_MODULES_TREE_LOOKUP
	const struct latch_tree_root *root = (void *)wanted[MOD_TREE].address;
	int which;

	if (!root)
		return true;
	for (which = 0; which < 2; which++) {
		if (find_in_tree(&root->tree[which], which, address) ==
		    (unsigned long)module)
			return true;
	}
	return false;
#else
	return true;
#endif
}

static bool has_name(const struct roster_module *entry)
{
	char name[MODULE_NAME_LEN];

	return !copy_from_kernel_nofault(name, entry->module->name, sizeof(name)) &&
	       !strncmp(name, entry->name, sizeof(name));
}

static enum module_state state_of(const struct module *module)
{
	enum module_state state;

	if (get_kernel_nofault(state, &module->state))
		return MODULE_STATE_UNFORMED;
	return state;
}

/* delete_module(2) sets GOING before any notifier knows; an init that fails has no LIVE. */
static bool has_state(const struct roster_module *entry)
{
	enum module_state state = state_of(entry->module);

	return state == MODULE_STATE_LIVE ||
	       (state == MODULE_STATE_GOING && (entry->presence & BIT(HAS_STATE)));
}

static unsigned long presence_of(const struct roster_module *entry)
{
	const struct module *module = entry->module;

	return is_listed(module) << IN_LIST | is_in_sysfs(module) << IN_SYSFS |
	       is_in_tree(module, entry->parts[0].start) << IN_TREE |
	       has_name(entry) << HAS_NAME | has_state(entry) << HAS_STATE |
	       (unsigned long)!(entry->taints & ~guard_read(&module->taints))
		       << HAS_TAINT;
}

static unsigned long missing_of(struct roster_module *entry)
{
	unsigned long now = presence_of(entry);
	bool was_live;

	entry->presence |= now;
	was_live = entry->presence & BIT(HAS_STATE);
	return (was_live && !entry->is_leaving ? ALL_PRESENT : entry->presence) & ~now;
}

static int visit_module(struct roster_module *entry, void *visit)
{
	unsigned long missing = missing_of(entry);
	size_t look;

	for (look = 1; missing && look < LOOKS; look++) {
		usleep_range(LOOK_PAUSE_US, 2 * LOOK_PAUSE_US);
		read_list();
		missing &= missing_of(entry);
	}
	guard_word(visit, (unsigned long)entry->module, missing);
	return 0;
}

static void modules_visit(struct guard_visit *visit)
{
	read_list();
	(void)roster_each(visit_module, visit); /* no visit ends it */
}

static int find_name(struct roster_module *entry, void *data)
{
	const struct guard_change *change = ((void **)data)[0];
	struct owner *owner = ((void **)data)[1];

	if ((unsigned long)entry->module != change->key)
		return 0;
	owner->kind = entry->is_foreign ? OWNER_FOREIGN : OWNER_IN_TREE;
	strscpy(owner->module, entry->name, sizeof(owner->module));
	return 1;
}

static void modules_report(const struct guard_change *change)
{
	char missing[64];
	struct owner owner;

	if (!(change->new & ~change->old))
		return;
	if (!roster_each(find_name, (void *[]){ (void *)change, &owner }))
		return;
	guard_name_bits(missing, sizeof(missing), change->new, presence_names,
			PRESENCE_COUNT);
	guard_print(change, &owner, EMIT_CRITICAL, "module_hidden", " missing=%s",
		    missing);
}

const struct guard guard_modules = {
	.name = "modules",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = modules_start,
	.stop = modules_stop,
	.visit = modules_visit,
	.report = modules_report,
};
