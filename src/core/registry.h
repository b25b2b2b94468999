/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: every module that feeds this program, built in or not, and the turn-taking
 * between them. It owns no loop and reads no clock: descriptors to watch are told to the
 * caller, time comes in.
 *
 * A module that fails is stopped, reported once (module_failed) and left out; the others go
 * on. External modules (a .so in `lksm module-host`, or any program that prints JSON lines)
 * are descriptors handed over by the supervisor: see registry_attach().
 */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "base/buffer.h"
#include "base/clock.h"
#include "core/batch.h"

/** REGISTRY_MODULES_MAX - more are refused */
#define REGISTRY_MODULES_MAX 64

/** REGISTRY_PIPES_MAX - of one external module, read one after the other; more are refused */
#define REGISTRY_PIPES_MAX 8

/** REGISTRY_OWN_PIPE - the external "module" that is the supervisor itself: believed, no limit */
#define REGISTRY_OWN_PIPE "lksm"

struct registry;

struct registry_callbacks {
	void *context;
	/* watch or unwatch a descriptor for reading; 0 or -errno */
	int (*watch)(void *context, int fd);
	void (*unwatch)(void *context, int fd);
	/* last record of a stream that is safely in the log: as lksm_host.position() */
	int (*position)(void *context, const char *stream, uint64_t *ret);
	/* as lksm_host.held(); may be NULL */
	int (*held)(void *context, const char *stream, uint64_t from, uint64_t *ret);
	/* look for a late source; registry_give_source() answers. NULL: nobody can */
	int (*look)(void *context, const char *module, const char *option);
	/* the value of modules.<module>.<option>, NULL if not configured */
	const char *(*option)(void *context, const char *module, const char *option);
	/* the descriptor opened for a source option; -errno if that failed */
	int (*source)(void *context, const char *module, const char *option);
	/* an empty batch to fill (waits a little for room: the queue is bounded; NULL if
	 * there is none: the turn comes again), and handing it on */
	struct lksm_batch *(*get_batch)(void *context);
	void (*put_batch)(void *context, struct lksm_batch *batch);
	/* where an external module's lines outlive this process, or NULL. May be NULL. With
	 * one, a turn's events are in flight until batch_land(); then there is to be a
	 * registry_poll_all() */
	struct inbox *(*inbox)(void *context, const char *name);
};

/**
 * lksm_builtin_modules - the generated table of built-ins, ends with NULL
 *
 *	const struct lksm_module *const *const lksm_builtin_modules[] = {
 *		&lksm_builtin_kprobe_reader,
 *		NULL,
 *	};
 */
extern const struct lksm_module *const *const lksm_builtin_modules[];

int registry_create(const struct registry_callbacks *callbacks, struct registry **ret);
void registry_destroy(struct registry *r);

/**
 * registry_add() - check a module, fill in its options
 * @module: must outlive the registry
 * @is_builtin: as batch_reset()
 * @reason: gets a sentence when the module is refused
 *
 * Return: 0; -EINVAL refused; -ENOMEM.
 */
int registry_add(struct registry *r, const struct lksm_module *module, bool is_builtin,
		 struct buffer *reason);

/**
 * registry_discover() - add every built-in but those that run apart; refused ones become
 * module_refused events
 */
int registry_discover(struct registry *r);

/**
 * registry_attach() - (re)connect the external module @name to the pipe @fd, which is taken
 *
 * Lines on the pipe: see core/external.h. The former pipe, if any, is read until it is dry
 * first. At most @rate_limit events a second (0: no limit); the excess is counted and
 * becomes records_lost with reason rate_limit.
 *
 * Return: 0; -EINVAL, -ENOSPC, -EBUSY refused, @fd is closed, and a module_refused event
 * says why: nothing to stop for; -ENOMEM.
 */
int registry_attach(struct registry *r, const char *name, int fd, uint64_t rate_limit);

/** registry_start_all() - start them; one that fails is reported and left out */
int registry_start_all(struct registry *r, struct now now);

/**
 * registry_give_source() - a late source is there
 * @fd: taken; or -errno: it is not, which is of interest to a module that asks only
 */
void registry_give_source(struct registry *r, const char *module, const char *option,
			  int fd);

/** registry_readable() - @fd, which some module watches, has something */
void registry_readable(struct registry *r, int fd);

/**
 * registry_poll_all() - one fair round: each module that is due gets one poll()
 *
 * Return: 1 if some module has more to come: call again; 0 if all are dry.
 */
int registry_poll_all(struct registry *r, struct now now);

/** registry_is_waiting() - is anything in flight, behind which there may be more? */
bool registry_is_waiting(const struct registry *r);

/** registry_needs_ticks() - does any module live by poll_interval? */
bool registry_needs_ticks(const struct registry *r);

/** registry_tick() - poll_interval has passed: modules that live by it are due */
void registry_tick(struct registry *r);

/** registry_count_started() - how many modules run */
size_t registry_count_started(const struct registry *r);

/** registry_has_failed() - is a built-in module left out, which a new start may bring back? */
bool registry_has_failed(const struct registry *r);

/**
 * registry_finish() - nothing more is read: external modules' tallies are told, but for those
 * with something in flight; half a line is left to the next core
 */
void registry_finish(struct registry *r, struct now now);

/** registry_emit() - an event of LKSM's own, through the same batches as all others */
int registry_emit(struct registry *r, struct now now, const char *type,
		  const struct datum *data, size_t n_data);

void registry_stop_all(struct registry *r);

#endif
