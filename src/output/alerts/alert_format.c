// SPDX-License-Identifier: Apache-2.0
/* See alert_format.h. */
#include "output/alerts/alert_format.h"

#include <inttypes.h>

#include "core/event.h"

#define FACILITY_AUTHPRIV 10

static const struct alert_event *first_of(const struct alert_group *g)
{
	return &g->items[0].event; /* a group that is sent has one */
}

void alert_format_title(const struct alert_group *g, struct buffer *out)
{
	buffer_appendf(out, "%s: %s on %s", severity_name(g->severity), g->type,
		       *first_of(g)->host ? first_of(g)->host : "this machine");
	if (g->count > 1)
		buffer_appendf(out, " (%" PRIu64 " events)", g->count);
}

static void append_pair(struct buffer *out, const char *key, const char *text)
{
	buffer_appendf(out, "\"%s\": ", key);
	json_append_string(out, span_from(text));
	buffer_append_literal(out, ", ");
}

void alert_format_json(const struct alert_receiver *r, const struct alert_group *g,
		       struct buffer *out)
{
	const char *before = "";

	buffer_append_char(out, '{');
	append_pair(out, "receiver", r->name);
	append_pair(out, "type", g->type);
	append_pair(out, "severity", severity_name(g->severity));
	buffer_appendf(out,
		       "\"count\": %" PRIu64 ", \"first_seq\": %" PRIu64
		       ", \"last_seq\": %" PRIu64 ", ",
		       g->count, g->first_seq, g->last_seq);
	append_pair(out, "host", first_of(g)->host);
	append_pair(out, "time", first_of(g)->time);
	append_pair(out, "summary", first_of(g)->summary);
	buffer_append_literal(out, "\"events\": [");
	for (size_t i = 0; i < g->n_items; i++) {
		if (!g->items[i].line)
			continue;
		buffer_appendf(out, "%s%s", before, g->items[i].line);
		before = ", ";
	}
	buffer_append_literal(out, "]}");
}

/* docs.slack.dev: the three characters that control what follows them */
static void append_slack_text(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buffer_append_literal(out, "&amp;");
			break;
		case '<':
			buffer_append_literal(out, "&lt;");
			break;
		case '>':
			buffer_append_literal(out, "&gt;");
			break;
		default:
			buffer_append_char(out, *text);
		}
	}
}

static void append_list(struct buffer *out, const struct alert_group *g,
			const char *bullet,
			void (*append)(struct buffer *out, const char *text))
{
	for (size_t i = 0; i < g->n_items; i++) {
		const struct alert_event *event = &g->items[i].event;

		buffer_appendf(out, "\n%s%s #%" PRIu64 " ", bullet, event->time,
			       event->seq);
		append(out, event->summary);
	}
	if (g->count > g->n_items)
		buffer_appendf(out, "\n%sand %" PRIu64 " more, up to #%" PRIu64, bullet,
			       g->count - g->n_items, g->last_seq);
}

void alert_format_slack(const struct alert_group *g, struct buffer *out)
{
	_cleanup_buffer_ struct buffer text = { 0 };

	buffer_append_char(&text, '*');
	alert_format_title(g, &text);
	buffer_append_char(&text, '*');
	append_list(&text, g, "• ", append_slack_text);
	buffer_append_literal(out, "{\"text\": ");
	json_append_string(out, buffer_span(&text));
	buffer_append_char(out, '}');
}

/* prometheus/alertmanager:api/v2/openapi.yaml, postableAlert */
void alert_format_alertmanager(const struct alert_group *g, struct buffer *out)
{
	const struct alert_event *event = first_of(g);

	buffer_append_literal(out, "[{\"labels\": {");
	append_pair(out, "alertname", g->type);
	append_pair(out, "severity", severity_name(g->severity));
	if (*event->rule)
		append_pair(out, "rule", event->rule);
	append_pair(out, "instance", event->host);
	buffer_append_literal(out, "\"job\": \"lksm\"}, \"annotations\": {");
	append_pair(out, "summary", event->summary);
	buffer_appendf(out,
		       "\"count\": \"%" PRIu64 "\", \"first_seq\": \"%" PRIu64
		       "\", \"last_seq\": \"%" PRIu64 "\"}",
		       g->count, g->first_seq, g->last_seq);
	if (*event->time) {
		buffer_append_literal(out, ", \"startsAt\": ");
		json_append_string(out, span_from(event->time));
	}
	buffer_append_literal(out, "}]");
}

