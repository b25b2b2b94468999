/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an event, from a source to every consumer; see pipeline.c. */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <stdatomic.h>

#include "core/config.h"
#include "core/intake.h"
#include "core/lines.h"
#include "core/position.h"
#include "core/reserve.h"
#include "core/seal.h"
#include "output/json_logger.h"
#include "output/live.h"

/** What the two threads of the core process share; the owner fills it (main.c). */
struct pipeline {
	struct intake_options intake;
	struct queue *queue;
	struct lines lines; /* names, stamps, encodes */
	struct json_logger *logger;
	struct live_ring *ring;
	int wake_fd; /* eventfd: the ring has news */
	struct state_page *page;
	struct reserve reserve;
	struct position position; /* what is in the log; the writer's while it runs */
	struct sealer *sealer;	  /* NULL: the log is not sealed */
	enum config_fsync fsync;
	uint64_t
		due_us; /* when what was written is to be sealed, synced; 0: nothing is */
	bool is_seal_failing, is_sync_failing;
	int seal_error;	    /* that was not told of yet; 0: none */
	int write_error;    /* of the last failure that was not told of yet; 0: none */
	size_t n_delayed;   /* events that had to wait for it */
	atomic_ulong turns; /* odd while the writer is at work, for the watchdog */
};

/** pipeline_run() - until the intake is told to stop and all it took is written; 0 or -errno */
int pipeline_run(struct pipeline *p);

#endif
