/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alerts: three processes, none of which any part of the daemon waits for.
 *
 *	feeder ──lines──► sender ──asks──► launcher
 *
 * The feeder reads the log from where the receivers are, and may do nothing else. The sender,
 * another user without any privilege, reads no log: it takes lines apart, and has a thread for
 * each receiver. The launcher is there only if a receiver is a program.
 */
#ifndef OUTPUT_ALERTS_ALERTS_H
#define OUTPUT_ALERTS_ALERTS_H

#include "output/alerts/alert_mutes.h"
#include "output/alerts/alert_page.h"

struct alerts_options {
	const struct alert_config *config; /* with its secrets */
	int folder;			   /* of the log, open */
	int page_fd;			   /* of ALERT_PAGE_NAME */
	int letter_fd;			   /* of ALERT_LETTER_NAME, for appending */
	const char *mutes_path;		   /* of the file of mutes, there or not */
};

/** alerts_run() - until SIGTERM or SIGINT; 0 or -errno, also when one of the three ends */
int alerts_run(const struct alerts_options *options);

/**
 * alerts_send_lines() - the sender: what comes over @lines, until its end
 * @mutes: NULL: nothing is muted
 * @launcher: -1: there is none
 */
int alerts_send_lines(const struct alert_config *c, struct alert_page *page,
		      const struct mutes_page *mutes, int lines, int letter_fd,
		      int launcher);

/** alerts_log_end() - the number that the next event of the log in @folder will have, at least;
 * 0: there is none yet. Return: 0 or -errno */
int alerts_log_end(int folder, uint64_t *ret);

/** alerts_become_user() - from root to who sends and runs programs, for good; 0 or -errno */
int alerts_become_user(void);

/** alerts_send_test() - one message about no event, by the same way; is it delivered? */
void alerts_send_test(const struct alert_config *c, size_t receiver,
		      struct alert_outcome *ret);

#endif
