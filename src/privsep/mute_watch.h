/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who mutes events is told of as an event: when the file was saved, a child takes it apart
 * (loader.h), and what is in it now is compared with what was. A notice comes at once; of what
 * is written by another name, through a mapping or behind a link comes none, so the file is
 * looked at, too.
 */
#ifndef PRIVSEP_MUTE_WATCH_H
#define PRIVSEP_MUTE_WATCH_H

#include "core/mutes_file.h"
#include "core/mutes_page.h"
#include "privsep/file_watch.h"
#include "privsep/loader.h"
#include "privsep/reports.h"

/** MUTE_WATCH_LOOK_US - from one look to the next */
#define MUTE_WATCH_LOOK_US (10 * USEC_PER_SEC)

/** Begin with the first five. */
struct mute_watch {
	sd_event *event;
	struct reports *reports;
	loader_load *load; /* mutes_load_lines() of the file, in a child */
	void *context;
	struct mutes_page
		*page; /* gets what is in force, for the dashboard; NULL: nobody asks */
	char *path;    /* of it; owned */
	struct file_watch files;
	struct mutes_file file; /* as it was read last */
	sd_event_source *look;
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
