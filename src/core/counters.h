/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened since the daemon began, as numbers for GET /metrics: a page that core's writer
 * fills and that others map read-only. It outlives a core that dies, so that they only grow.
 *
 * An event costs a look into a table of types, one into a table of rules if a rule named it, and
 * an increment in each. The tables are bounded: what comes when one is full is counted together,
 * as "other".
 */
#ifndef CORE_COUNTERS_H
#define CORE_COUNTERS_H

#include "core/event.h"

/** COUNTERS_TYPES - so many types have numbers of their own */
#define COUNTERS_TYPES 128

/** COUNTERS_RULES - and so many rules */
#define COUNTERS_RULES 512

/** COUNTERS_NAME_SIZE - of a name, NUL included; a longer one is an "other" */
#define COUNTERS_NAME_SIZE 48

/** Why records were lost; the reason of a records_lost event. */
#define COUNTERS_LOST_REASONS(X) X(overrun) X(overwritten) X(before_start) X(gap) X(other)

/** Parts of the daemon that died and were started again; a module's death is a module_failed. */
#define COUNTERS_PROCESSES(X) X(core) X(web) X(history) X(other)

enum counters_lost {
#define X(name) COUNTERS_LOST_##name,
	COUNTERS_LOST_REASONS(X)
#undef X
	COUNTERS_LOST_COUNT,
};
enum counters_process {
#define X(name) COUNTERS_PROCESS_##name,
	COUNTERS_PROCESSES(X)
#undef X
	COUNTERS_PROCESS_COUNT,
};

enum counters_sensor {
	COUNTERS_SENSOR_GONE, /* or never there */
	COUNTERS_SENSOR_ARMED,
	COUNTERS_SENSOR_DISARMED,
};

struct counters;

/**
 * counters_create() - all zero
 * @ret: for writing, and shared over fork()
 * @ret_view: the same memory for reading only; no call can make it writable
 */
int counters_create(struct counters **ret, const struct counters **ret_view);

void counters_unmap(const struct counters *c);

/** counters_add_event() - the writer's: an event that was given its seq; @c may be NULL */
void counters_add_event(struct counters *c, const struct lksm_event *event);

/** counters_add_written() - the writer's: so much of it is in the log */
void counters_add_written(struct counters *c, size_t n_lines, size_t n_bytes);

/** counters_add_failure() - the writer's: a write that had to be tried again */
void counters_add_failure(struct counters *c);

/** counters_note_channel() - anybody's: the sensor's channel is open, whatever it says next */
void counters_note_channel(struct counters *c);

/** The numbers of one type, or of one rule. */
struct counters_type {
	char name[COUNTERS_NAME_SIZE];
	uint64_t by_severity[EVENT_SEVERITY_COUNT];
};

/** All that are not of a type. */
struct counters_values {
	uint64_t lost[COUNTERS_LOST_COUNT]; /* records */
	uint64_t restarts[COUNTERS_PROCESS_COUNT];
	uint64_t seals, log_lines, log_bytes, log_failures;
	bool is_blocked;    /* the last write failed, and is tried again */
	uint64_t sealed_to; /* seq up to which the last seal vouches; 0 without one */
	enum counters_sensor sensor;
};

void counters_get(const struct counters *c, struct counters_values *ret);

/** counters_get_type() - the @i-th, "other" the last; false if there is none at @i, which
 * counts up to COUNTERS_TYPES, or nothing of it was seen */
bool counters_get_type(const struct counters *c, size_t i, struct counters_type *ret);

/** counters_get_rule() - as counters_get_type(), of up to COUNTERS_RULES rules: the events that
 * each named; lines that a rule drops are none */
bool counters_get_rule(const struct counters *c, size_t i, struct counters_type *ret);

/** counters_of_rule() - the events that this one named; 0 also if it has no number of its own */
uint64_t counters_of_rule(const struct counters *c, struct span rule);

/** counters_lost_name(), counters_process_name() - literals */
const char *counters_lost_name(enum counters_lost reason);
const char *counters_process_name(enum counters_process process);

#endif
