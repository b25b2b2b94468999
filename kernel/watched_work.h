/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work that has to go on: whoever cancels it, or takes its timer out, makes a part of the
 * sensor blind, and touches no probe and no code. So the canary looks after the sweeps, the
 * sweeps look after the canary, and each scan looks after both.
 */
#ifndef PHOTON_RING_WATCHED_WORK_H
#define PHOTON_RING_WATCHED_WORK_H

#include <linux/workqueue.h>

/**
 * struct watched_work - one work that queues itself again and again
 * @name: as in sensor_disarmed's what=
 * @work: takes a step at least every 2 s, and may take its time for it
 * @last: jiffies at its last step; 0 when it is not to go on
 * @n_late: looks in a row that found it late
 * @is_dead: told, as is that it goes on again
 */
struct watched_work {
	const char *name;
	struct delayed_work *work;
	unsigned long last;
	unsigned int n_late;
	unsigned long is_dead;
};

/* At the start, and at each step. */
void watched_work_step(struct watched_work *watched);

/* As soon as we have cancelled it. */
void watched_work_end(struct watched_work *watched);

/* Tells if it has stopped, or goes on again. Looks are at least 0.1 s apart. */
void watched_work_look(struct watched_work *watched);

/* Looks until it is known. Sleeps. */
void watched_work_look_closely(struct watched_work *watched);

#endif
