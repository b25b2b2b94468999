// SPDX-License-Identifier: Apache-2.0
/* See event.h. How each kind of field begins; event_encode.c prints them. */
#include "core/event.h"

#include <errno.h>

static const struct span severity_names[EVENT_SEVERITY_COUNT] = {
	[LKSM_INFO] = SPAN("info"),
	[LKSM_MEDIUM] = SPAN("medium"),
	[LKSM_HIGH] = SPAN("high"),
	[LKSM_CRITICAL] = SPAN("critical"),
};

static const struct event_type types[] = {
#define X(type, severity, source, attack, keys, sentence) \
	{ #type, LKSM_##severity, #source, attack, keys, sentence },
	LKSM_EVENT_TYPES(X)
#undef X
		{ .name = NULL },
};

static const struct sensor_type of_sensor[] = {
#define X(type, attack, keys, sentence) { #type, attack, keys, sentence },
	LKSM_SENSOR_TYPES(X)
#undef X
		{ .name = NULL },
};

/* For each kind of the table: a required member begins empty, an optional one absent. */

static void init_SEQ(uint64_t *value, bool is_required)
{
	*value = is_required ? 0 : EVENT_UNSET;
}

static void init_SECONDS(uint64_t *value, bool is_required)
{
	init_SEQ(value, is_required);
}

static void init_TIME(uint64_t *value, bool is_required)
{
	init_SEQ(value, is_required);
}

static void init_TEXT(struct span *value, bool is_required)
{
	*value = is_required ? SPAN("") : (struct span){ 0 };
}

static void init_LIST(struct span *value, bool is_required)
{
	init_TEXT(value, is_required);
}

static void init_DATA(struct event_data *value, bool is_required)
{
	(void)is_required;
	value->n = 0; /* only the first n items count: no need to clear them all */
}

static void init_SEVERITY(enum lksm_severity *value, bool is_required)
{
	(void)is_required;
	*value = LKSM_INFO;
}

void event_init(struct lksm_event *event)
{
#define X(name, title, kind, presence, view, description) \
	init_##kind(&event->name, EVENT_IS_##presence);
	LKSM_EVENT_FIELDS(X)
#undef X
}

/* Filled where it stands: a copy of what was just written in smaller pieces stalls. */
static int add_datum(struct lksm_event *event, enum datum_kind kind, struct span key,
		     struct span text, int64_t integer)
{
	struct datum *datum = &event->data.items[event->data.n];

	if (event->data.n == EVENT_DATA_MAX)
		return -ENOSPC;
	if (key.len && memchr(key.data, '\0', key.len))
		return -EINVAL; /* JSON has such keys, but C readers of it (jansson) do
				   not */
	datum->key = key;
	datum->kind = kind;
	datum->text = text;
	datum->integer = integer;
	event->data.n++;
	return 0;
}

int event_add_text(struct lksm_event *event, struct span key, struct span value)
{
	return add_datum(event, DATUM_TEXT, key, value, 0);
}

int event_add_int(struct lksm_event *event, struct span key, int64_t value)
{
	return add_datum(event, DATUM_INT, key, (struct span){ NULL, 0 }, value);
}

int event_add_json(struct lksm_event *event, struct span key, struct span json)
{
	return add_datum(event, DATUM_JSON, key, json, 0);
}

struct span severity_span(enum lksm_severity severity)
{
	return severity_names[(unsigned)severity < EVENT_SEVERITY_COUNT ? severity
									: LKSM_INFO];
}

const char *severity_name(enum lksm_severity severity)
{
	return severity_span(severity).data;
}

int severity_parse(struct span name, enum lksm_severity *ret)
{
	for (unsigned i = 0; i < EVENT_SEVERITY_COUNT; i++) {
		if (span_equal(name, severity_names[i])) {
			*ret = (enum lksm_severity)i;
			return 0;
		}
	}
	return -EINVAL;
}

bool event_is_routine(struct span type, struct span source)
{
	return span_equal(source, SPAN("lksm")) &&
	       (span_equal(type, SPAN("log_sealed")) ||
		span_equal(type, SPAN("heartbeat")));
}

const struct event_type *event_type_find(struct span name)
{
	for (const struct event_type *type = types; type->name; type++) {
		if (span_equal(name, span_from(type->name)))
			return type;
	}
	return NULL;
}

const struct event_type *event_types(void)
{
	return types;
}

const struct sensor_type *sensor_type_find(struct span name)
{
	for (const struct sensor_type *type = of_sensor; type->name; type++) {
		if (span_equal(name, span_from(type->name)))
			return type;
	}
	return NULL;
}

const struct sensor_type *sensor_types(void)
{
	return of_sensor;
}
