/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking after the log folder: once an hour retention, and compression one log at a time;
 * and whenever somebody else touches our files.
 */
#ifndef PRIVSEP_UPKEEP_H
#define PRIVSEP_UPKEEP_H

#include <sys/types.h>

#include "privsep/loop.h"
#include "privsep/storage.h"

struct upkeep {
	sd_event *event;
	struct storage *storage;
	void *context;
	void (*own_lost)(void *context); /* see storage_take_own_lost() */
	sd_event_source *timer;
	sd_event_source *compressor;
	sd_event_source *watch, *pause;
};

/** upkeep_start() - the first time now */
void upkeep_start(struct upkeep *u);
void upkeep_stop(struct upkeep *u);

#endif
