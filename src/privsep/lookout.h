/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources that may come and go, and that core cannot open itself: the sensor's channel is
 * there when its module is loaded. Core asks; as long as nothing is found, we look again.
 * While core has what it asked for, nothing runs here.
 */
#ifndef PRIVSEP_LOOKOUT_H
#define PRIVSEP_LOOKOUT_H

#include <stdbool.h>

#include "privsep/channel.h"
#include "privsep/loop.h"

/**
 * LOOKOUT_PERIOD_US - between two looks that nobody asked for. procfs tells nobody of a new
 * file. But a sensor that is loaded says so in the kernel log, too, and core asks at once: this
 * is for when that line was lost, and is most of what an idle daemon wakes up for.
 */
#define LOOKOUT_PERIOD_US (5 * USEC_PER_SEC)

#define LOOKOUT_SOURCES_MAX 4

struct lookout {
	sd_event *event;
	void *context;
	/* a descriptor, to be closed here, or -errno */
	int (*open)(void *context, const char *name);
	/* the answer; @fd is closed afterwards. -errno only if core has just asked */
	void (*give)(void *context, const char *name, int fd);

	size_t n;
	char names[LOOKOUT_SOURCES_MAX][CHANNEL_NAME_SIZE]; /* not found yet */
	int said; /* the last errno that was worth a warning, 0 for none */
	sd_event_source *timer;
};

/** lookout_ask() - look for it now, answer, and go on looking until it is there */
void lookout_ask(struct lookout *l, const char *name);

/** lookout_stop() - core is gone: nobody asks for anything */
void lookout_stop(struct lookout *l);

#endif
