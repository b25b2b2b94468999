/* SPDX-License-Identifier: Apache-2.0 */
/* \xNN, the escape that the kernel, dmesg and logfmt share. */
#ifndef CORE_ESCAPE_H
#define CORE_ESCAPE_H

#include "base/buffer.h"

/** ESCAPE_LENGTH - of \xNN */
#define ESCAPE_LENGTH 4

/** escape_byte() - the byte that @s begins with as \xNN, either case; -1 if it does not */
int escape_byte(struct span s);

/**
 * escape_undo() - append @text with its escapes turned into bytes, all else as it stands
 * @byte: escape_byte(), or a stricter one; given what begins with a backslash
 */
void escape_undo(struct buffer *out, struct span text, int (*byte)(struct span s));

#endif
