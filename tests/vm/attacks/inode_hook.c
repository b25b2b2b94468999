// SPDX-License-Identifier: GPL-2.0-only
/* A folder with file operations of its own, which do what the old ones did. */
#include "folder.h"

static char *path = "/";
module_param(path, charp, 0);

static int replacement(struct file *file, struct dir_context *context)
{
	return folder_old->iterate_shared(file, context);
}

static int change(void)
{
	return folder_hook(path, replacement);
}

ATTACK(change, folder_unhook, "an inode's own file operations");
