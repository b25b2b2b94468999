/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's ends of core's two channels, and the question whether core is well. */
#ifndef PRIVSEP_CORE_LINK_H
#define PRIVSEP_CORE_LINK_H

#include "privsep/loop.h"
#include "privsep/pulse.h"
#include "privsep/storage.h"
#include "privsep/supervisor.h"

struct core_link {
	sd_event *event;
	struct storage *storage;
	struct pulse pulse;
	void *context;
	void (*answered)(void *context);	       /* core is well */
	void (*look)(void *context, const char *name); /* core wants a source */

	int control_fd, storage_fd; /* -1: no core */
	sd_event_source *control, *requests;
};

/** core_link_open() - new channels; @ret: core's ends, to be closed here after the fork
 */
int core_link_open(struct core_link *l, struct child_channels *ret);

/** core_link_start() - serve the core that has been forked, and ask whether it is well */
int core_link_start(struct core_link *l);

/** core_link_attach() - tell core about a module's pipe; without a core, nothing happens
 */
void core_link_attach(struct core_link *l, const char *name, int fd, uint64_t rate_limit);

/** core_link_give() - a source that core looks for; @fd stays the caller's. -errno: none */
void core_link_give(struct core_link *l, const char *name, int fd);

/** core_link_close() - core is gone */
void core_link_close(struct core_link *l);

#endif
