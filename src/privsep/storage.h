/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log folder. The supervisor's half owns it: it opens files in it by name, cuts torn
 * lines, applies retention, has closed days compressed. The core's half asks for
 * descriptors over a channel. No other process can open anything there.
 */
#ifndef PRIVSEP_STORAGE_H
#define PRIVSEP_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "core/log_progress.h"
#include "privsep/reports.h"

struct storage;

struct storage_options {
	const char *folder;  /* made (0750) with its parents if it is not there */
	uint64_t keep_days;  /* closed days older than that are removed; 0 keeps all */
	uint64_t keep_bytes; /* of all logs together; oldest go first; 0 no limit */
	uint64_t
		compress_after_days; /* days at least so old are compressed, but never the
					 newest two logs; 0 never */
};

/**
 * storage_create() - open and lock the folder
 * @error: says in a sentence what is wrong and what to do, naming the other daemon's pid
 *	when the folder is taken
 */
int storage_create(const struct storage_options *options, struct storage **ret,
		   struct buffer *error);

/** storage_configure() - new limits for the same folder, from the next look at it */
void storage_configure(struct storage *s, const struct storage_options *options);

/** storage_destroy() - a compression under way is stopped; it does no harm */
void storage_destroy(struct storage *s);

/** storage_open_file() - a file of ours in the folder (".state", ".dashboard_token"),
 * 0600 */
int storage_open_file(struct storage *s, const char *name, int flags);

/** storage_sync_names() - the files of ours that were opened are on the disk by their names */
void storage_sync_names(struct storage *s);

/**
 * storage_mend_crash() - the machine may have crashed: cut from the newest log what is
 * behind a hole in it (privsep/logcrash.h). Before core starts, which tells of it
 * @ret_next_seq: set, if it is known: behind the last event that was cut
 */
int storage_mend_crash(struct storage *s, uint64_t *ret_next_seq);

/** storage_newest() - name of the newest log in @ret (without .zst), "" if there is none
 */
int storage_newest(struct storage *s, char *ret, size_t size);

/** storage_progress() - what core tells of its writing, in memory shared with it */
struct log_progress *storage_progress(struct storage *s);

/** storage_watch() - from now on, tell @reports of what others do to our files */
void storage_watch(struct storage *s, struct reports *reports);

/** storage_watch_fd() - readable when storage_look() has something to do; -1: never */
int storage_watch_fd(const struct storage *s);
void storage_look(struct storage *s);

/**
 * storage_take_own_lost() - was some file of ours that is no log taken away since the last
 * call? Then core, which inherits them, should be started again, after
 * storage_renew_lock() and with a state page of its own
 */
bool storage_take_own_lost(struct storage *s);

/** storage_renew_lock() - have a lock that is in the folder; 0 or -errno */
int storage_renew_lock(struct storage *s);

/**
 * storage_serve() - answer one request of the core's
 * @today: YYYYMMDD by local time: a log of a day that is over or to come is not opened for
 *	writing (logfile_is_due())
 *
 * What has the name of a log and is not a plain file of ours (a symbolic link, a FIFO, a
 * hard link) is moved aside, neither opened nor followed, and told of as log_tampered. A
 * log that was taken away from under core is put back first (privsep/custody.h).
 *
 * Return: 0, or -errno when the channel is gone.
 */
int storage_serve(struct storage *s, int channel, uint32_t today);

/** storage_writer_gone() - no process writes logs now: torn lines may be cut again */
void storage_writer_gone(struct storage *s);

/**
 * storage_leave() - in a forked child: close what is the supervisor's
 * @keep_lock: a child that writes logs keeps the lock open, unseen, so that the folder is
 *	not free before the last writer is gone
 */
void storage_leave(struct storage *s, bool keep_lock);

/**
 * storage_housekeep() - retention, and the next compression; never touches the newest
 * @today: YYYYMMDD by local time
 *
 * A log is compressed by a child of this process, so that storage_serve() does not wait.
 *
 * Return: 0; the pid of that child, to be waited for and then given to
 * storage_compressed(); -errno.
 */
int storage_housekeep(struct storage *s, uint32_t today);

/** storage_compressed() - the child has exited (@is_good: with 0) and was waited for */
void storage_compressed(struct storage *s, bool is_good);

/* The core's half; both wait for the answer. */

/**
 * storage_request_log() - the day's log for appending
 * @ret_cut: how many bytes of a torn last line were cut from it, now or when
 *	storage_request_tail() looked at it
 *
 * Return: the descriptor or -errno.
 */
int storage_request_log(int channel, const char *name, uint64_t *ret_cut);

/**
 * storage_request_tail() - the @i-th newest log for reading
 *
 * A torn last line is cut before, unless the core has a log for appending already.
 *
 * Return: the descriptor; -ENOENT beyond the oldest; -errno.
 */
int storage_request_tail(int channel, uint64_t i, char *ret_name, size_t size);

/**
 * storage_request_reserve() - hold the room that is kept for a full disk (RESERVE_BYTES),
 * or give it back
 *
 * Return: 0 or -errno.
 */
int storage_request_reserve(int channel, bool is_held);

#endif
