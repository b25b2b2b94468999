// SPDX-License-Identifier: Apache-2.0
/*
 * See metrics.h. Names and units as Prometheus' own conventions want them
 * (prometheus.io/docs/practices/naming): base units, _total for what only grows.
 */
#include "output/dashboard/metrics.h"

#include <inttypes.h>

static void head(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_appendf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void plain(struct buffer *out, const char *name, const char *type,
		  const char *help, uint64_t value)
{
	head(out, name, type, help);
	buffer_appendf(out, "%s %" PRIu64 "\n", name, value);
}

static void seconds(struct buffer *out, const char *name, const char *help,
		    uint64_t time_us)
{
	head(out, name, "gauge", help);
	buffer_appendf(out, "%s %" PRIu64 ".%06" PRIu64 "\n", name,
		       time_us / USEC_PER_SEC, time_us % USEC_PER_SEC);
}

static void labelled(struct buffer *out, const char *name, const char *label,
		     const char *value, uint64_t n)
{
	buffer_appendf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, value, n);
}

/* Of the labels whose values are no literals: the format's three escapes. */
static void append_label_value(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			buffer_append_literal(out, "\\n");
			continue;
		}
		if (*text == '\\' || *text == '"')
			buffer_append_char(out, '\\');
		buffer_append_char(out, *text);
	}
}

static void append_type(struct buffer *out, const struct counters_type *type)
{
	for (size_t s = 0; s < EVENT_SEVERITY_COUNT; s++) {
		if (!type->by_severity[s])
			continue;
		buffer_append_literal(out, "lksm_events_total{type=\"");
		append_label_value(out, type->name);
		buffer_appendf(out, "\",severity=\"%s\"} %" PRIu64 "\n",
			       severity_name((enum lksm_severity)s),
			       type->by_severity[s]);
	}
}

static void append_events(struct buffer *out, const struct counters *c)
{
	struct counters_type type;

	head(out, "lksm_events_total", "counter",
	     "Events by type and severity, since the daemon began.");
	for (size_t i = 0; i <= COUNTERS_TYPES; i++)
		if (counters_get_type(c, i, &type))
			append_type(out, &type);
}

static void append_rules(struct buffer *out, const struct counters *c)
{
	struct counters_type rule;

	head(out, "lksm_rule_matches_total", "counter",
	     "Events that each rule named, since the daemon began.");
	for (size_t i = 0; i <= COUNTERS_RULES; i++) {
		uint64_t n = 0;

		if (!counters_get_rule(c, i, &rule))
			continue;
		for (size_t s = 0; s < EVENT_SEVERITY_COUNT; s++)
			n += rule.by_severity[s];
		buffer_append_literal(out, "lksm_rule_matches_total{rule=\"");
		append_label_value(out, rule.name);
		buffer_appendf(out, "\"} %" PRIu64 "\n", n);
	}
}

static void append_lost(struct buffer *out, const struct counters_values *v)
{
	static const char name[] = "lksm_records_lost_total";

	head(out, name, "counter",
	     "Records of the kernel that were gone before they could be read.");
	for (size_t i = 0; i < COUNTERS_LOST_COUNT; i++)
		labelled(out, name, "reason", counters_lost_name((enum counters_lost)i),
			 v->lost[i]);
}

static void append_restarts(struct buffer *out, const struct counters_values *v)
{
	static const char name[] = "lksm_process_restarts_total";

	head(out, name, "counter",
	     "Parts of the daemon that died and were started again.");
	for (size_t i = 0; i < COUNTERS_PROCESS_COUNT; i++)
		labelled(out, name, "process",
			 counters_process_name((enum counters_process)i), v->restarts[i]);
}

static void append_core(struct buffer *out, const struct counters *c)
{
	struct counters_values v;

	counters_get(c, &v);
	append_events(out, c);
	append_rules(out, c);
	append_lost(out, &v);
	append_restarts(out, &v);
	plain(out, "lksm_seals_total", "counter", "Seals over the log.", v.seals);
	plain(out, "lksm_log_lines_total", "counter", "Lines written to the log.",
	      v.log_lines);
	plain(out, "lksm_log_written_bytes_total", "counter",
	      "Bytes written to the log, before compression.", v.log_bytes);
	plain(out, "lksm_log_write_failures_total", "counter",
	      "Writes to the log that failed and were tried again.", v.log_failures);
	plain(out, "lksm_sensor_present", "gauge",
	      "Is the sensor's channel there? 1 yes, 0 no.",
	      v.sensor != COUNTERS_SENSOR_GONE);
	plain(out, "lksm_sensor_armed", "gauge",
	      "Do the sensor's probes see what happens? 1 yes, 0 no.",
	      v.sensor == COUNTERS_SENSOR_ARMED);
}

static void append_http(struct buffer *out, const struct metrics_source *source)
{
	static const char name[] = "lksm_http_requests_total";
	const struct http_counters *http = source->http;
	char code[16];

	head(out, name, "counter", "HTTP requests by the status of their answer.");
	for (size_t i = 0; i < METRICS_STATUSES && http->answers[i].status; i++) {
		(void)snprintf(code, sizeof(code), "%u", http->answers[i].status);
		labelled(out, name, "code", code, http->answers[i].n);
	}
	plain(out, "lksm_http_connections_refused_total", "counter",
	      "Connections beyond a client's limit.", http->n_refused);
	plain(out, "lksm_sse_clients", "gauge", "Open event streams.", source->n_streams);
	plain(out, "lksm_sse_events_missed_total", "counter",
	      "Events that streams were too slow for; each was told so.",
	      source->n_missed);
}

/* A time of this boot as one of the calendar. */
static uint64_t real_us(uint64_t mono_us, struct now now)
{
	uint64_t age_us = now.mono_us > mono_us ? now.mono_us - mono_us : 0;

	return now.real_us > age_us ? now.real_us - age_us : 0;
}

void metrics_append(const struct metrics_source *source, struct now now,
		    struct buffer *out)
{
	struct live_health health;

	live_get_health(source->ring, &health);
	head(out, "lksm_build_info", "gauge", "Always 1; the version is its label.");
	labelled(out, "lksm_build_info", "version", LKSM_VERSION, 1);
	plain(out, "lksm_up", "gauge",
	      "Does the writer of the log run, and write? 1 yes, 0 no.", source->is_up);
	seconds(out, "lksm_start_time_seconds",
		"When the daemon began, in seconds since 1970.",
		real_us(health.started_mono_us, now));
	if (health.last_push_mono_us)
		seconds(out, "lksm_last_event_time_seconds",
			"When the last event was written, in seconds since 1970.",
			real_us(health.last_push_mono_us, now));
	if (source->counters)
		append_core(out, source->counters);
	append_http(out, source);
}

void http_counters_add(struct http_counters *c, unsigned int status)
{
	size_t i = 0;

	if (status == 0)
		return;
	while (i < METRICS_STATUSES - 1 && c->answers[i].status &&
	       c->answers[i].status != status)
		i++;
	c->answers[i].status = status;
	c->answers[i].n++;
}
