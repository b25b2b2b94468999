/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who mutes events is told of as an event, however he wrote the file: when it was saved, a child
 * takes it apart (loader.h), and what is in it now is compared with what was.
 */
#ifndef PRIVSEP_MUTE_WATCH_H
#define PRIVSEP_MUTE_WATCH_H

#include "privsep/file_watch.h"
#include "privsep/loader.h"
#include "privsep/reports.h"

/** Begin with the first four. */
struct mute_watch {
	sd_event *event;
	struct reports *reports;
	loader_load *load; /* mutes_load_lines() of the file, in a child */
	void *context;
	char *path; /* of it; owned */
	struct file_watch files;
	struct buffer known; /* the lines that are in force */
};

/**
 * mute_watch_start() - of what is in the file now, only the number is told (mutes_in_force)
 * @path: of the file, there or not; copied
 */
void mute_watch_start(struct mute_watch *w, const char *path);
void mute_watch_stop(struct mute_watch *w);

/** mute_watch_compare() - tell of each line that only one of them has; @now_us: since 1970 */
void mute_watch_compare(struct reports *reports, struct span before, struct span after,
			uint64_t now_us);

#endif
