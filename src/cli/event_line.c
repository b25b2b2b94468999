// SPDX-License-Identifier: Apache-2.0
/* See event_line.h. */
#include "cli/event_line.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "core/json_members.h"
#include "lksm/event_fields.h"

#define C1_FIRST	    0x80
#define C1_LAST		    0x9f
#define LINE_SEPARATOR	    0x2028
#define PARAGRAPH_SEPARATOR 0x2029
/* TYPE_WIDTH - that of the longest of our own types: data stands in a column */
#define TYPE_WIDTH 18

/* Marks that reorder what stands around them, so that a name can pose as another. */
static bool is_bidi_control(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool is_harmless(uint32_t c)
{
	return c >= 0x20 && c != 0x7f && !(c >= C1_FIRST && c <= C1_LAST) &&
	       c != LINE_SEPARATOR && c != PARAGRAPH_SEPARATOR && !is_bidi_control(c);
}

static void append_safe(struct buffer *out, struct span s, bool is_quoted)
{
	while (s.len > 0) {
		uint32_t c;
		size_t n = utf8_decode(s, &c);

		if (n == 0)
			buffer_appendf(out, "\\x%02x", (unsigned char)s.data[0]);
		else if (!is_harmless(c))
			buffer_appendf(out, c < 0x100 ? "\\x%02x" : "\\u%04x",
				       (unsigned int)c);
		else if (is_quoted && (c == '"' || c == '\\'))
			buffer_appendf(out, "\\%c", (int)c);
		else
			buffer_append(out, s.data, n);
		s = span_skip(s, n ? n : 1);
	}
}

void event_line_append_safe(struct buffer *out, struct span text)
{
	append_safe(out, text, false);
}

static struct span text_of(const json_t *value)
{
	return (struct span){ json_string_value(value), json_string_length(value) };
}

static bool needs_quotes(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] <= ' ' || strchr("\"=\\", s.data[i]))
			return true;
	return s.len == 0;
}

static int append_value(struct buffer *out, const json_t *value)
{
	_cleanup_free_ char *dump = NULL;
	struct span s = text_of(value);

	if (!s.data) {
		dump = format_dump(value);
		if (!dump)
			return -ENOMEM;
		append_safe(out, span_from(dump), false);
	} else if (needs_quotes(s)) {
		buffer_append_char(out, '"');
		append_safe(out, s, true);
		buffer_append_char(out, '"');
	} else {
		append_safe(out, s, false);
	}
	return 0;
}

static void colour(struct buffer *out, const struct event_line_options *options,
		   const char *sequence)
{
	if (options->is_coloured)
		buffer_appendf(out, "\033[%sm", sequence);
}

static bool is_today(const struct tm *tm, uint64_t now_us)
{
	time_t now = (time_t)(now_us / USEC_PER_SEC);
	struct tm today;

	return localtime_r(&now, &today) && tm->tm_year == today.tm_year &&
	       tm->tm_yday == today.tm_yday;
}

static void append_local(struct buffer *out, const struct tm *tm, unsigned int ms,
			 uint64_t now_us)
{
	if (!is_today(tm, now_us))
		buffer_appendf(out, "%04d-%02d-%02d ", tm->tm_year + 1900, tm->tm_mon + 1,
			       tm->tm_mday);
	buffer_appendf(out, "%02d:%02d:%02d.%03u", tm->tm_hour, tm->tm_min, tm->tm_sec,
		       ms);
}

/* "2026-02-10T12:00:00.001234Z" by the local clock; without a time, seconds since boot.
 */
static void append_time(struct buffer *out, const json_t *event, uint64_t now_us)
{
	const char *text = json_string_value(json_object_get(event, "time"));
	struct tm tm = { 0 };
	unsigned int ms = 0;
	time_t seconds;

	if (text && sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3u", &tm.tm_year, &tm.tm_mon,
			   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms) == 7) {
		tm.tm_year -= 1900;
		tm.tm_mon -= 1;
		seconds = timegm(&tm);
		if (localtime_r(&seconds, &tm)) {
			append_local(out, &tm, ms, now_us);
			return;
		}
	}
	buffer_appendf(out, "%12.6f", json_number_value(json_object_get(event, "ts")));
}

static void append_type(struct buffer *out, struct span type,
			const struct event_line_options *options)
{
	size_t before, width;

	colour(out, options, "1");
	before = out->len;
	append_safe(out, type, false);
	width = out->len - before;
	colour(out, options, "0");
	if (width < TYPE_WIDTH)
		buffer_appendf(out, "%*s", (int)(TYPE_WIDTH - width), "");
}

static int append_data(struct buffer *out, json_t *data,
		       const struct event_line_options *options)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach(data, key, value)
	{
		buffer_append_char(out, ' ');
		colour(out, options, "2");
		append_safe(out, span_from(key), false);
		buffer_append_char(out, '=');
		colour(out, options, "0");
		r = append_value(out, value);
		if (r < 0)
			break;
	}
	return r;
}

static int format_event(struct buffer *out, const json_t *event,
			enum lksm_severity severity,
			const struct event_line_options *options)
{
	static const char *const colours[] = {
		[LKSM_INFO] = "36",
		[LKSM_MEDIUM] = "33",
		[LKSM_HIGH] = "1;31",
		[LKSM_CRITICAL] = "1;37;41",
	};
	int r;

	append_time(out, event, options->now_us);
	buffer_append_char(out, ' ');
	colour(out, options, colours[severity]);
	buffer_appendf(out, "%-8s", severity_name(severity));
	colour(out, options, "0");
	buffer_append_char(out, ' ');
	append_type(out, text_of(json_object_get(event, "type")), options);
	r = append_data(out, json_object_get(event, "data"), options);
	if (r < 0)
		return r;
	colour(out, options, "2");
	buffer_append_literal(out, " (");
	append_safe(out, text_of(json_object_get(event, "source")), false);
	buffer_append_char(out, ')');
	colour(out, options, "0");
	buffer_append_char(out, '\n');
	return 0;
}

/* Where the sixth member of the object ends: the first six are fixed, and come first. */
static size_t find_seed_end(struct span json)
{
	struct json_members members;
	struct span key, value;

	json_members_begin(&members, json);
	for (size_t i = 0; i < LKSM_SEED_FIELDS; i++)
		if (json_members_next(&members, &key, &value) <= 0)
			return 0;
	return json.len - members.rest.len;
}

static void append_json(struct buffer *out, struct span json,
			const struct event_line_options *options)
{
	size_t seed_end = options->is_seed ? find_seed_end(json) : 0;

	if (seed_end > 0) {
		buffer_append(out, json.data, seed_end);
		buffer_append_char(out, '}');
	} else {
		buffer_append_span(out, json);
	}
	buffer_append_char(out, '\n');
}

int event_line_format(struct buffer *out, struct span json,
		      const struct event_line_options *options)
{
	json_t *event = json_loadb(json.data, json.len,
				   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	struct span word = text_of(json_object_get(event, "severity"));
	enum lksm_severity severity;
	int r = 0;

	if (!json_is_object(json_object_get(event, "data")) || !word.data ||
	    severity_parse(word, &severity) < 0)
		r = -EBADMSG;
	else if (options->format == FORMAT_JSON)
		append_json(out, json, options);
	else if (options->format == FORMAT_TEXT)
		r = format_event(out, event, severity, options);
	else
		r = format_append(out, options->format, event);
	json_decref(event);
	return buffer_error(out) ? buffer_error(out) : r;
}
