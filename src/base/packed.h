/* SPDX-License-Identifier: Apache-2.0 */
/* Files packed with zstd (RFC 8878), against what they were made of. */
#ifndef BASE_PACKED_H
#define BASE_PACKED_H

/**
 * packed_is_same() - does a packed file say what a plain one says?
 *
 * Both are read from their beginning to their end. Return: 1, 0 (or it is no such file),
 * -errno.
 */
int packed_is_same(int packed, int plain);

#endif
