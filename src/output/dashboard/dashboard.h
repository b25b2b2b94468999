/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard: an HTTP server over the live ring. It only reads.
 */
#ifndef OUTPUT_DASHBOARD_DASHBOARD_H
#define OUTPUT_DASHBOARD_DASHBOARD_H

#include "core/config.h"
#include "core/counters.h"
#include "core/mutes_page.h"
#include "core/rules.h"
#include "core/sandbox_page.h"
#include "output/dashboard/tls.h"
#include "output/live.h"

#define DASHBOARD_TOKEN_SIZE 65 /* 64 hex digits and NUL */

struct dashboard_options {
	int listen_fd;		      /* bound and listening, non-blocking; not taken */
	const struct live_ring *ring; /* mapped read-only */
	int wake_fd;	/* eventfd, non-blocking: readable when the ring has news */
	int control_fd; /* of who started us; -1 none */
	int (*control)(int control_fd); /* it is readable; negative: stop */
	struct tls_pair *tls; /* wiped when the server has it; NULL: plain HTTP */
	const char *token;    /* NULL: auth is off (loopback only) */
	const char *const
		*hosts; /* further Host names that are ours, NULL-terminated, or NULL */
	uint64_t connection_limit; /* open ones of one client; 0: no limit */
	uint64_t rate_limit;	   /* requests a second of one client; 0: no limit */
	uint64_t failure_limit; /* failed authentications a minute of one; 0: no limit */
	const struct sandbox_page *sandboxes; /* for /healthz; may be NULL */
	bool has_history;      /* the current folder is the history's (history_enter()) */
	void (*started)(void); /* all threads run; NULL: nobody wants to know */
	const struct counters *counters; /* for /metrics; may be NULL */
	const struct rules_files *rules; /* that are in force; NULL: not shown */
	const struct mutes_page *mutes;	 /* in force, as JSON; NULL: nothing is muted */
};

/**
 * dashboard_run() - serve until SIGTERM, or control() says so; 0 or -errno
 *
 * Ignores SIGINT, which at a terminal reaches every process: whoever started it stops it.
 */
int dashboard_run(const struct dashboard_options *options);

/**
 * dashboard_listen() - a listening socket for "HOST:PORT" ("127.0.0.1:8787",
 * "[::1]:8787", "localhost:0")
 * @error: a sentence that says what is wrong and what to do
 *
 * Return: the descriptor or -errno.
 */
int dashboard_listen(const char *address, struct buffer *error);

/**
 * dashboard_listen_again() - who served before may have shut the socket down, which is all
 * processes': it listens, at the same port
 *
 * Return: 0 if it did all the time, 1 if it does again, -errno.
 */
int dashboard_listen_again(int listen_fd);

/**
 * dashboard_check() - may the dashboard be on that "HOST:PORT", configured like this?
 *
 * On an address that other machines reach, nothing goes without a token and TLS.
 *
 * @error: a sentence that says why not; with 0, one that warns, or nothing
 *
 * Return: 0; -EINVAL: it is no address; -EPERM.
 */
int dashboard_check(const struct config *c, const char *address, struct buffer *error);

/** dashboard_is_loopback() - is this "HOST:PORT" reached from this machine only? */
bool dashboard_is_loopback(const char *address);

/** dashboard_address() - "127.0.0.1:8787" as bound (the port that 0 became) */
int dashboard_address(int listen_fd, char *ret, size_t size);

/**
 * dashboard_token_load() - read the token, or make one where the file is empty
 * @fd: open for reading and writing; made 0600 if others could read it
 *
 * Return: 0 or -errno, said in the log.
 */
int dashboard_token_load(int fd, char ret[static DASHBOARD_TOKEN_SIZE]);

#endif
