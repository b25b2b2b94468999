// SPDX-License-Identifier: Apache-2.0
/*
 * OTLP/JSON: opentelemetry-proto's logs.proto in the JSON form of protobuf, in which numbers
 * of 64 bits are texts. See format.h.
 */
#include <errno.h>
#include <inttypes.h>

#include "core/format_internal.h"

#define DEPTH_MAX 32

static json_t *any_value(const json_t *value, int depth);

static json_t *key_value(const char *key, const json_t *value, int depth)
{
	return json_pack("{s:s, s:o}", "key", key, "value", any_value(value, depth));
}

static json_t *key_values(json_t *object, int depth)
{
	json_t *list = json_array(), *value;
	const char *key;

	json_object_foreach(object, key, value)(void)
		json_array_append_new(list, key_value(key, value, depth));
	return list;
}

static json_t *array_values(const json_t *array, int depth)
{
	json_t *list = json_array(), *value;
	size_t i;

	json_array_foreach(array, i, value)(void)
		json_array_append_new(list, any_value(value, depth));
	return list;
}

static json_t *any_value(const json_t *value, int depth)
{
	if (depth > DEPTH_MAX)
		return json_object();
	if (json_is_string(value))
		return json_pack("{s:O}", "stringValue", value);
	if (json_is_integer(value))
		return json_pack(
			"{s:o}", "intValue",
			json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
	if (json_is_real(value))
		return json_pack("{s:O}", "doubleValue", value);
	if (json_is_boolean(value))
		return json_pack("{s:O}", "boolValue", value);
	if (json_is_array(value))
		return json_pack("{s:{s:o}}", "arrayValue", "values",
				 array_values(value, depth + 1));
	if (json_is_object(value))
		return json_pack("{s:{s:o}}", "kvlistValue", "values",
				 key_values((json_t *)value, depth + 1));
	return json_object();
}

static void add(json_t *list, const char *key, const json_t *value)
{
	if (value)
		(void)json_array_append_new(list, key_value(key, value, 0));
}

/* The names of the semantic conventions where there is one, else ours. */
static json_t *attributes(const json_t *event)
{
	static const struct {
		const char *key, *name;
	} rows[] = {
		{ "event.name", "type" },
		{ "lksm.seq", "seq" },
		{ "lksm.ts", "ts" },
		{ "lksm.source", "source" },
		{ "lksm.boot_id", "boot_id" },
		{ "lksm.stream", "stream" },
		{ "lksm.stream_seq", "stream_seq" },
		{ "syslog.facility.code", "facility" },
		{ "syslog.severity.code", "level" },
		{ "lksm.rule", "rule" },
		{ "lksm.tags", "tags" },
		{ "lksm.attack", "attack" },
		{ "log.record.original", "raw" },
		{ "lksm.data", "data" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add(list, rows[i].key, json_object_get(event, rows[i].name));
	return list;
}

static json_t *log_record(const json_t *event, enum lksm_severity severity)
{
	/* severity numbers: the data model's appendix B, by way of syslog */
	static const int numbers[] = {
		[LKSM_INFO] = 9,
		[LKSM_MEDIUM] = 13,
		[LKSM_HIGH] = 17,
		[LKSM_CRITICAL] = 18,
	};
	json_t *o = json_pack("{s:i, s:O, s:o}", "severityNumber", numbers[severity],
			      "severityText", json_object_get(event, "severity"),
			      "attributes", attributes(event));
	const json_t *message = json_object_get(event, "message");
	uint64_t us;

	if (format_time_us(event, &us)) {
		format_put(o, "timeUnixNano", json_sprintf("%" PRIu64 "000", us));
		format_put(o, "observedTimeUnixNano", json_sprintf("%" PRIu64 "000", us));
	}
	format_put(o, "body",
		   any_value(message ? message : json_object_get(event, "type"), 0));
	return o;
}

int format_otlp(struct buffer *out, json_t *event)
{
	json_t *resource = json_array(), *name = json_string(FORMAT_PRODUCT);
	enum lksm_severity severity = LKSM_INFO;
	int r = format_severity(event, &severity);

	add(resource, "service.name", name);
	json_decref(name);
	add(resource, "host.name", json_object_get(event, "host"));
	if (r < 0) {
		json_decref(resource);
		return r;
	}
	return format_append_json(
		out, json_pack("{s:[{s:{s:o}, s:[{s:{s:s, s:s}, s:[o]}]}]}",
			       "resourceLogs", "resource", "attributes", resource,
			       "scopeLogs", "scope", "name", FORMAT_PRODUCT, "version",
			       LKSM_VERSION, "logRecords", log_record(event, severity)));
}
