/* SPDX-License-Identifier: Apache-2.0 */
/* The whole lines of one log, packed or not, in either direction. */
#ifndef CLI_LOG_LINES_H
#define CLI_LOG_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/** What is done with a line, given without its newline: 0 to go on, else the end. */
typedef int log_line_taker(void *userdata, struct span line);

/**
 * log_lines_each() - give each whole line to @take, oldest first; the start of one whose
 * end is not there yet, and what is longer than any event, is passed over
 * @fd: where it stands does not matter
 *
 * Return: 0; what @take returned; -EBADMSG if a packed one is broken (all before that was
 * given); -ENOMEM; -errno.
 */
int log_lines_each(int fd, bool is_packed, log_line_taker *take, void *userdata);

/**
 * log_lines_from() - the same for a plain one, from @offset on
 * @offset: set to where the last whole line ends
 */
int log_lines_from(int fd, uint64_t *offset, log_line_taker *take, void *userdata);

/** log_lines_each_back() - the same, newest first; a packed one is unpacked to a file in TMPDIR */
int log_lines_each_back(int fd, bool is_packed, log_line_taker *take, void *userdata);

#endif
