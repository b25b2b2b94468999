/* SPDX-License-Identifier: Apache-2.0 */
/* The history process: keeps the index up to date until it is told to stop. */
#ifndef OUTPUT_HISTORY_PROCESS_H
#define OUTPUT_HISTORY_PROCESS_H

#include "output/history/indexer.h"
#include "output/history/room.h"

struct history_options {
	struct indexer_options indexer;
	struct room_limits room;	/* ROOM_LIMITS */
	int control_fd;			/* of who started us; -1 none */
	int (*control)(int control_fd); /* it is readable; negative: stop */
};

/** history_run() - until SIGTERM, or control() says so; SIGUSR1: make it anew; 0 or -errno */
int history_run(const struct history_options *options);

#endif
