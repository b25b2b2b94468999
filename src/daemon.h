/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon, put together from its parts (main.c), for `lksm run` (cli/run.c). */
#ifndef DAEMON_H
#define DAEMON_H

#include "base/buffer.h"
#include "core/config.h"

/*
 * What is read and checked at a start and at SIGHUP; each in a sandboxed child of its own, as
 * what is wrong with rules or a certificate must not become configuration. All return 0, or
 * negative after complaining on stderr; @packed, by core/settings.h, then has the complaints.
 */
struct daemon_options {
	int (*load_config)(void *context, struct buffer *packed);
	/** load_tls() - into @secrets, an empty file, by output/dashboard/tls.h */
	int (*load_tls)(const struct config *config, int secrets);
	/** load_rules() - only the rules of the answer count */
	int (*load_rules)(const struct config *config, struct buffer *packed);
	void *context;
	const char *(*config_path)(void *context); /* NULL: the default one */
};

/** daemon_run() - until SIGTERM or SIGINT; an exit code of the command line */
int daemon_run(const struct daemon_options *options);

#endif
