/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a log's line matters to who is told of it: bounded copies, out of a JSON line whose
 * text may be anything; and which routes it takes.
 */
#ifndef OUTPUT_ALERTS_ALERT_EVENT_H
#define OUTPUT_ALERTS_ALERT_EVENT_H

#include "output/alerts/alert_config.h"

#define ALERT_TYPE_SIZE	   64
#define ALERT_HOST_SIZE	   65
#define ALERT_TIME_SIZE	   40
#define ALERT_SUMMARY_SIZE 512

struct alert_event {
	uint64_t seq;
	enum lksm_severity severity;
	char type[ALERT_TYPE_SIZE]; /* snake_case */
	char rule[ALERT_TYPE_SIZE]; /* "" if none named it */
	char host[ALERT_HOST_SIZE];
	char time[ALERT_TIME_SIZE];	  /* RFC 3339; "" unknown */
	char summary[ALERT_SUMMARY_SIZE]; /* UTF-8 in one line, without controls */
};

/** alert_event_parse() - 0; -EBADMSG if it is no event of ours; -ENOMEM */
int alert_event_parse(struct span line, struct alert_event *ret);

/** ALERT_UNDELIVERED - the type of the event that a message was given up; nobody is told of it,
 * or it would go round */
#define ALERT_UNDELIVERED "alert_undelivered"

/** alert_event_receivers() - a bit for each receiver that is to be told, by its place */
uint32_t alert_event_receivers(const struct alert_config *c,
			       const struct alert_event *event);

#endif
