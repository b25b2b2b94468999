// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is asked by the security hooks: lists of functions up to 6.11, static calls since
 * (commit 417c5643cd67). Nothing comes or goes here after boot, but for what BPF attaches;
 * so what goes away is told as well. A key is the hook and which of its functions, a value
 * the function.
 */
#include "guard.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/lsm_hooks.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "code.h"

#ifdef MAX_LSM_COUNT /* static calls */

#define JUMP_SIZE	 5
#define TABLE_SIZE	 sizeof(struct lsm_static_calls_table)
#define LSM_OFFSET(hook) offsetof(struct lsm_static_calls_table, hook)
/* of a trampoline that leads to where nothing can be */
#define NOWHERE 1

static struct symbol_wanted table = { .name = "static_calls_table" };

static unsigned long trampoline_target(const void *trampoline)
{
	u8 bytes[JUMP_SIZE];

	if (!trampoline || copy_from_kernel_nofault(bytes, trampoline, sizeof(bytes)))
		return 0;
	return code_near_target((unsigned long)trampoline, bytes, sizeof(bytes));
}

/*
 * A call counts if it is switched on. Its trampoline counts if it leads elsewhere. The table
 * is the kernel image's, but not what it points to.
 */
static void visit_call(struct guard_visit *visit, const struct lsm_static_call *where)
{
	unsigned long function, target, key = (unsigned long)where;
	struct lsm_static_call call = *where;
	int enabled = 0;

	function = call.key ? guard_read(&call.key->func) : 0;
	if (function && call.active)
		(void)get_kernel_nofault(enabled, &call.active->key.enabled.counter);
	if (!enabled)
		return;
	guard_word(visit, key, function);
	target = trampoline_target(call.trampoline);
	if (target != function)
		guard_word(visit, key + 1, target ? target : NOWHERE);
}

static void lsm_visit(struct guard_visit *visit)
{
	const struct lsm_static_call *calls = (void *)table.address;
	size_t i;

	for (i = 0; i < TABLE_SIZE / sizeof(*calls); i++)
		visit_call(visit, calls + i);
}

static size_t offset_of(unsigned long key)
{
	size_t offset = key - table.address;

	return offset - offset % (MAX_LSM_COUNT * sizeof(struct lsm_static_call));
}

#else /* lists */

#define TABLE_SIZE	 sizeof(struct security_hook_heads)
#define LSM_OFFSET(hook) offsetof(struct security_hook_heads, hook)
#define MEMBERS_MAX	 64

static struct symbol_wanted table = { .name = "security_hook_heads" };

static void visit_list(struct guard_visit *visit, u8 i, const struct hlist_head *head)
{
	const struct hlist_node *node = (void *)guard_read(&head->first);
	const struct security_hook_list *member;
	unsigned long function;
	size_t n;

	for (n = 0; node && n < MEMBERS_MAX; n++) {
		member = container_of(node, struct security_hook_list, list);
		function = guard_read(&member->hook);
		guard_word(visit, guard_member_key(i, member, function), function);
		node = (void *)guard_read(&node->next);
	}
}

static void lsm_visit(struct guard_visit *visit)
{
	const struct hlist_head *heads = (void *)table.address;
	size_t i;

	BUILD_BUG_ON(TABLE_SIZE / sizeof(*heads) > U8_MAX + 1);
	for (i = 0; i < TABLE_SIZE / sizeof(*heads); i++)
		visit_list(visit, i, heads + i);
}

static size_t offset_of(unsigned long key)
{
	return guard_member_list(key) * sizeof(struct hlist_head);
}

#endif

static const struct {
	size_t offset;
	const char *name;
} hooks[] = {
#define LSM_HOOK(type, otherwise, hook, ...) { LSM_OFFSET(hook), #hook },
#include <linux/lsm_hook_defs.h>
#undef LSM_HOOK
};

static const char *name_of(unsigned long key)
{
	size_t i, offset = offset_of(key);

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (hooks[i].offset == offset)
			return hooks[i].name;
	}
	return "unknown";
}

static bool is_of_bpf(unsigned long function)
{
	char name[SYMBOLS_NAME_SIZE];

	/* Of a module's function the module's name comes first, and may be anything. */
	if (!owner_is_kernel(function))
		return false;
	symbols_describe(name, function);
	return !strncmp(name, "bpf_lsm_", 8);
}

static void lsm_report(const struct guard_change *change)
{
	if (is_of_bpf(change->is_gone ? change->old : change->new))
		return;
	if (change->is_gone)
		guard_print(change, NULL, EMIT_HIGH, "lsm_hook", " what=%s gone=yes",
			    name_of(change->key));
	else if (change->who->occasion != GUARD_START || !guard_is_lawful(change))
		guard_print_target(change, EMIT_INFO, "lsm_hook", " what=%s",
				   name_of(change->key));
}

static int lsm_start(void)
{
	/* A smaller table than ours is one that we do not know. */
	return table.address && table.size >= TABLE_SIZE ? 0 : -ENOENT;
}

const struct guard guard_lsm = {
	.name = "lsm",
	.wanted = &table,
	.n_wanted = 1,
	.start = lsm_start,
	.visit = lsm_visit,
	.report = lsm_report,
};
