/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches over runs of bytes, as fast as the processor allows: each has a plain form and
 * forms for what the processor has, which are chosen when the program runs and say the
 * same. They never read outside of what they are given.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdint.h>

#include "base/span.h"

/** One way to search. */
struct scan {
	const char *name;
	size_t (*copy_plain)(char *to, const char *from, size_t n);
	size_t (*ascii_length)(const char *from, size_t n);
	const char *(*find)(struct span in, struct span what);
};

/** scan_ways() - those that this processor has, the plain one first, the best one last */
const struct scan *const *scan_ways(size_t *ret_n);

/**
 * scan_copy_plain() - copy the front of @from, up to the first byte that is not plain: a
 * quote, a backslash, DEL, below 0x20, above 0x7f
 * @to: @n bytes, not overlapping @from; what is behind the result is garbage
 *
 * Return: how many were copied, 0..@n.
 */
size_t scan_copy_plain(char *to, const char *from, size_t n);

/** scan_ascii_length() - how many bytes at the front of @from are below 0x80, 0..@n */
size_t scan_ascii_length(const char *from, size_t n);

/**
 * scan_find() - as memmem(3), quick when the first and the last byte of @what seldom stand
 * so far apart in @in
 * @what: at least 2 bytes
 */
const char *scan_find(struct span in, struct span what);

#endif
