/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External modules: programs that print events. Each has a pipe, whose reading end goes
 * to core and is kept here for the next core; one that ends is started again with a new
 * pipe, and all that it started ends with it. Older pipes are kept while something is in them.
 */
#ifndef PRIVSEP_EXTERNALS_H
#define PRIVSEP_EXTERNALS_H

#include <stdbool.h>

#include "privsep/loop.h"
#include "privsep/reports.h"
#include "privsep/supervisor.h"

struct externals;

struct externals_options {
	sd_event *event;
	struct reports *reports;
	const struct supervisor_external *items;
	size_t n_items;
	uint64_t busy_us; /* who runs so long without waiting is told; 0: nobody */
	struct sandbox_page *sandboxes; /* may be NULL */
	size_t sandboxes_first;		/* row of the first item */
	void *context;
	/* tell core, if there is one now, about the module's (new) pipe */
	void (*attach)(void *context, const struct supervisor_external *item, int fd);
	/* after externals_stop(): the last one has ended */
	void (*all_gone)(void *context);
};

int externals_create(const struct externals_options *options, struct externals **ret);
void externals_destroy(struct externals *e);

void externals_start(struct externals *e);

/** externals_attach_all() - there is a new core: attach() every pipe there is */
void externals_attach_all(struct externals *e);

/** externals_stop() - ask all to go; those that do not are killed. None is started again
 */
void externals_stop(struct externals *e);
void externals_kill(struct externals *e);
bool externals_are_gone(const struct externals *e);

#endif
