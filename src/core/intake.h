/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intake: one thread that sleeps until some source has something, polls every module
 * until it is dry, and hands the batches to the queue. Nothing in it blocks but the queue.
 */
#ifndef CORE_INTAKE_H
#define CORE_INTAKE_H

#include "core/inbox.h"
#include "core/position.h"
#include "core/queue.h"
#include "core/registry.h"

struct intake_options {
	void *context;
	struct queue *queue;
	const struct position *position; /* where to go on, as of the start */
	struct inbox_set *inboxes;	 /* of external modules; may be NULL */
	int landed_fd; /* eventfd: a batch_land() said that somebody waits */
	uint64_t poll_interval_us;
	const char *(*option)(void *context, const char *module, const char *option);
	int (*source)(void *context, const char *module, const char *option);
	/* the modules are started; a chance to registry_emit() what happened before. May be NULL */
	void (*started)(void *context, struct registry *registry);
	uint64_t heartbeat_s; /* seconds between two heartbeat events; 0: none */
	/* look for a late source; may be NULL, as registry_callbacks.look */
	int (*look)(void *context, const char *module, const char *option);
	int control_fd; /* -1 for none */
	/* @control_fd is readable; negative: stop */
	int (*control)(void *context, struct registry *registry, int control_fd);
};

/**
 * intake_run() - until SIGTERM or until control() says stop; then what is there is polled
 * once more, the modules are stopped and the queue is closed
 *
 * SIGTERM must be blocked in all threads. Return: 0 or -errno.
 */
int intake_run(const struct intake_options *options);

#endif
