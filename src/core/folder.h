/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders as getdents64(2) gives them, without a library in between: where an entry was
 * taken out of the answer on its way, the records show it.
 */
#ifndef CORE_FOLDER_H
#define CORE_FOLDER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

/**
 * struct folder_record - struct linux_dirent64
 * @name: up to its NUL
 * @slack: what lies between the end of the name, rounded up to 8, and the next record.
 *	The kernel leaves nothing there: who removes a record from the answer makes the one
 *	before it longer.
 */
struct folder_record {
	uint64_t inode;
	int64_t offset;
	unsigned char type;
	struct span name;
	struct span slack;
};

/**
 * folder_next() - the next record of an answer
 * Return: 1; 0 at the end; -EBADMSG if @rest is none.
 */
int folder_next(struct span *rest, struct folder_record *ret);

/** What reads folders; for tests. */
struct folder_calls {
	ssize_t (*getdents)(int fd, void *to, size_t size);
	off_t (*seek)(int fd, off_t offset, int whence);
};

extern const struct folder_calls folder_calls_kernel;

/**
 * struct folder_end - how the answers fitted together
 * @n_misplaced: answers whose last record does not lead to where the folder then stood
 */
struct folder_end {
	size_t n_records;
	size_t n_misplaced;
};

/**
 * folder_walk() - every record of a folder, from its start
 * @take: gets each; anything but 0 ends the walk, and is returned
 *
 * Return: 0; -errno.
 */
int folder_walk(int fd, const struct folder_calls *calls,
		int (*take)(void *context, const struct folder_record *record),
		void *context, struct folder_end *ret_end);

#endif
