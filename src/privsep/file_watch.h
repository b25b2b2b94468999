/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that are to be read again when somebody saved them: one call for a burst of changes.
 * What has changed is for others to find out; who saves a file makes several notices, and some
 * of them while it is not whole.
 */
#ifndef PRIVSEP_FILE_WATCH_H
#define PRIVSEP_FILE_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "privsep/loop.h"

/** FILE_WATCH_MAX - files and folders; more are not watched, which is said */
#define FILE_WATCH_MAX 48

/**
 * FILE_WATCH_REST_US, FILE_WATCH_LONGEST_US - a burst is over when nothing happened for the one;
 * after the other it is told all the same
 */
#define FILE_WATCH_REST_US    (200 * USEC_PER_SEC / 1000)
#define FILE_WATCH_LONGEST_US (700 * USEC_PER_SEC / 1000)

struct file_watch;

struct file_watched {
	struct file_watch *watch;
	char *path;   /* as it was given; owned, as the next */
	char *folder; /* which is watched */
	char *name; /* of the one file in it, or of what is missing; NULL: every *.yaml */
	bool is_lost; /* the folder is gone, or has another name */
	sd_event_source *source;
};

/** Begin with { .event, .context, .changed }. */
struct file_watch {
	sd_event *event;
	void *context;
	void (*changed)(void *context);
	size_t n;
	struct file_watched items[FILE_WATCH_MAX];
	sd_event_source *rest;
	uint64_t begun_us; /* the burst; 0: there is none */
};

/**
 * file_watch_start() - watch these, instead of those before if they are others
 * @paths: of a folder, its files *.yaml; of anything else the file of that name, there or not.
 *	What comes to be there later is told; to see what is in it, this is called again then
 *
 * What cannot be watched is said in the log, and left out.
 */
void file_watch_start(struct file_watch *w, const char *const *paths, size_t n);

/** file_watch_forget() - what was saved so far is read now anyway */
void file_watch_forget(struct file_watch *w);

void file_watch_stop(struct file_watch *w);

#endif
