/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the logs of a folder from a cursor on, line by line: over the days, plain and
 * compressed ones, and on with what is appended. For processes that do something with each
 * event and keep the cursor with what they did, so that being killed loses nothing and does
 * nothing twice.
 *
 *	log_follower_create(folder, &kept, &f);
 *	for (;;) {
 *		while ((r = log_follower_next(f, &line)) > 0 || r == -EAGAIN)
 *			… line.text …; if r < 0: look whether somebody wants something
 *		log_follower_cursor(f, &kept);  … keep it …
 *		… wait for log_follower_watch() …
 *	}
 *
 * The cursor's seq decides what is new; file and offset only say where to look first. So a
 * log that was cut, replaced or compressed meanwhile does no harm.
 */
#ifndef CORE_LOG_FOLLOWER_H
#define CORE_LOG_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "core/folder_logs.h"

/** Behind which event; all zero: before the oldest log. */
struct log_cursor {
	char name[FOLDER_LOG_SIZE]; /* of the log, without .zst */
	uint64_t offset;	    /* in it, unpacked */
	uint64_t next_seq;	    /* events below are done with */
};

struct log_line {
	uint64_t seq;
	struct span text; /* without its newline; until the next call */
};

struct log_follower;

/** LOG_FOLLOWER_TURN - bytes that are passed over without a pause */
#define LOG_FOLLOWER_TURN ((size_t)8 << 20)

/**
 * log_follower_create() - begin behind @from
 * @folder: the log folder; stays the caller's, open until log_follower_destroy()
 *
 * Return: 0; -errno. Call it before the process gives up its power: watching needs a path.
 */
int log_follower_create(int folder, const struct log_cursor *from,
			struct log_follower **ret);
void log_follower_destroy(struct log_follower *f);

/** log_follower_watch() - a descriptor that becomes readable when there may be more; -1: ask
 * now and then */
int log_follower_watch(const struct log_follower *f);

/** log_follower_clear_watch() - what woke us is known; call it before log_follower_next() */
void log_follower_clear_watch(struct log_follower *f);

/**
 * log_follower_next() - the next event
 *
 * What is no line of ours, or longer than EVENT_LINE_MAX, is passed over and counted. A
 * line is checked for its seq only: it is as hostile as any file's content.
 *
 * Return: 1; 0 if there is none for now; -EAGAIN after each LOG_FOLLOWER_TURN bytes that were
 * passed over: it goes on at the next call, after whatever else there is to do; -ESTALE if numbers are appended that were there
 * before: somebody began the log anew, and a follower with an empty cursor is due (@ret is
 * set); -errno.
 */
int log_follower_next(struct log_follower *f, struct log_line *ret);

/** log_follower_cursor() - behind the event that was given last */
void log_follower_cursor(const struct log_follower *f, struct log_cursor *ret);

/** log_follower_bad_lines() - passed over so far */
uint64_t log_follower_bad_lines(const struct log_follower *f);

/** log_line_seq() - what a line of ours begins with; false: it is none */
bool log_line_seq(struct span line, uint64_t *ret);

#endif
