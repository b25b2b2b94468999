/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forked part of the daemon (core, web) as the supervisor sees it: running, being
 * stopped, or waiting to be started again.
 */
#ifndef PRIVSEP_WORKER_H
#define PRIVSEP_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "privsep/loop.h"

/** WORKER_STOP_US - so long after SIGTERM comes SIGKILL */
#define WORKER_STOP_US (10 * USEC_PER_SEC)

struct worker {
	const char *name; /* a literal */
	sd_event *event;
	void *context;
	pid_t (*start)(void *context); /* forks; the pid or -errno */
	/* it is gone; @reason is NULL if it was asked to go and did */
	void (*ended)(void *context, struct worker *w, const char *reason);
	/* somebody stopped it (SIGSTOP); it goes on already */
	void (*stopped)(void *context, struct worker *w);

	pid_t pid; /* 0: not running */
	bool is_asked;
	const char *accused; /* why we killed it, a literal; NULL: we did not */
	uint64_t started_us; /* CLOCK_MONOTONIC */
	unsigned int n_failures;
	sd_event_source *exit;
	sd_event_source *timer; /* to the SIGKILL, or to the next start */
};

/** worker_start() - now; if that fails, again after a pause */
void worker_start(struct worker *w);

/** worker_start_again() - it died: at once the first time, then after a growing pause */
void worker_start_again(struct worker *w);

/** worker_stop() - ask it to go, and make it go if it does not; ended() will be called */
void worker_stop(struct worker *w);

/** worker_kill() - at once; @why becomes the reason, NULL for none */
void worker_kill(struct worker *w, const char *why);

/** worker_forget() - no more starts, no more news of it */
void worker_forget(struct worker *w);

#endif
