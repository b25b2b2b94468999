// SPDX-License-Identifier: Apache-2.0
/* See alert_event.h. */
#include "output/alerts/alert_event.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>

#include "base/text.h"
#include "core/format.h"

/* The longest beginning of @text that has room and ends between two characters. */
static void copy_text(char *to, size_t size, const char *text)
{
	size_t n = strnlen(text, size);

	if (n == size)
		for (n = size - 1; n && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	memcpy(to, text, n);
	to[n] = '\0';
}

/* Controls, and U+0080 to U+009F, which are some as well, become blanks. */
static void clean(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = ' ';
		else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			c[0] = c[1] = ' ';
	}
}

static const char *text_of(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "";
}

/* A host's name, a rule's and a time are words, and need no escape anywhere. */
static void copy_word(char *to, size_t size, const char *text)
{
	copy_text(to, size, text);
	for (char *c = to; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._:+-", *c))
			*c = '_';
}

static void append_datum(struct buffer *out, const char *key, const json_t *value)
{
	_cleanup_free_ char *dumped = NULL;
	const char *text = json_string_value(value);

	if (!text)
		text = dumped = format_dump(value);
	buffer_appendf(out, "%s%s=%s", out->len ? " " : "", key, text ? text : "?");
}

/* What a person reads: the kernel's message, or else the data. */
static void summarize(const json_t *event, char ret[static ALERT_SUMMARY_SIZE])
{
	_cleanup_buffer_ struct buffer text = { 0 };
	json_t *data = json_object_get(event, "data"), *value;
	const char *message = text_of(event, "message"), *key;

	if (!*message)
		message = text_of(data, "message");
	if (*message)
		buffer_appendf(&text, "%.*s", ALERT_SUMMARY_SIZE, message);
	else
		json_object_foreach(data, key, value)
		{
			if (text.len >= ALERT_SUMMARY_SIZE)
				break;
			append_datum(&text, key, value);
		}
	copy_text(ret, ALERT_SUMMARY_SIZE, buffer_cstring(&text) ? text.data : "");
	clean(ret);
}

int alert_event_parse(struct span line, struct alert_event *ret)
{
	_cleanup_(json_decrefp) json_t *event = json_loadb(
		line.data, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	json_int_t seq = json_integer_value(json_object_get(event, "seq"));
	const char *type = text_of(event, "type");

	*ret = (struct alert_event){ .seq = (uint64_t)seq };
	if (!json_is_integer(json_object_get(event, "seq")) || seq < 0 ||
	    !is_snake_case(span_from(type), ALERT_TYPE_SIZE - 1) ||
	    severity_parse(span_from(text_of(event, "severity")), &ret->severity) < 0)
		return -EBADMSG;
	copy_text(ret->type, sizeof(ret->type), type);
	copy_word(ret->rule, sizeof(ret->rule), text_of(event, "rule"));
	copy_word(ret->host, sizeof(ret->host), text_of(event, "host"));
	copy_word(ret->time, sizeof(ret->time), text_of(event, "time"));
	summarize(event, ret->summary);
	return 0;
}

static bool matches(const struct alert_words *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (fnmatch(patterns->items[i], text, 0) == 0)
			return true;
	return patterns->n == 0;
}

uint32_t alert_event_receivers(const struct alert_config *c,
			       const struct alert_event *event)
{
	uint32_t receivers = 0;

	if (!strcmp(event->type, ALERT_UNDELIVERED))
		return 0;
	for (size_t i = 0; i < c->n_routes; i++) {
		const struct alert_route *route = &c->routes[i];

		if (event->severity >= route->severity &&
		    matches(&route->types, event->type) &&
		    matches(&route->rules, event->rule))
			receivers |= route->receivers;
	}
	return receivers;
}
