/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: the process that keeps its privilege, opens what the others need, starts
 * them, starts them again when they die, and stops them in order. It knows the parts only
 * as functions to call in a child.
 *
 *	supervisor ── fork ──► core   (control channel, storage channel, what is inherited)
 *	           ├─ fork ──► web
 *	           └─ exec ──► external modules, stdout a pipe whose other end core gets
 */
#ifndef PRIVSEP_SUPERVISOR_H
#define PRIVSEP_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "core/sandbox_page.h"
#include "privsep/loader.h"
#include "privsep/storage.h"

/** What a child gets; descriptors are its own. */
struct child_channels {
	int control; /* CHANNEL_PING comes in, and for core CHANNEL_MODULE (non-blocking);
		      * closed: the supervisor died */
	int storage; /* core: for storage_request_…(); -1 for web */
};

struct supervisor_external {
	const char *name;	 /* of the module */
	const char *const *argv; /* NULL-terminated; argv[0] a path */
	uint64_t rate_limit;	 /* events a second */
	int pipe; /* > 0: somebody else runs it, and what it says comes here */
	bool is_sandboxed;
	struct sandbox_options sandbox; /* before it is run */
};

struct supervisor_options {
	void *context;
	/*
	 * Run in the child, which has the descriptors that were open when
	 * supervisor_run() was called (or that reload() opened) and its own channels, no
	 * others. SIGTERM asks it to finish and return; SIGINT, SIGHUP and SIGPIPE are
	 * ignored in it. The result is its exit status. A child says that it runs by
	 * answering each CHANNEL_PING.
	 */
	int (*core)(void *context, const struct child_channels *channels);
	int (*web)(void *context,
		   const struct child_channels *channels); /* NULL: no dashboard */
	int (*history)(void *context,
		       const struct child_channels *channels); /* NULL: no history */
	/**
	 * SIGHUP: read configuration and rules again; all or nothing
	 * Return: 0: core and the others are restarted in turn, to run with what @context now
	 * holds, and @says becomes the event's `rules` (config_reloaded); negative: @says
	 * why (config_rejected), everything stays
	 */
	int (*reload)(void *context, struct buffer *says);
	/**
	 * Files of rules were saved: read them again, and nothing else
	 * Return: 1: as reload() with 0; 0: they are those that are in force; negative: @says
	 * why (config_rejected), everything stays
	 */
	int (*reload_rules)(void *context, struct buffer *says);
	/**
	 * Which files and folders are watched for that; asked again after each reload
	 * @ret: gets at most FILE_WATCH_MAX, the context's until the next reload
	 * Return: how many. NULL: only SIGHUP has rules read again
	 */
	size_t (*rule_paths)(void *context, const char **ret);
	const char *mutes_path;	  /* what is muted is told of; NULL: nobody can mute. Read
				 * only when supervisor_run() starts */
	loader_load *load_mutes;  /* mutes_load_lines(), with @context */
	struct mutes_page *mutes; /* gets those in force; NULL: nobody shows them */
	/**
	 * What core inherits from the log folder is not there any more: put something else
	 * in its place, before the next core. Return: 0 or -errno. NULL: core goes on
	 * with what it has
	 */
	int (*renew)(void *context);
	/*
	 * Open a source that core looks for; what it may ask for is ours to know
	 * Return: a descriptor, ours from now on; -errno. NULL: there are none.
	 */
	int (*open_source)(void *context, const char *name);
	struct storage *storage;
	const struct supervisor_external *externals;
	size_t n_externals;
	uint64_t busy_us; /* an external that runs so long without waiting is told of */
	struct sandbox_page *sandboxes; /* what externals write theirs down in, or NULL */
	size_t sandboxes_first;		/* row of the first external */
	uint64_t
		watchdog_us; /* a child that does not answer for half of it hangs; 0: none */
};

/**
 * supervisor_run() - start everything, stay until SIGTERM or SIGINT, stop everything
 *
 * Children that die are started again at once the first time, then with a growing pause
 * of at most one second (externals: up to a minute), and an event says so
 * (process_restarted, module_failed), over a pipe that core reads like any external
 * module's, named "lksm". systemd is told READY, RELOADING, STOPPING and WATCHDOG where
 * it listens.
 *
 * Return: 0 after a clean stop, 1 if core ended in it otherwise than asked (what it had
 * taken may not all be in the log), -errno.
 */
int supervisor_run(const struct supervisor_options *options);

#endif
