/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sensor's memory: its last records, numbered from 0 since it was loaded. Nobody but
 * newer records takes one away, and nobody who reads makes the writer wait.
 */
#ifndef PHOTON_RING_RECORD_H
#define PHOTON_RING_RECORD_H

#include <linux/types.h>

int record_init(void);
void record_deinit(void);

/**
 * record_append() - keep one more record, at the cost of the oldest ones
 * @time_ns: of the event, as local_clock() counts
 * @text: the line without number, time and newline
 * @size: of @text, below LKSM_LINE_MAX - RECORD_PREFIX_SIZE
 *
 * One caller at a time; process context.
 */
void record_append(u64 time_ns, const char *text, size_t size);

/* Room for "seq=… ts=… " and the newline at the end. */
#define RECORD_PREFIX_SIZE 64

/**
 * struct record_bounds - what is kept at one moment: the numbers first..next - 1
 * @first: of the oldest record
 * @next: that the next record will get; equal to @first if nothing is kept
 */
struct record_bounds {
	u64 first;
	u64 next;
};

struct record_bounds record_bounds(void);

/**
 * record_read() - copy lines, whole ones only
 * @number: of the first one wanted; moved on by as many as were copied
 * @to: kernel memory
 * @size: of @to
 *
 * Return: bytes copied, 0 if there is nothing; -EMSGSIZE if the first one does not fit;
 * -EOVERFLOW if @number is gone already
 */
ssize_t record_read(u64 *number, char *to, size_t size);

#endif
