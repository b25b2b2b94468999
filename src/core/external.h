/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipe of an external module: one JSON object a line,
 *
 *	{"type": "disk_hot", "data": {"disk": "sda", "celsius": 71}, "severity": "medium"}
 *
 *	type		required: snake_case, 1..63 bytes
 *	data		an object of at most 64 keys, absent: {}; nested values may be 8 KiB each
 *	severity	info (the default), medium, high, critical
 *	ts		seconds since boot, absent: now
 *	raw		bytes that data could not hold, escaped as the kernel does
 *
 * Nothing else may stand in it. The program at the other end is not trusted: lines are
 * bounded, nonsense and excess are counted and told about, a flood gets one turn like
 * everybody else.
 */
#ifndef CORE_EXTERNAL_H
#define CORE_EXTERNAL_H

#include "base/buffer.h"
#include "base/clock.h"
#include "core/batch.h"
#include "core/inbox.h"

/** EXTERNAL_LINE_MAX - a longer line, newline not counted, is skipped as nonsense */
#define EXTERNAL_LINE_MAX ((size_t)64 << 10)

/* Most that one turn takes. */
#define EXTERNAL_TURN_LINES 256
#define EXTERNAL_TURN_BYTES ((size_t)256 << 10)

enum external_result {
	EXTERNAL_DRY,
	EXTERNAL_MORE,
	EXTERNAL_END, /* the other end is closed and everything was taken */
};

struct external;

/**
 * external_create()
 * @name: the module's; copied
 * @is_trusted: the supervisor's own pipe: its severities default to those of event_types.h
 * @inbox: where it goes on, and what it leaves; NULL: it begins anew, and leaves nothing
 */
int external_create(const char *name, bool is_trusted, struct inbox *inbox,
		    struct external **ret);
void external_destroy(struct external *e);

/** external_set_rate_limit() - events a second, 0 for no limit */
void external_set_rate_limit(struct external *e, uint64_t rate_limit);

/**
 * external_set_pipe() - what is polled from now on
 * @pipe: its st_ino. A line that another pipe began ends there.
 */
void external_set_pipe(struct external *e, uint64_t pipe);

/**
 * external_poll() - one turn, with none in flight
 * @fd: non-blocking
 * @out: reset for this module
 *
 * Return: enum external_result, or -errno of read(2).
 */
int external_poll(struct external *e, int fd, struct now now, struct lksm_batch *out);

/** external_finish() - nothing more comes from this pipe: a line without its end is taken */
void external_finish(struct external *e, struct lksm_batch *out);

/**
 * external_end() - this core ends: what was counted is told, though it is early
 *
 * Half a line stays in the inbox; without one it is taken, as by external_finish().
 */
void external_end(struct external *e, struct now now, struct lksm_batch *out);

/**
 * external_take_off() - the turn is over: @out is handed over next
 *
 * With an inbox, its events are in flight until the writer calls batch_land().
 */
void external_take_off(struct external *e, struct lksm_batch *out);
bool external_is_in_flight(const struct external *e);

/** external_has_pending() - something was counted and is to be told when its time has come */
bool external_has_pending(const struct external *e);

/** external_append_line() - the other direction: an event as a line for such a pipe */
void external_append_line(struct buffer *out, const struct lksm_event *event);

#endif
