/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's own events: lines on a pipe that core reads like any external
 * module's. */
#ifndef PRIVSEP_REPORTS_H
#define PRIVSEP_REPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lksm/module.h"
#include "privsep/loop.h"

/** REPORTS_NAME - of the pipe, as a module */
#define REPORTS_NAME "lksm"

struct reports {
	int read_fd; /* core gets it, and gets it again when it was restarted */
	int write_fd;
	sd_event_source *room; /* in the pipe, for what was lost to be told */
	uint64_t n_made;
	uint64_t n_lost, first_lost; /* running numbers, from 0 */
};

/** A number is given as text, too, and @is_number set. */
struct report_datum {
	const char *key;
	const char *value;
	bool is_number;
};

/** reports_open() - @event has to live longer; 0 or -errno, and nothing to close */
int reports_open(struct reports *r, sd_event *event);
void reports_close(struct reports *r);

/**
 * reports_add() - one event; @type stands in lksm/event_types.h, which tells the severity
 * @data: two keys, or one and { NULL }
 *
 * Faster than core reads, or with no core for so long that the pipe is full, the event is
 * only in the program's log, and becomes `records_lost` when there is room.
 */
void reports_add(struct reports *r, const char *type,
		 const struct report_datum data[static 2]);

/** reports_add_all() - the same with any severity and any number of keys */
void reports_add_all(struct reports *r, const char *type, enum lksm_severity severity,
		     const struct report_datum *data, size_t n_data);

/**
 * reports_add_death() - a process ended for @reason: an event @type, which calls it @key;
 * `sandbox_violated` if it was killed for a call that its sandbox does not allow
 */
void reports_add_death(struct reports *r, const char *type, const char *key,
		       const char *name, const char *reason);

/** reports_add_stop() - `process_stopped`: a process of ours got a SIGSTOP */
void reports_add_stop(struct reports *r, const char *name);

#endif
