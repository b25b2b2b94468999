/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A logged event in the words of other programs, one line each: what a SIEM takes without a
 * parser of its own. Nothing is left out: what a format has no place for goes into its
 * place for other things.
 */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include <jansson.h>

#include "base/buffer.h"

enum format {
	FORMAT_TEXT, /* for people; cli/event_line.h makes it */
	FORMAT_JSON, /* the logged line as it is */
	FORMAT_CSV,
	FORMAT_ECS,
	FORMAT_OCSF,
	FORMAT_CEF,
	FORMAT_OTLP,
	FORMAT_SYSLOG,
	FORMAT_COUNT,
};

/** FORMAT_WORDS - for help */
#define FORMAT_WORDS "text|json|csv|ecs|ocsf|cef|otlp|syslog"

/** format_parse() - 0 and @ret, or -EINVAL */
int format_parse(const char *word, enum format *ret);

/**
 * format_dump() - json_dumps(), compact, of any value; a number has no more digits than it takes
 * to tell it from its neighbours: 0.1, not 0.10000000000000001
 *
 * Return: for free(); NULL: no memory.
 */
char *format_dump(const json_t *value);

/** format_append_header() - what stands before the first event: CSV has a line */
void format_append_header(struct buffer *out, enum format format);

/**
 * format_append() - the event in any format but FORMAT_TEXT and FORMAT_JSON, newline included
 * @event: a logged line, parsed; its values are not trusted
 *
 * csv     RFC 4180; a column for each field of lksm/event_fields.h, data as JSON;
 *	   format_append_cell()
 * ecs     Elastic Common Schema 8.11
 * ocsf    OCSF 1.3, Detection Finding (class 2004)
 * cef     ArcSight Common Event Format 0
 * otlp    a request of OpenTelemetry's OTLP/JSON with one log record
 * syslog  RFC 5424, facility authpriv
 *
 * Return: 0; -EBADMSG if it is no event; -ENOMEM.
 */
int format_append(struct buffer *out, enum format format, json_t *event);

/**
 * format_append_cell() - a cell of CSV: in quotes if it has a comma, a quote or the end of a
 * line (RFC 4180), and with a ' before what a spreadsheet would take for a formula: = + - @,
 * tab, CR or LF at its beginning
 */
void format_append_cell(struct buffer *out, struct span text);

#endif
