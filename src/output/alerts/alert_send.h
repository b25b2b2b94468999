/* SPDX-License-Identifier: Apache-2.0 */
/* One try to deliver one message. */
#ifndef OUTPUT_ALERTS_ALERT_SEND_H
#define OUTPUT_ALERTS_ALERT_SEND_H

#include "output/alerts/alert_queue.h"

#define ALERT_SAYS_SIZE 200

enum alert_result {
	ALERT_SENT,
	ALERT_RETRY,   /* not now */
	ALERT_REFUSED, /* it would be refused again */
};

struct alert_outcome {
	enum alert_result result;
	uint64_t retry_after_us;    /* the receiver's wish; 0: none */
	char says[ALERT_SAYS_SIZE]; /* printable; no secret in it */
};

/** alert_outcome_set() - @format's text, made printable */
void alert_outcome_set(struct alert_outcome *o, enum alert_result result,
		       const char *format, ...) __attribute__((format(printf, 3, 4)));

/** alert_send() - by the receiver's kind; @launcher: for those that run a program
 * (alert_program.h); -1: such are run from here */
void alert_send(const struct alert_config *c, size_t receiver,
		const struct alert_group *g, int launcher, struct alert_outcome *ret);

/**
 * alert_load_libraries() - those that these receivers need, before sandbox_enter()
 *
 * What is missing is logged, and said of each message that needs it.
 */
void alert_load_libraries(const struct alert_config *c);

/**
 * alert_http_start() - load libcurl, as library_load() does it, and set it up
 *
 * Return: 0; -ENOENT: it is not installed; -EOPNOTSUPP, -ENOSYS: not as it should be.
 */
int alert_http_start(struct buffer *error);

/** alert_http_post() - any of http and https, no redirect is followed */
void alert_http_post(const struct alert_receiver *r, struct span body,
		     struct alert_outcome *ret);

/** alert_syslog_send() - @message framed as the protocol wants it */
void alert_syslog_send(const struct alert_receiver *r, struct span message,
		       struct alert_outcome *ret);

#endif
