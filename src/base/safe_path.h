/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose content is to be run, or to be believed: only those that nobody but their owner could have put
 * there. Checked on descriptors from the root down, so nothing can be swapped in between.
 */
#ifndef BASE_SAFE_PATH_H
#define BASE_SAFE_PATH_H

#include <stdbool.h>

#include "base/buffer.h"

/**
 * safe_path_is_strict() - must this file be safe, to be read as configuration or rules?
 *
 * Yes, for root; but that what lies in the checkout which this program itself was built
 * in is as safe as the program.
 */
bool safe_path_is_strict(const char *path);

/**
 * safe_path_open() - open a regular file for reading
 * @is_strict: as root: the file and every folder above it belong to root, and neither
 *	group nor others may write them, but that a folder further up may be sticky, as
 *	/tmp is. Otherwise only the file's type is looked at
 * @reason: gets a sentence when it is refused
 *
 * Symbolic links are followed first; the place they lead to is what is checked.
 *
 * Return: the descriptor; -EACCES if it is not safe, -errno; @reason says why.
 */
int safe_path_open(const char *path, bool is_strict, struct buffer *reason);

/** safe_path_is_shared() - others than root and we can put files into this folder, or another
 * folder in its place */
bool safe_path_is_shared(const char *folder);

/** safe_path_is_own() - nobody but root and we can put files into this open folder */
bool safe_path_is_own(int folder);

#endif
