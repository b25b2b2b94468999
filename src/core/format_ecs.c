// SPDX-License-Identifier: Apache-2.0
/* Elastic Common Schema, https://www.elastic.co/guide/en/ecs/8.11/. See format.h. */
#include <errno.h>

#include "core/format_internal.h"

#define ECS_VERSION "8.11.0"

static const struct {
	int severity, risk; /* the risks are those of Elastic's own rules */
} levels[] = {
	[LKSM_INFO] = { 1, 21 },
	[LKSM_MEDIUM] = { 3, 47 },
	[LKSM_HIGH] = { 4, 73 },
	[LKSM_CRITICAL] = { 5, 99 },
};

static json_t *event_fields(const json_t *event, enum lksm_severity severity)
{
	bool is_alert = severity >= LKSM_MEDIUM;
	json_t *o = json_pack("{s:s, s:[s], s:[s], s:s, s:s, s:i}", "kind",
			      is_alert ? "alert" : "event", "category",
			      is_alert ? "intrusion_detection" : "driver", "type", "info",
			      "module", FORMAT_PRODUCT, "dataset", "lksm.events",
			      "severity", levels[severity].severity);

	if (is_alert)
		format_put(o, "risk_score", json_integer(levels[severity].risk));
	format_put(o, "action", format_copy(event, "type"));
	format_put(o, "code", format_copy(event, "type"));
	format_put(o, "provider", format_copy(event, "source"));
	format_put(o, "sequence", format_copy(event, "seq"));
	format_put(o, "original", format_copy(event, "raw"));
	return o;
}

/* T1547.006 is a technique, T1547, and a part of it. */
static json_t *threat(const json_t *ids)
{
	json_t *techniques = json_array(), *parts = json_array(), *technique, *id;
	size_t i;

	if (!json_array_size(ids)) {
		json_decref(techniques);
		json_decref(parts);
		return NULL;
	}
	json_array_foreach(ids, i, id)
	{
		const char *text = json_string_value(id), *dot;

		dot = text ? strchr(text, '.') : NULL;
		if (!text)
			continue;
		(void)json_array_append_new(
			techniques,
			json_stringn(text, dot ? (size_t)(dot - text) : strlen(text)));
		if (dot)
			(void)json_array_append(parts, id);
	}
	technique = json_pack("{s:o}", "id", techniques);
	if (json_array_size(parts))
		format_put(technique, "subtechnique", json_pack("{s:o}", "id", parts));
	else
		json_decref(parts);
	return json_pack("{s:s, s:o}", "framework", "MITRE ATT&CK", "technique",
			 technique);
}

static json_t *host(const json_t *event)
{
	json_t *o = json_object();

	format_put(o, "name", format_copy(event, "host"));
	format_put(o, "hostname", format_copy(event, "host"));
	if (json_object_get(event, "boot_id"))
		format_put(o, "boot",
			   json_pack("{s:O}", "id", json_object_get(event, "boot_id")));
	return o;
}

static json_t *log_fields(const json_t *event)
{
	json_t *o = json_object(), *syslog = json_object();

	format_put(o, "level", format_copy(event, "severity"));
	if (json_object_get(event, "facility"))
		format_put(
			syslog, "facility",
			json_pack("{s:O}", "code", json_object_get(event, "facility")));
	if (json_object_get(event, "level"))
		format_put(syslog, "severity",
			   json_pack("{s:O}", "code", json_object_get(event, "level")));
	if (json_object_size(syslog))
		format_put(o, "syslog", json_incref(syslog));
	json_decref(syslog);
	return o;
}

/* What the schema has no field for has one of ours. */
static json_t *own_fields(const json_t *event)
{
	static const char *const names[] = { "data", "ts", "stream", "stream_seq" };
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		format_put(o, names[i], format_copy(event, names[i]));
	return o;
}

int format_ecs(struct buffer *out, json_t *event)
{
	json_t *o = json_object(), *rule = json_object_get(event, "rule");
	enum lksm_severity severity = LKSM_INFO;
	int r = format_severity(event, &severity);

	format_put(o, "@timestamp", format_copy(event, "time"));
	format_put(o, "ecs", json_pack("{s:s}", "version", ECS_VERSION));
	format_put(o, "message", format_copy(event, "message"));
	format_put(o, "event", event_fields(event, severity));
	format_put(o, "host", host(event));
	format_put(o, "log", log_fields(event));
	if (rule)
		format_put(o, "rule", json_pack("{s:O, s:O}", "id", rule, "name", rule));
	format_put(o, "threat", threat(json_object_get(event, "attack")));
	format_put(o, "tags", format_copy(event, "tags"));
	format_put(o, "lksm", own_fields(event));
	if (r < 0) {
		json_decref(o);
		return r;
	}
	return format_append_json(out, o);
}
