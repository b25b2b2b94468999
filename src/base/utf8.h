/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdint.h>

#include "base/span.h"

/**
 * utf8_decode() - the first character of @s
 * @s: at least one byte
 * @ret: its code point
 *
 * Return: its length, 1..4; 0 if @s does not begin with a valid character, in which case
 * one byte is to be replaced by U+FFFD.
 */
size_t utf8_decode(struct span s, uint32_t *ret);

bool utf8_is_valid(struct span s);

#endif
