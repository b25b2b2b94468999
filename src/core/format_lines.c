// SPDX-License-Identifier: Apache-2.0
/* The formats that are lines of their own kind: CSV, CEF, syslog. See format.h. */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "core/format_internal.h"

#define FACILITY_AUTHPRIV 10
#define HOST_MAX	  255
#define MSGID_MAX	  32
#define BYTE_ORDER_MARK	  "\xef\xbb\xbf"

static bool has_any(struct span text, struct span bytes)
{
	for (size_t i = 0; i < text.len; i++)
		if (memchr(bytes.data, text.data[i], bytes.len))
			return true;
	return false;
}

void format_append_cell(struct buffer *out, struct span text)
{
	struct span first = { text.data, text.len > 0 };
	bool is_formula = has_any(first, SPAN("=+-@\t\r\n"));
	bool needs_quotes = has_any(text, SPAN(",\"\r\n"));

	if (needs_quotes)
		buffer_append_char(out, '"');
	if (is_formula)
		buffer_append_char(out, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			buffer_append_char(out, '"');
		buffer_append_char(out, text.data[i]);
	}
	if (needs_quotes)
		buffer_append_char(out, '"');
}

static int append_field(struct buffer *out, const json_t *event, const char *name)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	int r = format_append_member(&text, event, name);

	format_append_cell(out, buffer_span(&text));
	return r;
}

int format_csv(struct buffer *out, json_t *event)
{
	const char *comma = "";
	int r = 0;

#define X(name, title, kind, presence, view, description) \
	buffer_append_span(out, span_from(comma));        \
	r = r < 0 ? r : append_field(out, event, #name);  \
	comma = ",";
	LKSM_EVENT_FIELDS(X)
#undef X
	buffer_append_literal(out, "\r\n");
	return r;
}

/* key=value; nothing if the event lacks it */
static int append_extension(struct buffer *out, const char *key, const char *label,
			    const json_t *event, const char *name)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	int r = format_append_member(&text, event, name);

	if (!json_object_get(event, name))
		return 0;
	if (label)
		buffer_appendf(out, " %sLabel=%s", key, label);
	buffer_appendf(out, " %s=", key);
	format_append_escaped(out, buffer_span(&text), "\\=", '\\');
	return r;
}

/* https://www.microfocus.com/documentation/arcsight: Implementing CEF, revision 25 */
int format_cef(struct buffer *out, json_t *event)
{
	static const char *const levels[] = {
		[LKSM_INFO] = "2",
		[LKSM_MEDIUM] = "5",
		[LKSM_HIGH] = "8",
		[LKSM_CRITICAL] = "10",
	};
	static const struct {
		const char *key, *label, *name;
	} rows[] = {
		{ "dvchost", NULL, "host" },
		{ "externalId", NULL, "seq" },
		{ "cat", NULL, "source" },
		{ "msg", NULL, "message" },
		{ "cs1", "rule", "rule" },
		{ "cs2", "attack", "attack" },
		{ "cs3", "data", "data" },
		{ "cs4", "bootId", "boot_id" },
		{ "cs5", "stream", "stream" },
		{ "cs6", "tags", "tags" },
		{ "cn1", "streamSeq", "stream_seq" },
		{ "cn2", "level", "level" },
		{ "cn3", "facility", "facility" },
		{ "rawEvent", NULL, "raw" },
		{ "cfp1", "sinceBoot", "ts" },
	};
	enum lksm_severity severity = LKSM_INFO;
	struct span type = format_text(event, "type");
	uint64_t us;
	int r = format_severity(event, &severity);

	buffer_append_literal(out, "CEF:0|" FORMAT_VENDOR "|" FORMAT_PRODUCT
				   "|" LKSM_VERSION "|");
	format_append_escaped(out, type, "\\|", '\\');
	buffer_append_char(out, '|');
	format_append_escaped(out, type, "\\|", '\\');
	buffer_appendf(out, "|%s|", levels[severity]);
	if (format_time_us(event, &us))
		buffer_appendf(out, "rt=%" PRIu64, us / 1000);
	else
		buffer_append_literal(out, "rt=");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
		r = append_extension(out, rows[i].key, rows[i].label, event,
				     rows[i].name);
	buffer_append_char(out, '\n');
	return r;
}

/* PRINTUSASCII of RFC 5424, at most @max bytes; "-" for none. */
static void append_word(struct buffer *out, struct span text, size_t max)
{
	size_t n = text.len < max ? text.len : max;

	if (n == 0)
		buffer_append_char(out, '-');
	for (size_t i = 0; i < n; i++) {
		char c = text.data[i];

		buffer_append_char(out, c > ' ' && c < 0x7f ? c : '_');
	}
}

static int append_parameter(struct buffer *out, const json_t *event, const char *name)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	int r = format_append_member(&text, event, name);

	if (!json_object_get(event, name))
		return 0;
	buffer_appendf(out, " %s=\"", name);
	format_append_escaped(out, buffer_span(&text), "\\\"]", '\\');
	buffer_append_char(out, '"');
	return r;
}

static int append_structured(struct buffer *out, const json_t *event)
{
	int r = 0;

	/* the number is that of examples (RFC 5612): the project has none */
	buffer_append_literal(out, "[" FORMAT_PRODUCT "@32473");
#define X(name, title, kind, presence, view, description)                  \
	if (strcmp(#name, "message") != 0 && strcmp(#name, "time") != 0 && \
	    strcmp(#name, "host") != 0)                                    \
		r = r < 0 ? r : append_parameter(out, event, #name);
	LKSM_EVENT_FIELDS(X)
#undef X
	buffer_append_char(out, ']');
	return r;
}

int format_syslog(struct buffer *out, json_t *event)
{
	static const int levels[] = {
		[LKSM_INFO] = 6,
		[LKSM_MEDIUM] = 4,
		[LKSM_HIGH] = 3,
		[LKSM_CRITICAL] = 2,
	};
	enum lksm_severity severity = LKSM_INFO;
	struct span message = format_text(event, "message");
	uint64_t us;
	int r = format_severity(event, &severity);

	buffer_appendf(out, "<%d>1 ", FACILITY_AUTHPRIV * 8 + levels[severity]);
	append_word(out,
		    format_time_us(event, &us) ? format_text(event, "time")
					       : (struct span){ NULL, 0 },
		    HOST_MAX);
	buffer_append_char(out, ' ');
	append_word(out, format_text(event, "host"), HOST_MAX);
	buffer_append_literal(out, " " FORMAT_PRODUCT " - ");
	append_word(out, format_text(event, "type"), MSGID_MAX);
	buffer_append_char(out, ' ');
	r = r < 0 ? r : append_structured(out, event);
	if (message.data) {
		buffer_append_literal(out, " " BYTE_ORDER_MARK);
		format_append_escaped(out, message, "", 0);
	}
	buffer_append_char(out, '\n');
	return r;
}
