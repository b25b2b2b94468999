/* SPDX-License-Identifier: Apache-2.0 */
/* Small pieces of text that more than one of our formats is made of. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdint.h>

#include "base/span.h"

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/** is_snake_case() - [a-z][a-z0-9_]*, 1..@max bytes: what types and names look like */
bool is_snake_case(struct span s, size_t max);

/**
 * take_number() - a decimal number of at least one digit, up to @max, at the front of @s
 *
 * Return: true, with @s advanced past it; false, and @s as it was.
 */
bool take_number(struct span *s, uint64_t max, uint64_t *ret);

/**
 * percent_decode() - undo %XX, and + for a blank, as the query of an address has them
 * @to: room for as many bytes as @from has
 * @ret_len: how many it became
 *
 * Return: false: a % without two hexadecimal digits behind it.
 */
bool percent_decode(struct span from, char *to, size_t *ret_len);

#endif
