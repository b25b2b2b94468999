/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden files, in folders that are named. An answer of getdents64(2) that was changed on
 * its way shows it:
 *	- a record is longer than its name needs: the next one was swallowed, and its bytes
 *	  are often still there;
 *	- the last record does not lead to where the folder then stands;
 *	- the folder has more links than subfolders (where the filesystem counts them);
 *	- the program of a running process has a name that works, but is not listed.
 */
#ifndef CORE_CROSSVIEW_FILES_H
#define CORE_CROSSVIEW_FILES_H

#include <sys/stat.h>

#include "core/crossview.h"
#include "core/folder.h"

/** What asks the kernel; for tests. */
struct file_calls {
	void *context;
	struct folder_calls folder;
	int (*stat)(void *context, int fd, struct stat *ret);
	/* do the folder's links count its subfolders, and its records tell folders? */
	bool (*counts_links)(void *context, int fd);
	/* does it list what it knows by name? Not so autofs, FUSE, /proc … */
	bool (*lists_all)(void *context, int fd);
	void (*pause)(void *context);
};

extern const struct file_calls file_calls_kernel;

/** files_check_folder() - one folder; 0 or -errno: it could not be read */
int files_check_folder(const char *path, const struct file_calls *calls,
		       struct findings *out);

/**
 * files_check_programs() - the programs of all processes of our own mount namespace
 * @proc: the folder /proc
 *
 * Return: how many were looked at; -errno.
 */
int files_check_programs(int proc, const struct file_calls *calls, struct findings *out);

#endif
