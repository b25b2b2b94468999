/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else touches our files? inotify says which of them to look at; what counts is the
 * comparison with what we know of each: which file it is, its names, size, owner and mode.
 * So our own rotation, retention and compression, which say what they do, raise nothing,
 * and nothing runs while nothing happens.
 */
#ifndef PRIVSEP_LOGWATCH_H
#define PRIVSEP_LOGWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/log_progress.h"

struct logwatch;

/** What has been done to a file; as "how" in log_tampered. */
enum tampering {
	TAMPERING_NONE,
	TAMPERING_DELETED,
	TAMPERING_RENAMED,
	TAMPERING_REPLACED, /* another file, a symbolic link, a FIFO … has its name */
	TAMPERING_LINKED,   /* it has a second name */
	TAMPERING_TRUNCATED,
	TAMPERING_APPENDED,
	TAMPERING_CHANGED,    /* its content, and not its size */
	TAMPERING_ATTRIBUTES, /* owner or mode */
	TAMPERING_PLANTED,    /* a log that is not ours appeared */
	TAMPERING_FOLDER,     /* the folder itself was deleted or renamed */
	TAMPERING_COUNT,
};

/** tampering_name() - "deleted" …; a literal */
const char *tampering_name(enum tampering how);

/** logwatch_found_fn() - @name: in the folder, "." for itself; valid during the call */
typedef void (*logwatch_found_fn)(void *context, const char *name, enum tampering how);

/**
 * logwatch_create() - watch a folder
 * @dir: stays the caller's, and has to stay open
 * @progress: of the log that core writes
 */
int logwatch_create(int dir, const struct log_progress *progress, struct logwatch **ret);
void logwatch_destroy(struct logwatch *w);

/** logwatch_fd() - readable when there is something to look at */
int logwatch_fd(const struct logwatch *w);

/**
 * logwatch_know() - the file is ours and as it should be just now
 * @is_written: we write to it at times ourselves: its content is not compared
 */
void logwatch_know(struct logwatch *w, const char *name, bool is_written);

/** logwatch_forget() - it is ours no more, or about to be removed by us */
void logwatch_forget(struct logwatch *w, const char *name);

/**
 * logwatch_renew() - the folder is another one now, under the same descriptor
 *
 * All files but the current log are forgotten; that is missing, and known to be.
 */
int logwatch_renew(struct logwatch *w);

/** logwatch_set_current() - the log that core writes, which is known; NULL for none */
void logwatch_set_current(struct logwatch *w, const char *name);

/** logwatch_set_busy() - do not look at this log nor its compressed form; NULL: at all */
void logwatch_set_busy(struct logwatch *w, const char *name);

/** logwatch_look() - tell of each file that was tampered with, once each time */
void logwatch_look(struct logwatch *w, logwatch_found_fn found, void *context);

/**
 * logwatch_judge_current() - what is wrong with the current log, if core does not write now
 * @has_writer: it is waited for; else it may have died before it said what it had written
 * @ret_is_news: logwatch_look() has not told of it
 */
enum tampering logwatch_judge_current(struct logwatch *w, bool has_writer,
				      bool *ret_is_news);

#endif
