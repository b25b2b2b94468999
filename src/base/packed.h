/* SPDX-License-Identifier: Apache-2.0 */
/* Files packed with zstd (RFC 8878), against what they were made of. */
#ifndef BASE_PACKED_H
#define BASE_PACKED_H

#include <stdbool.h>

#include "base/span.h"

/**
 * packed_feed() - give a file's bytes to @take, piece by piece, from where it stands on
 * @is_packed: unpack them first
 * @take: anything but 0 ends it
 *
 * Return: 0 at the end; what @take returned; -EBADMSG if it is not packed, or broken off
 * (what could be unpacked was given); -ENOMEM; -errno of read(2).
 */
int packed_feed(int fd, bool is_packed, int (*take)(void *userdata, struct span piece),
		void *userdata);

/**
 * packed_is_same() - does a packed file say what a plain one says?
 *
 * Both are read from their beginning to their end. Return: 1, 0 (or it is no such file),
 * -errno.
 */
int packed_is_same(int packed, int plain);

#endif
