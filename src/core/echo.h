/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lines of the kernel log are the sensor's? Each of its records stands in two places:
 * in its own channel, where nobody else can write, and mirrored in the kernel log, where a
 * crafted name can be made to look like it. So every line with the sensor's tag is matched
 * with the records' mirror texts, as a multiset:
 *
 *	a record with that text	is there or comes	ECHO: nothing new
 *	no record				NO_RECORD, ECHO_PATIENCE_US after the line
 *	older than the records that we know	UNVERIFIED
 *	no channel				UNJUDGED; UNVERIFIED if there was one before
 *
 * Pure: no input, no clock. A line that has to wait is kept here, ECHO_PENDING_MAX of them;
 * who finds no room reads no more lines until the records are read, and then the oldest
 * line's time is up at once: what the sensor said is in its channel before its mirror is.
 */
#ifndef CORE_ECHO_H
#define CORE_ECHO_H

#include "lksm/module.h"

#include "base/span.h"

/** ECHO_PATIENCE_US - so long a line may wait for its record */
#define ECHO_PATIENCE_US 2000000

/** ECHO_PENDING_MAX - lines that wait; half of POSITION_HELD_MAX, see pipeline.c */
#define ECHO_PENDING_MAX 32

/**
 * ECHO_RECORDS_MAX - records whose mirror was not seen yet. Beyond that the oldest is
 * forgotten, and lines of its time are no longer suspected, as after any loss of records.
 */
#define ECHO_RECORDS_MAX 65536

/** ECHO_STALE_US - the mirror of a record so much older than a line will not come */
#define ECHO_STALE_US 60000000

#define ECHO_KEY_SIZE 16

struct echo;

/** echo_create() - @key: random, so that nobody can make two texts look the same */
int echo_create(const unsigned char key[static ECHO_KEY_SIZE], struct echo **ret);
void echo_destroy(struct echo *e);

/** echo_asked() - whether there is a channel will be known soon: lines wait */
void echo_asked(struct echo *e);

/** echo_opened() - there is one; @is_new: of another instance than before */
void echo_opened(struct echo *e, bool is_new);

/** echo_closed() - there is none, or none any more: the lines that wait are decided */
void echo_closed(struct echo *e);

/** echo_lost() - records were lost before the one of @ts_us: doubt, not suspicion */
void echo_lost(struct echo *e, uint64_t ts_us);

/** echo_record() - a record: @mirror is what stands behind the tag, not escaped */
void echo_record(struct echo *e, struct span mirror, uint64_t ts_us);

/**
 * echo_line() - a line of facility 0 that begins with the tag
 * @line: kept (copied) if it is UNDECIDED
 * @text: what stands behind the tag, with the kernel log's own escapes undone
 *
 * Not to be called while echo_is_full(). Return: the verdict; -ENOMEM.
 */
int echo_line(struct echo *e, const struct lksm_record *line, struct span text,
	      uint64_t now_us);

/** echo_known_line() - one that was decided before our start: it takes its record away */
void echo_known_line(struct echo *e, struct span text, uint64_t ts_us);

bool echo_is_full(const struct echo *e);
size_t echo_count_pending(const struct echo *e);

/**
 * echo_next_decided() - a line that waits no more
 * @is_dry: all records there are were read at @now_us
 * @ret: with its verdict; its text holds until the next call of any of these
 */
bool echo_next_decided(struct echo *e, uint64_t now_us, bool is_dry,
		       struct lksm_record *ret);

#endif
