// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replaces a pointer in a constant table of functions by one of this module's:
 * member=show, iterate_shared, read_iter or proc_read_iter of symbol=.
 */
#include <linux/fs.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "attack.h"

static char *symbol = "tcp4_seq_ops";
module_param(symbol, charp, 0);
static char *member = "show";
module_param(member, charp, 0);

typedef long (*any_function)(long, long, long, long, long, long);
static any_function original;
static void **slot;

static long replacement(long a, long b, long c, long d, long e, long f)
{
	return original(a, b, c, d, e, f);
}

static const struct {
	const char *member;
	size_t offset;
} members[] = {
	{ "show", offsetof(struct seq_operations, show) },
	{ "iterate_shared", offsetof(struct file_operations, iterate_shared) },
	{ "read_iter", offsetof(struct file_operations, read_iter) },
	{ "read", offsetof(struct file_operations, read) },
	{ "lookup", offsetof(struct inode_operations, lookup) },
	{ "proc_read", offsetof(struct proc_ops, proc_read) },
};

static int change(void)
{
	unsigned long table = attack_symbol(symbol);
	size_t i;

	for (i = 0; table && i < ARRAY_SIZE(members); i++) {
		if (strcmp(members[i].member, member))
			continue;
		slot = (void **)(table + members[i].offset);
		original = (any_function)*slot;
		return original ? attack_write_pointer(slot, replacement) : -ENOENT;
	}
	return -EINVAL;
}

static void restore(void)
{
	(void)attack_write_pointer(slot, original);
}

ATTACK(change, restore, "a pointer in a table of functions");
