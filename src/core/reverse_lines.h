/* SPDX-License-Identifier: Apache-2.0 */
/* The whole lines of a file, from its end to its beginning. */
#ifndef CORE_REVERSE_LINES_H
#define CORE_REVERSE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/** Begin with { .fd, .offset }: offset is where the last line to read ends. */
struct reverse_lines {
	int fd;
	uint64_t offset; /* of data[0] in the file */
	char *data;	 /* owned */
	size_t len;	 /* not given out yet */
	size_t capacity;
	bool is_overlong; /* the end of the line in the window was thrown away */
};

/** reverse_lines_end() - where the last newline of the first @size bytes ends; 0: there is none */
int reverse_lines_end(int fd, uint64_t size, uint64_t *ret);

/**
 * reverse_lines_previous() - the line before the last one given out
 * @ret: with its newline, until the next call; data is NULL if the line is longer than
 *	EVENT_LINE_MAX, so that it cannot be an event
 *
 * Return: 1, 0 at the beginning, -errno.
 */
int reverse_lines_previous(struct reverse_lines *r, struct span *ret);

/** reverse_lines_at() - where in the file the line given out last begins */
uint64_t reverse_lines_at(const struct reverse_lines *r);

void reverse_lines_deinit(struct reverse_lines *r);

#endif
