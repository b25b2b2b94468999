/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon, put together from its parts (main.c), for `lksm run` (cli/run.c). */
#ifndef DAEMON_H
#define DAEMON_H

#include "base/buffer.h"

struct daemon_options {
	/**
	 * load() - read and check configuration and rules; in a sandboxed child, at start and
	 * at SIGHUP
	 * @secrets: an empty file that gets the dashboard's certificate and key, if there are
	 *	any, by output/dashboard/tls.h; -1: they are not asked for
	 * @packed: gets the rest, by core/settings.h; of a failure what was complained of
	 * Return: 0, or negative after complaining on stderr
	 */
	int (*load)(void *context, int secrets, struct buffer *packed);
	void *context;
	const char *(*config_path)(void *context); /* NULL: the default one */
};

/** daemon_run() - until SIGTERM or SIGINT; an exit code of the command line */
int daemon_run(const struct daemon_options *options);

#endif
