// SPDX-License-Identifier: Apache-2.0
/* See format.h. */
#include "core/format.h"

#include <errno.h>

#include "base/time_text.h"
#include "core/format_internal.h"

static const char *const words[FORMAT_COUNT] = {
	[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json",	    [FORMAT_CSV] = "csv",
	[FORMAT_ECS] = "ecs",	[FORMAT_OCSF] = "ocsf",	    [FORMAT_CEF] = "cef",
	[FORMAT_OTLP] = "otlp", [FORMAT_SYSLOG] = "syslog",
};

int format_parse(const char *word, enum format *ret)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (!strcmp(words[i], word)) {
			*ret = (enum format)i;
			return 0;
		}
	return -EINVAL;
}

struct span format_text(const json_t *event, const char *name)
{
	const json_t *value = json_object_get(event, name);

	return (struct span){ json_string_value(value), json_string_length(value) };
}

int format_severity(const json_t *event, enum lksm_severity *ret)
{
	struct span word = format_text(event, "severity");

	return word.data && severity_parse(word, ret) == 0 ? 0 : -EBADMSG;
}

bool format_time_us(const json_t *event, uint64_t *ret)
{
	const char *text = json_string_value(json_object_get(event, "time"));

	/* now is of no use: the event's form is RFC 3339 */
	return text && text[0] >= '0' && text[0] <= '9' && time_parse(text, 0, ret) == 0;
}

void format_append_escaped(struct buffer *out, struct span text, const char *special,
			   char escape)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c < 0x20 || c == 0x7f) {
			buffer_appendf(out, "#%03o", c);
			continue;
		}
		if (strchr(special, c))
			buffer_append_char(out, escape);
		buffer_append_char(out, (char)c);
	}
}

/* What json_dumps() needs, so that every real in it is read back as what it is. */
static size_t digits_of(json_t *value, size_t least)
{
	char text[40];
	const char *key;
	json_t *member;
	size_t i;

	for (; json_is_real(value) && least < 17; least++) {
		(void)snprintf(text, sizeof(text), "%.*g", (int)least,
			       json_real_value(value));
		if (strtod(text, NULL) == json_real_value(value))
			break;
	}
	json_array_foreach(value, i, member) least = digits_of(member, least);
	json_object_foreach(value, key, member) least = digits_of(member, least);
	return least;
}

char *format_dump(const json_t *value)
{
	/* jansson's iterators are for what can be changed */
	size_t digits = digits_of((json_t *)(uintptr_t)value, 15);

	return json_dumps(value,
			  JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(digits));
}

/* As the log has it: DEL and the separators of lines only as escapes. */
static int append_dump(struct buffer *out, const json_t *value)
{
	_cleanup_free_ char *dump = format_dump(value);

	if (!dump)
		return -ENOMEM;
	for (const char *at = dump; *at; at++) {
		if (*at == 0x7f) {
			buffer_append_literal(out, "\\u007f");
		} else if (!strncmp(at, "\xe2\x80\xa8", 3) ||
			   !strncmp(at, "\xe2\x80\xa9", 3)) {
			buffer_appendf(out, "\\u202%c", at[2] == '\xa8' ? '8' : '9');
			at += 2;
		} else {
			buffer_append_char(out, *at);
		}
	}
	return buffer_error(out);
}

static void append_words(struct buffer *out, const json_t *list)
{
	size_t i;
	json_t *word;

	json_array_foreach(list, i, word)
	{
		if (i > 0)
			buffer_append_char(out, ' ');
		buffer_append(out, json_string_value(word), json_string_length(word));
	}
}

int format_append_member(struct buffer *out, const json_t *event, const char *name)
{
	const json_t *value = json_object_get(event, name);

	if (!value)
		return 0;
	if (json_is_string(value))
		buffer_append(out, json_string_value(value), json_string_length(value));
	else if (json_is_array(value))
		append_words(out, value);
	else if (json_is_real(value))
		buffer_appendf(out, "%.6f", json_real_value(value));
	else
		return append_dump(out, value);
	return buffer_error(out);
}

void format_put(json_t *object, const char *key, json_t *value)
{
	if (value)
		(void)json_object_set_new(object, key, value); /* only out of memory */
}

json_t *format_copy(const json_t *event, const char *name)
{
	return json_incref(json_object_get(event, name));
}

int format_append_json(struct buffer *out, json_t *object)
{
	int r = object ? append_dump(out, object) : -ENOMEM;

	json_decref(object);
	buffer_append_char(out, '\n');
	return r;
}

void format_append_header(struct buffer *out, enum format format)
{
	const char *comma = "";

	if (format != FORMAT_CSV)
		return;
#define X(name, title, kind, presence, view, description) \
	buffer_appendf(out, "%s" #name, comma);           \
	comma = ",";
	LKSM_EVENT_FIELDS(X)
#undef X
	buffer_append_literal(out, "\r\n");
}

int format_append(struct buffer *out, enum format format, json_t *event)
{
	static int (*const formats[FORMAT_COUNT])(struct buffer *, json_t *) = {
		[FORMAT_CSV] = format_csv,   [FORMAT_ECS] = format_ecs,
		[FORMAT_OCSF] = format_ocsf, [FORMAT_CEF] = format_cef,
		[FORMAT_OTLP] = format_otlp, [FORMAT_SYSLOG] = format_syslog,
	};
	enum lksm_severity severity;
	int r = format_severity(event, &severity);

	if (r == 0 && !json_is_object(json_object_get(event, "data")))
		r = -EBADMSG;
	if (r == 0)
		r = formats[format](out, event);
	return r < 0 ? r : buffer_error(out);
}
