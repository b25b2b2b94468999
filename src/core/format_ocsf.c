// SPDX-License-Identifier: Apache-2.0
/* OCSF 1.3, https://schema.ocsf.io/1.3.0/classes/detection_finding. See format.h. */
#include <errno.h>

#include "base/clock.h"
#include "core/format_internal.h"

#define OCSF_VERSION	  "1.3.0"
#define CATEGORY_FINDINGS 2
#define CLASS_DETECTION	  2004
#define ACTIVITY_CREATE	  1

static const struct {
	int id;
	const char *word;
} levels[] = {
	[LKSM_INFO] = { 1, "Informational" },
	[LKSM_MEDIUM] = { 3, "Medium" },
	[LKSM_HIGH] = { 4, "High" },
	[LKSM_CRITICAL] = { 5, "Critical" },
};

static json_t *attacks(const json_t *ids)
{
	json_t *list = json_array(), *id;
	size_t i;

	json_array_foreach(ids, i, id)
	{
		const char *text = json_string_value(id), *dot;
		json_t *o = json_object();

		dot = text ? strchr(text, '.') : NULL;
		if (text)
			format_put(o, "technique",
				   json_pack("{s:s%}", "uid", text,
					     dot ? (size_t)(dot - text) : strlen(text)));
		if (dot)
			format_put(o, "sub_technique", json_pack("{s:s}", "uid", text));
		(void)json_array_append_new(list, o);
	}
	return list;
}

/* A record's identity, or else its number in the log. */
static json_t *finding_uid(const json_t *event)
{
	const char *boot = json_string_value(json_object_get(event, "boot_id"));

	return json_sprintf("%s:%lld", boot ? boot : "log",
			    (long long)json_integer_value(json_object_get(event, "seq")));
}

static json_t *finding_info(const json_t *event)
{
	json_t *rule = json_object_get(event, "rule"), *o = json_object();

	format_put(o, "uid", finding_uid(event));
	format_put(o, "title", format_copy(event, "type"));
	format_put(o, "desc", format_copy(event, "message"));
	if (rule)
		format_put(o, "analytic",
			   json_pack("{s:O, s:O, s:i, s:s}", "uid", rule, "name", rule,
				     "type_id", 1, "type", "Rule"));
	if (json_array_size(json_object_get(event, "attack")))
		format_put(o, "attacks", attacks(json_object_get(event, "attack")));
	return o;
}

static json_t *metadata(const json_t *event)
{
	json_t *o = json_pack("{s:s, s:{s:s, s:s, s:s}}", "version", OCSF_VERSION,
			      "product", "name", FORMAT_PRODUCT, "vendor_name",
			      FORMAT_VENDOR, "version", LKSM_VERSION);

	format_put(o, "log_name", format_copy(event, "source"));
	format_put(o, "event_code", format_copy(event, "type"));
	format_put(o, "sequence", format_copy(event, "seq"));
	format_put(o, "original_time", format_copy(event, "time"));
	if (json_array_size(json_object_get(event, "tags")))
		format_put(o, "labels", format_copy(event, "tags"));
	return o;
}

/* What the class has no attribute for. */
static json_t *unmapped(const json_t *event)
{
	static const char *const names[] = { "ts",    "boot_id",  "stream", "stream_seq",
					     "level", "facility", "host" };
	json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		format_put(o, names[i], format_copy(event, names[i]));
	return o;
}

int format_ocsf(struct buffer *out, json_t *event)
{
	enum lksm_severity severity = LKSM_INFO;
	int r = format_severity(event, &severity);
	json_t *o = json_pack(
		"{s:i, s:s, s:i, s:s, s:i, s:i, s:s, s:i, s:s, s:b, s:[{s:O}]}",
		"category_uid", CATEGORY_FINDINGS, "category_name", "Findings",
		"class_uid", CLASS_DETECTION, "class_name", "Detection Finding",
		"activity_id", ACTIVITY_CREATE, "type_uid",
		100 * CLASS_DETECTION + ACTIVITY_CREATE, "severity",
		levels[severity].word, "severity_id", levels[severity].id, "status",
		"New", "is_alert", severity >= LKSM_MEDIUM, "evidences", "data",
		json_object_get(event, "data"));
	uint64_t us;

	format_put(o, "status_id", json_integer(1));
	if (format_time_us(event, &us))
		format_put(o, "time", json_integer((json_int_t)(us / 1000)));
	format_put(o, "metadata", metadata(event));
	format_put(o, "finding_info", finding_info(event));
	format_put(o, "message", format_copy(event, "message"));
	format_put(o, "raw_data", format_copy(event, "raw"));
	format_put(o, "unmapped", unmapped(event));
	if (r < 0) {
		json_decref(o);
		return r;
	}
	return format_append_json(out, o);
}
