// SPDX-License-Identifier: Apache-2.0
/* See dmesg.h. Lines are put together to records here; dmesg_prefix.c takes one apart. */
#include "core/dmesg.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/escape.h"
#include "core/kmsg.h"

#define ZONE_SLOT_SECS 900 /* clocks change on a quarter of an hour */

/*
 * The line at the front of @s, which is advanced past it; without its newline and a CR
 * before that.
 */
static bool take_line(struct span *s, bool is_end, struct span *ret)
{
	const char *newline = s->len ? memchr(s->data, '\n', s->len) : NULL;
	struct span line = { s->data, newline ? (size_t)(newline - s->data) : s->len };

	if (!newline && (!is_end || s->len == 0))
		return false;
	*s = span_skip(*s, line.len + (newline ? 1 : 0));
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	*ret = line;
	return true;
}

/*
 * Lines without a prefix at the front of @s, which is advanced past them; empty ones at
 * their end are passed over. The line behind them is kept: it will be asked for next.
 *
 * Return: false if there may be more of them.
 */
static bool take_more(struct dmesg_parser *p, struct span *s, bool is_end,
		      struct span *ret)
{
	struct span rest = *s, line;
	size_t len = 0;

	while (s->len - rest.len < DMESG_RECORD_MAX) {
		struct span before = rest;

		if (!take_line(&rest, is_end, &line)) {
			if (!is_end)
				return false;
			break;
		}
		if (dmesg_any_prefix(line, &p->ahead_prefix)) {
			p->ahead = line;
			rest = before;
			break;
		}
		if (line.len)
			len = (size_t)(line.data + line.len - s->data);
	}
	*ret = (struct span){ s->data, len };
	*s = rest;
	return true;
}

static int64_t ask_zone_offset(uint64_t local_s)
{
	time_t seconds = (time_t)local_s;
	struct tm tm;

	/* broken down as if it were UTC, then understood as local time */
	if (!gmtime_r(&seconds, &tm))
		return 0;
	tm.tm_isdst = -1;
	return (int64_t)local_s - (int64_t)mktime(&tm);
}

/* mktime(3) looks at a file each time: ask it once for each quarter of an hour. */
static uint64_t local_to_utc(struct dmesg_parser *p, uint64_t local_us)
{
	uint64_t local_s = local_us / USEC_PER_SEC, slot = local_s / ZONE_SLOT_SECS + 1;

	if (p->zone_slot != slot) {
		p->zone_slot = slot;
		p->zone_offset_s = ask_zone_offset(local_s);
	}
	if (p->zone_offset_s > 0 && (uint64_t)p->zone_offset_s > local_s)
		return 0;
	return local_us - (uint64_t)p->zone_offset_s * USEC_PER_SEC;
}

/* A wall-clock stamp counts from the first one. */
static void set_wall_time(struct dmesg_parser *p, uint64_t time_us,
			  struct dmesg_record *r)
{
	if (!p->has_first_time) {
		p->has_first_time = true;
		p->first_time_us = time_us;
	}
	r->time_us = time_us;
	r->ts_us = time_us > p->first_time_us ? time_us - p->first_time_us : 0;
}

static void set_times(struct dmesg_parser *p, const struct dmesg_prefix *prefix,
		      struct dmesg_record *r)
{
	r->ts_us = p->last_ts_us;
	switch (prefix->kind) {
	case DMESG_STAMP_NONE:
		break;
	case DMESG_STAMP_BOOT:
		r->ts_us = prefix->us;
		break;
	case DMESG_STAMP_LOCAL:
		set_wall_time(p, local_to_utc(p, prefix->us), r);
		break;
	case DMESG_STAMP_UTC:
		set_wall_time(p, prefix->us, r);
		break;
	case DMESG_STAMP_BOTH:
		set_wall_time(p, prefix->us, r);
		r->ts_us = prefix->boot_us;
		break;
	case DMESG_STAMP_DELTA:
		if (prefix->us <= UINT64_MAX - r->ts_us)
			r->ts_us += prefix->us;
		break;
	}
	p->last_ts_us = r->ts_us;
}

/* The line that take_more() looked at last, if it is the next one and was not moved. */
static bool take_ahead(struct dmesg_parser *p, struct span *s, struct span *ret_line,
		       struct dmesg_prefix *ret)
{
	struct span line = p->ahead;
	size_t end = line.len;

	p->ahead.data = NULL;
	if (!line.data || line.data != s->data || line.len > s->len)
		return false;
	end += end < s->len && s->data[end] == '\r';
	end += end < s->len && s->data[end] == '\n';
	*s = span_skip(*s, end);
	*ret_line = line;
	*ret = p->ahead_prefix;
	return true;
}

bool dmesg_next(struct dmesg_parser *p, struct span *s, bool is_end,
		struct dmesg_record *ret)
{
	struct dmesg_record r = { 0 };
	struct dmesg_prefix prefix = { .level = -1, .facility = -1 };
	struct span rest = *s, line;
	bool has_prefix = take_ahead(p, &rest, &line, &prefix);

	while (!has_prefix) {
		*s = rest;
		if (!take_line(&rest, is_end, &line))
			return false;
		if (line.len == 0)
			continue;
		has_prefix = dmesg_any_prefix(line, &prefix);
		break;
	}
	r.text = span_skip(line, prefix.len);
	if (!has_prefix && p->has_prefix) {
		rest = *s; /* the rest of a record that had grown too long */
		r.text.len = 0;
	}
	if ((has_prefix || p->has_prefix) && !take_more(p, &rest, is_end, &r.more))
		return false;
	r.level = prefix.level;
	r.facility = prefix.facility;
	r.caller = prefix.caller;
	r.indent = prefix.len;
	set_times(p, &prefix, &r);
	p->has_prefix |= has_prefix;
	*s = rest;
	*ret = r;
	return true;
}

/* How many of the first @indent bytes of @line are there for the eye only: all or none.
 */
static size_t indentation(struct span line, size_t indent)
{
	for (size_t i = 0; i < indent; i++) {
		if (i == line.len || line.data[i] != ' ')
			return 0;
	}
	return indent;
}

void dmesg_join(struct buffer *out, const struct dmesg_record *record)
{
	struct span more = record->more, line;

	buffer_append_span(out, record->text);
	while (take_line(&more, true, &line)) {
		buffer_append_char(out, '\n');
		buffer_append_span(out,
				   span_skip(line, indentation(line, record->indent)));
	}
}

static bool is_lower_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

/* The byte that @s, which begins with a backslash, stands for; -1 if dmesg did not write
 * it. */
static int unescape_byte(struct span s)
{
	int low;

	if (s.len < ESCAPE_LENGTH || s.data[1] != 'x' || !is_lower_hex(s.data[3]))
		return -1;
	low = is_digit(s.data[3]) ? s.data[3] - '0' : s.data[3] - 'a' + 10;
	if (s.data[2] == '0' || s.data[2] == '1')
		return (s.data[2] - '0') << 4 | low;
	return s.data[2] == '7' && low == 15 ? 0x7f : -1;
}

void dmesg_unescape(struct buffer *out, struct span text)
{
	escape_undo(out, text, unescape_byte);
}

bool dmesg_looks_like(struct span s)
{
	struct kmsg_record record;
	struct dmesg_prefix prefix;
	struct span line;

	/* the first line that is surely one or the other decides; a bare one may be
	 * either */
	while (take_line(&s, true, &line)) {
		if (dmesg_any_prefix(line, &prefix))
			return true;
		if (kmsg_parse(line, &record) == 0)
			return false;
	}
	return true;
}
