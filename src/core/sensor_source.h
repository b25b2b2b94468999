/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the sensor's lines come from:
 *	PROC	/proc/lksm: whole lines, then 0 until there are more; -EIO at its end
 *	SOCKET	the same, -EAGAIN in place of 0, and 0 at its end
 *	FILE	a saved channel that may grow, looked at by ticks: it ends when it is
 *		deleted; if it becomes shorter, it was written anew and is read from its start
 */
#ifndef CORE_SENSOR_SOURCE_H
#define CORE_SENSOR_SOURCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/span.h"

/** SENSOR_BUFFER_SIZE - what one read(2) gives, and the rest of the one before */
#define SENSOR_BUFFER_SIZE (32 << 10)

enum sensor_source_kind {
	SENSOR_PROC,
	SENSOR_SOCKET,
	SENSOR_FILE,
};

struct sensor_source {
	int fd; /* -1: none; not owned */
	enum sensor_source_kind kind;
	off_t offset; /* FILE: of the bytes behind those in the buffer */
	size_t begin, len;
	bool is_skipping; /* inside a line that is too long */
	char buffer[SENSOR_BUFFER_SIZE];
};

/** sensor_source_open() - read @fd from its start; 0 or -errno */
int sensor_source_open(struct sensor_source *s, int fd);

/**
 * sensor_source_next() - the next line, without its newline
 * @ret: holds until the next call. A line beyond the buffer is given cut off, once.
 *
 * Return: 1; 0 if there is none now; -EIO if the sensor is gone, another -errno if reading
 * failed.
 */
int sensor_source_next(struct sensor_source *s, struct span *ret);

#endif
