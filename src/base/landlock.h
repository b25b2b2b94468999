/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: a process gives up files, the network and other processes for good, whatever
 * its user may do. Descriptors that are open already stay as they are.
 */
#ifndef BASE_LANDLOCK_H
#define BASE_LANDLOCK_H

#include <stdbool.h>

enum landlock_files {
	LANDLOCK_FILES_NONE,	/* nothing can be opened, made, removed or run */
	LANDLOCK_FILES_READ,	/* everything can be read and run; /dev/null be written */
	LANDLOCK_FILES_FOLDER,	/* everything in one folder, nothing elsewhere */
	LANDLOCK_FILES_FOLDERS, /* as that, and what is in another folder can be read */
	LANDLOCK_FILES_FOLDER_READ, /* only reading, only in that other folder */
	LANDLOCK_FILES_CLIENT, /* names of hosts, certificates and libraries can be read, and
				* TCP ports connected to */
};

/**
 * landlock_restrict() - from now on, for this thread and whatever it starts
 * @files: what may still be opened
 * @folder: for LANDLOCK_FILES_FOLDER and _FOLDERS, a descriptor of it
 * @read_folder: for LANDLOCK_FILES_FOLDERS and _FOLDER_READ, one of the folder to read in
 *
 * Where the kernel can (ABI 4, Linux 6.7), no TCP port can be bound and none connected
 * to; (ABI 6, Linux 6.12) no process outside can be signalled and no abstract socket
 * outside be connected to. No new privileges must have been given up before.
 *
 * Return: the ABI that is in force, at least 1; -ENOSYS or -EOPNOTSUPP where the kernel has
 * none or it is switched off; -errno. Source: Documentation/userspace-api/landlock.rst
 */
int landlock_restrict(enum landlock_files files, int folder, int read_folder);

#endif
