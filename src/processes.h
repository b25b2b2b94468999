/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor has opened, and what the processes that inherit it run. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include "core/counters.h"
#include "core/inbox.h"
#include "core/sandbox_page.h"
#include "daemon.h"
#include "output/dashboard/dashboard.h"
#include "output/live.h"
#include "privsep/loader.h"
#include "privsep/module_dir.h"
#include "privsep/supervisor.h"
#include "privsep/users.h"

#define SOURCES_MAX 16

/* of the sandbox page */
enum {
	ROW_CORE,
	ROW_WEB,
	ROW_HISTORY,
	ROW_MODULES, /* the first of them */
};

struct source {
	const char *module;
	const char *option;
	int fd; /* or -errno */
};

struct daemon {
	const struct daemon_options *options;
	struct settings settings;
	struct storage *storage;
	struct state_page *page;
	struct sandbox_page *sandboxes; /* NULL: there is no room for it */
	const struct sandbox_page *sandboxes_view;
	struct counters *counters;
	const struct counters *counters_view;
	struct inbox_set *inboxes; /* core's alone */
	/* the supervisor writes it, web reads it; both may be NULL */
	struct mutes_page *mutes;
	const struct mutes_page *mutes_view;
	struct users users;
	struct live_ring *ring;
	int ring_fd;
	int wake_fd;
	int listen_fd;
	int tls_fd; /* the dashboard's certificate and key, web's alone; -1: plain HTTP */
	char boot_id[37];
	int logs_fd,
		history_fd; /* the folders, history's alone, and web's to read; -1: there
				  * is no history */
	int seal_fd;	    /* the key file; -1: no seals */
	char token[DASHBOARD_TOKEN_SIZE];
	struct module_dir externals;
	size_t n_sources;
	struct source sources[SOURCES_MAX];
};

/**
 * source_split_name() - "kprobe_reader.proc", a module's option, as sources are called on
 * the channel; @name becomes the module's
 */
bool source_split_name(char *name, const char **ret_option);

/** core_main() - the core process: everything it needs is inherited or asked for; an exit code */
int core_main(void *context, const struct child_channels *channels);

/** history_main() - the history process: the logs to read, a folder to write in */
int history_main(void *context, const struct child_channels *channels);

/** web_main() - the web process: a read-only view of the ring, a listening socket, the token */
int web_main(void *context, const struct child_channels *channels);

#endif
