/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon, put together from its parts (main.c), for `lksm run` (cli/run.c). */
#ifndef DAEMON_H
#define DAEMON_H

#include "core/config.h"
#include "core/rules.h"

struct daemon_options {
	struct config *config;
	struct rules *rules;
	/**
	 * reload() - read both again; all or nothing
	 * @says: on success, how many rules; else why not
	 * Return: 0, or negative with @says: @config and @rules are as they were
	 */
	int (*reload)(struct config *config, struct rules **rules, void *context,
		      struct buffer *says);
	void *context;
	bool has_dashboard;
};

/** daemon_run() - until SIGTERM or SIGINT; an exit code of the command line */
int daemon_run(struct daemon_options *options);

#endif
