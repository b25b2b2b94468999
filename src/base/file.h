/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, across short counts and signals. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/buffer.h"

/** write_all() - 0 or -errno; some of the bytes may be written when it fails */
int write_all(int fd, const void *data, size_t n);

/** read_full() - read until @n bytes are there or the end is reached; the count or -errno */
ssize_t read_full(int fd, void *data, size_t n);

/** read_file() - append a whole file of at most @limit bytes; 0, -EFBIG or -errno */
int read_file(const char *path, size_t limit, struct buffer *ret);

#endif
