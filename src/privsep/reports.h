/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's own events: lines on a pipe that core reads like any external
 * module's. */
#ifndef PRIVSEP_REPORTS_H
#define PRIVSEP_REPORTS_H

/** REPORTS_NAME - of the pipe, as a module */
#define REPORTS_NAME "lksm"

struct reports {
	int read_fd; /* core gets it, and gets it again when it was restarted */
	int write_fd;
};

struct report_datum {
	const char *key;
	const char *value;
};

int reports_open(struct reports *r);
void reports_close(struct reports *r);

/**
 * reports_add() - one event; @type stands in lksm/event_types.h, which tells the severity
 * @data: two keys, or one and { NULL }
 *
 * With no core for so long that the pipe is full, the event is only in the program's log.
 */
void reports_add(struct reports *r, const char *type,
		 const struct report_datum data[static 2]);

#endif