static void append_plain(struct buffer *out, const char *text)
{
	buffer_append_span(out, span_from(text));
}

/* What the configuration says is put into one line, too. */
static void append_header(struct buffer *out, const char *name, const char *value)
{
	buffer_appendf(out, "%s: ", name);
	for (; *value; value++)
		buffer_append_char(out, *value >= 0x20 && *value < 0x7f ? *value : '?');
	buffer_append_char(out, '\n');
}

void alert_format_email(const struct alert_receiver *r, const struct alert_group *g,
			struct buffer *out)
{
	_cleanup_buffer_ struct buffer title = { 0 };

	buffer_append_literal(&title, "[lksm] ");
	alert_format_title(g, &title);
	if (r->from)
		append_header(out, "From", r->from);
	append_header(out, "To", r->to);
	append_header(out, "Subject", buffer_cstring(&title) ? title.data : "[lksm]");
	append_header(out, "Auto-Submitted", "auto-generated"); /* RFC 3834 */
	append_header(out, "MIME-Version", "1.0");
	append_header(out, "Content-Type", "text/plain; charset=utf-8");
	append_header(out, "Content-Transfer-Encoding", "8bit");
	buffer_append_char(out, '\n');
	alert_format_title(g, out);
	buffer_append_char(out, '\n');
	append_list(out, g, "  ", append_plain);
	buffer_appendf(out,
		       "\n\nThe events %" PRIu64 " to %" PRIu64
		       " are in the log; `lksm follow` and the dashboard show them.\n",
		       g->first_seq, g->last_seq);
}

/* RFC 5424, 6.3.3 */
static void append_parameter(struct buffer *out, const char *name, const char *value)
{
	buffer_appendf(out, " %s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\' || *value == ']')
			buffer_append_char(out, '\\');
		buffer_append_char(out, *value);
	}
	buffer_append_char(out, '"');
}

static void append_number(struct buffer *out, const char *name, uint64_t value)
{
	buffer_appendf(out, " %s=\"%" PRIu64 "\"", name, value);
}

/* of RFC 5424, table 2 */
static unsigned int syslog_severity(enum lksm_severity severity)
{
	static const unsigned int numbers[] = {
		[LKSM_INFO] = 6, [LKSM_MEDIUM] = 4, [LKSM_HIGH] = 3, [LKSM_CRITICAL] = 2
	};

	return numbers[severity];
}

static void cut(struct buffer *out, size_t limit)
{
	if (!limit || out->len <= limit)
		return;
	out->len = limit;
	while (out->len && ((unsigned char)out->data[out->len] & 0xc0) == 0x80)
		out->len--;
}

void alert_format_syslog(const struct alert_group *g, pid_t pid, size_t limit,
			 struct buffer *out)
{
	const struct alert_event *event = first_of(g);

	/* 32 characters of a MSGID (RFC 5424, 6); the whole type is a parameter */
	buffer_appendf(out, "<%u>1 %s %s lksm %d %.32s [lksm@32473",
		       FACILITY_AUTHPRIV * 8 + syslog_severity(g->severity),
		       *event->time ? event->time : "-", *event->host ? event->host : "-",
		       (int)pid, g->type);
	append_parameter(out, "type", g->type);
	append_parameter(out, "severity", severity_name(g->severity));
	if (*event->rule)
		append_parameter(out, "rule", event->rule);
	append_number(out, "count", g->count);
	append_number(out, "first_seq", g->first_seq);
	append_number(out, "last_seq", g->last_seq);
	buffer_append_literal(out, "] \xef\xbb\xbf");
	append_plain(out, event->summary);
	if (g->count > 1)
		buffer_appendf(out, " (and %" PRIu64 " more)", g->count - 1);
	cut(out, limit);
}
