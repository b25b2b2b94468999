/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, across short counts and signals. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"

/** write_all() - 0 or -errno; some of the bytes may be written when it fails */
int write_all(int fd, const void *data, size_t n);

/** read_full() - read until @n bytes are there or the end is reached; the count or -errno */
ssize_t read_full(int fd, void *data, size_t n);

/** read_at() - as read_full(), from @offset on */
ssize_t read_at(int fd, void *data, size_t n, uint64_t offset);

/**
 * copy_bytes() - append what @from has from @at on; 0 or -errno
 * @end: nothing is begun behind it, however fast the file grows. It may end before
 */
int copy_bytes(int from, uint64_t at, uint64_t end, int to);

/**
 * sync_parent() - have the name on the disk, not only the file: a folder's entries are its
 * own content; 0 or -errno
 */
int sync_parent(const char *path);

/**
 * allocate_file() - have room on the disk for the first @n bytes; 0 or -errno
 *
 * What is mapped needs it: a hole on a full disk would be a SIGBUS.
 */
int allocate_file(int fd, size_t n);

/** read_rest() - append what is left to read of a descriptor; 0, -EFBIG or -errno */
int read_rest(int fd, size_t limit, struct buffer *ret);

/**
 * open_regular_at() - open a plain file of a folder for reading; nobody's link is followed,
 * no FIFO waited for
 *
 * Return: the descriptor; -EINVAL if it is something else; -errno.
 */
int open_regular_at(int folder, const char *name);

/** read_file() - append a whole file of at most @limit bytes; 0, -EFBIG or -errno */
int read_file(const char *path, size_t limit, struct buffer *ret);

#endif
