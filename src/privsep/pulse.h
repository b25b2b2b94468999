/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a child well? It is asked over its control channel, again and again, and has to
 * answer. Patience is counted in turns of a timer and not in time, and a turn that we
 * ourselves were late for does not count: neither a machine that stood still for an hour,
 * nor a supervisor that was busy with something big, makes a child hang.
 */
#ifndef PRIVSEP_PULSE_H
#define PRIVSEP_PULSE_H

#include <stdbool.h>

#include "privsep/loop.h"

struct pulse {
	sd_event *event;
	const char *name;     /* of the child, for messages */
	uint64_t watchdog_us; /* 0: it is asked once, at its start */
	void *context;
	void (*hung)(void *context); /* it does not answer; told again each turn */

	int channel; /* -1: no child */
	sd_event_source *timer;
	bool is_asked;	       /* and has not answered */
	bool has_answered;     /* this child, at least once */
	unsigned int n_missed; /* turns since it was asked */
};

/** pulse_start() - a child was started, whose control channel's other end is @channel */
int pulse_start(struct pulse *p, int channel);

/**
 * pulse_answered() - it says that it is well
 *
 * Return: false if nobody had asked, which no child of ours does.
 */
bool pulse_answered(struct pulse *p);

/** pulse_served() - it asked us for something, and waited until now; its time begins anew */
void pulse_served(struct pulse *p);

/** pulse_stop() - the child is gone */
void pulse_stop(struct pulse *p);

#endif
