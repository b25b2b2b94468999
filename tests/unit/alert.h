/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration of alerts, and events, for the tests of output/alerts. */
#ifndef TESTS_UNIT_ALERT_H
#define TESTS_UNIT_ALERT_H

#include "output/alerts/alert_format.h"

#include "expect.h"

/* @yaml: a whole configuration */
static inline int parse_alerts(const char *yaml, struct alert_config *ret,
			       struct buffer *errors)
{
	struct config c;
	int r = config_init(&c);

	if (r == 0)
		r = config_load_text(&c, "t.yaml", span_from(yaml), errors);
	if (r == 0)
		r = alert_config_parse(&c, ret, errors);
	config_deinit(&c);
	return r;
}

static inline struct alert_event make_event(uint64_t seq, const char *type,
					    enum lksm_severity severity)
{
	struct alert_event e = { .seq = seq,
				 .severity = severity,
				 .host = "web-1",
				 .time = "2026-11-28T00:00:00.000001Z",
				 .summary = "what happened" };

	(void)snprintf(e.type, sizeof(e.type), "%s", type);
	return e;
}

#endif
