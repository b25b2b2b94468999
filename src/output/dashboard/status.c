// SPDX-License-Identifier: Apache-2.0
/*
 * GET /api/v1/status: is anything wrong with the watching itself? What /metrics has for
 * programs, in few numbers for the page's last line. Needs the token, as it tells of the log.
 *
 *	{"version": "0.1.0", "writer": "running", "uptime_s": 12, "newest_seq": 43,
 *	"history": true, "sensor": "armed", "lost": {"overrun": 0, …}, "log_failures": 0,
 *	"seals": 7, "sealed_to": 41}
 */
#include <inttypes.h>

#include "core/event.h"
#include "output/dashboard/server.h"

static const char *sensor_name(enum counters_sensor sensor)
{
	switch (sensor) {
	case COUNTERS_SENSOR_ARMED:
		return "armed";
	case COUNTERS_SENSOR_DISARMED:
		return "disarmed";
	case COUNTERS_SENSOR_GONE:
		break;
	}
	return "gone";
}

static void append_counters(const struct counters *c, struct buffer *out)
{
	struct counters_values v;

	counters_get(c, &v);
	buffer_appendf(out, ", \"sensor\": \"%s\", \"lost\": {", sensor_name(v.sensor));
	for (size_t i = 0; i < COUNTERS_LOST_COUNT; i++)
		buffer_appendf(out, "%s\"%s\": %" PRIu64, i ? ", " : "",
			       counters_lost_name((enum counters_lost)i), v.lost[i]);
	buffer_appendf(out, "}, \"log_failures\": %" PRIu64 ", \"seals\": %" PRIu64,
		       v.log_failures, v.seals);
	if (v.seals)
		buffer_appendf(out, ", \"sealed_to\": %" PRIu64, v.sealed_to);
}

void status_append(const struct dashboard_options *options, struct buffer *out)
{
	struct live_health health;
	uint64_t newest;

	live_get_health(options->ring, &health);
	buffer_append_literal(out, "{\"version\": ");
	json_append_string(out, span_from(health.version));
	buffer_appendf(out, ", \"writer\": \"%s\", \"uptime_s\": %" PRIu64,
		       health_writer(options, &health), health_uptime_s(&health));
	if (live_newest_seq(options->ring, &newest))
		buffer_appendf(out, ", \"newest_seq\": %" PRIu64, newest);
	buffer_appendf(out, ", \"history\": %s", options->has_history ? "true" : "false");
	if (options->counters)
		append_counters(options->counters, out);
	buffer_append_literal(out, "}\n");
}
