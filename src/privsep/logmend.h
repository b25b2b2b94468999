/* SPDX-License-Identifier: Apache-2.0 */
/* Mending a log that somebody took away or put something else in the place of. */
#ifndef PRIVSEP_LOGMEND_H
#define PRIVSEP_LOGMEND_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** LOGMEND_NAME_SIZE - "foreign-999-" and a log's name */
#define LOGMEND_NAME_SIZE 64

/** LOGMEND_COPY_MAX - a bigger log is not copied: core waits meanwhile */
#define LOGMEND_COPY_MAX ((uint64_t)64 << 20)

/** LOGMEND_PIECE - after so much of it systemd's watchdog is fed: 30 s are enough at 140 KB/s */
#define LOGMEND_PIECE ((uint64_t)4 << 20)

/**
 * logmend_move_aside() - give what has our name another one, "foreign-N-…"
 *
 * It is neither opened nor followed. Return: 0 and @ret_name; -ENOENT if nothing has the
 * name; -EEXIST if there are 999 of them already; -errno.
 */
int logmend_move_aside(int dir, const char *name,
		       char ret_name[static LOGMEND_NAME_SIZE]);

/**
 * logmend_put_back() - make the log again from what is still open
 * @kept: the log, open for reading; it may have no name any more
 * @ret_bytes: of the whole lines, which is what is copied
 *
 * What has the name, if anything, is replaced. Return: 0; -EFBIG beyond LOGMEND_COPY_MAX;
 * -errno.
 */
int logmend_put_back(int dir, const char *name, int kept, unsigned int mode,
		     uint64_t *ret_bytes);

/**
 * logmend_rename_back() - if the log has another name in the same folder, give it its own
 * @ret_other: the name that it had
 *
 * Return: 1; 0 if it has no other name there; -errno.
 */
int logmend_rename_back(int dir, const char *name, int kept,
			char ret_other[static NAME_MAX + 1]);

/**
 * logmend_seq_range() - seq of the first and of the last whole line
 *
 * Return: true; false if there is no line, or none that begins as ours do.
 */
bool logmend_seq_range(int fd, uint64_t *ret_first, uint64_t *ret_last);

#endif
