/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's end of web's control channel. Web speaks with strangers, so it may say
 * one thing only, and only when it is asked: that it is well.
 */
#ifndef PRIVSEP_WEB_LINK_H
#define PRIVSEP_WEB_LINK_H

#include "privsep/loop.h"
#include "privsep/pulse.h"
#include "privsep/supervisor.h"

struct web_link {
	sd_event *event;
	struct pulse pulse;
	void *context;
	void (*broken)(void *context); /* it said something else */

	int control_fd; /* -1: no web */
	sd_event_source *control;
};

/** web_link_open() - a new channel; @ret: web's end, to be closed here after the fork */
int web_link_open(struct web_link *l, struct child_channels *ret);

/** web_link_start() - listen to the web that has been forked, and ask whether it is well */
int web_link_start(struct web_link *l);

/** web_link_close() - web is gone */
void web_link_close(struct web_link *l);

#endif
