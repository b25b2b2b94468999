/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message in each receiver's form. Every text of an event is escaped for where it goes.
 */
#ifndef OUTPUT_ALERTS_ALERT_FORMAT_H
#define OUTPUT_ALERTS_ALERT_FORMAT_H

#include <sys/types.h>

#include "output/alerts/alert_queue.h"

/** ALERT_UDP_MAX - RFC 5424, 6.1: a receiver should take as much */
#define ALERT_UDP_MAX ((size_t)2048)

/**
 * alert_format_json() - {"receiver": …, "type": …, "severity": …, "count": …, "first_seq": …,
 * "last_seq": …, "host": …, "summary": …, "events": [the lines of the log]}; generic webhooks,
 * programs and the dead letters get it
 */
void alert_format_json(const struct alert_receiver *r, const struct alert_group *g,
		       struct buffer *out);

/** alert_format_slack() - incoming webhook: {"text": …}; &, < and > are escaped, so that an
 * event can mention nobody and link to nothing */
void alert_format_slack(const struct alert_group *g, struct buffer *out);

/** alert_format_alertmanager() - POST /api/v2/alerts: an array of one alert */
void alert_format_alertmanager(const struct alert_group *g, struct buffer *out);

/** alert_format_email() - headers and body, lines ending with LF as sendmail(8) takes them; no
 * event's text is in a header */
void alert_format_email(const struct alert_receiver *r, const struct alert_group *g,
			struct buffer *out);

/**
 * alert_format_syslog() - an RFC 5424 message, facility authpriv
 * @limit: bytes at most; 0: no limit. The text is cut, between two characters
 */
void alert_format_syslog(const struct alert_group *g, pid_t pid, size_t limit,
			 struct buffer *out);

/** alert_format_title() - "high: module_hidden on web-1 (3 events)": printable ASCII only */
void alert_format_title(const struct alert_group *g, struct buffer *out);

#endif
