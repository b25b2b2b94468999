/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a JSON Lines log: cutting a torn last line, and learning from the whole ones
 * where to go on: seq, the position in each stream, the lines for the live ring.
 */
#ifndef CORE_LOGTAIL_H
#define CORE_LOGTAIL_H

#include <stdint.h>

#include "base/buffer.h"
#include "core/position.h"

/**
 * logtail_repair() - cut what follows the last newline, on the disk, too
 * @fd: a regular file, open for reading and writing
 * @ret_cut: bytes that were cut, 0 if none
 *
 * Return: 0 or -errno.
 */
int logtail_repair(int fd, uint64_t *ret_cut);

/**
 * logtail_scan() - read whole lines from the end towards the beginning
 * @fd: a regular file, open for reading; what follows its last newline is ignored
 * @position: merged with what the lines say: next_seq, and for @position->boot_id the last
 *	stream_seq of each stream (or the end of its last records_lost or log_filtered range):
 *	the further of the two counts. If streams of this boot were known, the scan goes back
 *	to a line older than @position->next_seq (as it first came in); if not, to the last
 *	line of another boot
 * @n_lines: and at least so many lines, for
 * @lines: gets them, oldest first, each with its newline, in front of what it holds
 * @ret_is_done: false if older files should be looked at, too: the same @position then,
 *	and @n_lines less what came
 *
 * Routine events (event_is_routine()) are not put into @lines, only learned from.
 *
 * A line that is not an event, or longer than EVENT_LINE_MAX, is skipped and counted in
 * @position->bad_lines.
 *
 * Return: number of lines put into @lines, or -errno.
 */
int logtail_scan(int fd, struct position *position, size_t n_lines, struct buffer *lines,
		 bool *ret_is_done);

#endif
