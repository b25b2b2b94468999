/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event: its struct, expanded from lksm/event_fields.h, and its one encoder. Spans in
 * it borrow from whoever made it and need to live until it is encoded, no longer.
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "lksm/event_fields.h"
#include "lksm/event_types.h"
#include "lksm/sensor_types.h"
#include "lksm/module.h"

#include "base/buffer.h"
#include "base/span.h"

/** EVENT_UNSET - a SEQ, SECONDS or TIME member that is absent */
#define EVENT_UNSET UINT64_MAX

/** EVENT_DATA_MAX - most keys of one event's data */
#define EVENT_DATA_MAX 64

/** EVENT_LINE_MAX - longest encoded line, newline included; what is longer loses raw, then message */
#define EVENT_LINE_MAX ((size_t)256 << 10)

#define EVENT_SEVERITY_COUNT 4

enum datum_kind {
	DATUM_TEXT, /* any bytes; encoded as a string */
	DATUM_INT,
	DATUM_JSON, /* a value already encoded in our own style; text holds it */
};

struct datum {
	struct span key;
	enum datum_kind kind;
	struct span text;
	int64_t integer;
};

struct event_data {
	size_t n;
	struct datum items[EVENT_DATA_MAX];
};

#define EVENT_CTYPE_SEQ	     uint64_t
#define EVENT_CTYPE_SECONDS  uint64_t
#define EVENT_CTYPE_TEXT     struct span
#define EVENT_CTYPE_DATA     struct event_data
#define EVENT_CTYPE_SEVERITY enum lksm_severity
#define EVENT_CTYPE_TIME     uint64_t
#define EVENT_CTYPE_LIST     struct span

/* A presence of the table: is the member always there? */
#define EVENT_IS_REQUIRED true
#define EVENT_IS_OPTIONAL false

struct lksm_event {
#define X(name, title, kind, presence, view, description) EVENT_CTYPE_##kind name;
	LKSM_EVENT_FIELDS(X)
#undef X
};

enum event_view {
	EVENT_FULL, /* every field that is set: the authoritative log */
	EVENT_SEED, /* the first six only */
};

/** event_init() - every optional member absent, the others empty, 0 or info; no key in data */
void event_init(struct lksm_event *event);

/**
 * event_add_text(), event_add_int(), event_add_json() - one more key of data
 *
 * Return: 0; -ENOSPC beyond EVENT_DATA_MAX; -EINVAL for a key with a NUL byte in it.
 */
int event_add_text(struct lksm_event *event, struct span key, struct span value);
int event_add_int(struct lksm_event *event, struct span key, int64_t value);
int event_add_json(struct lksm_event *event, struct span key, struct span json);

/** event_put_text() - the same for a word of ours, which needs no look, where there is room */
static inline void event_put_text(struct lksm_event *event, struct span key,
				  struct span value)
{
	struct datum *datum = &event->data.items[event->data.n++];

	datum->key = key;
	datum->kind = DATUM_TEXT;
	datum->text = value;
	datum->integer = 0;
}

/**
 * event_encode() - append the event as one JSON line, newline included
 *
 * Keys and spacing are those of Python's json.dumps. Text is raw UTF-8; C0 controls, DEL,
 * U+2028 and U+2029 become \u escapes, a byte that is not UTF-8 becomes U+FFFD. A line
 * beyond EVENT_LINE_MAX is encoded again without raw, then without message, then with
 * data = {"truncated": <bytes>}, the length of what stood there. A LIST without a word in it
 * is absent.
 *
 * Return: 0; else nothing was appended: the buffer's error, or -EMSGSIZE if the line is too
 * long even so (a type, source, host … of absurd length).
 */
int event_encode(struct buffer *out, const struct lksm_event *event,
		 enum event_view view);

/** event_append_data() - data alone, as event_encode() writes it: {"key": value, …} */
void event_append_data(struct buffer *out, const struct event_data *data);

/** json_append_string() - @s quoted and escaped as event_encode() does */
void json_append_string(struct buffer *out, struct span s);

/** json_append_member() - `, "key": "text"`; @key: stands for itself; @text: absent: "" */
void json_append_member(struct buffer *out, const char *key, struct span text);

/** severity_name() - "info" … "critical"; a literal */
const char *severity_name(enum lksm_severity severity);

/** severity_span() - the same as a span */
struct span severity_span(enum lksm_severity severity);

/** severity_parse() - 0 and @ret, or -EINVAL */
int severity_parse(struct span name, enum lksm_severity *ret);

/** A row of lksm/event_types.h. */
struct event_type {
	const char *name;
	enum lksm_severity severity;
	const char *source;
	const char *attack;
	const char *keys;
	const char *sentence;
};

/** event_type_find() - the row of a type that LKSM itself makes, NULL for any other */
const struct event_type *event_type_find(struct span name);

/** event_types() - the whole table; ends with a row whose name is NULL */
const struct event_type *event_types(void);

/**
 * event_is_routine() - does it only say that all is well (our log_sealed, heartbeat)? Then
 * it is in the log, but kept away from the last events that are shown.
 */
bool event_is_routine(struct span type, struct span source);

/** A row of lksm/sensor_types.h. */
struct sensor_type {
	const char *name;
	const char *attack;
	const char *keys;
	const char *sentence;
};

/** sensor_type_find() - the row of a type of the sensor's records, NULL for any other */
const struct sensor_type *sensor_type_find(struct span name);

/** sensor_types() - the whole table; ends with a row whose name is NULL */
const struct sensor_type *sensor_types(void);

#endif
