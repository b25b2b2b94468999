// SPDX-License-Identifier: Apache-2.0
/*
 * See dmesg.h. A prefix is at most three things in a row: who says it ("kern  :info  : "
 * or
 * "<6>"), when (a stamp), and from where (a caller). Each take_*() below takes one of
 * them from the front of a line, or leaves the line alone and says false.
 *
 * The layouts are those of print_record() and its kin in util-linux's sys-utils/dmesg.c.
 */
#include "core/dmesg.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/escape.h"
#include "core/kmsg.h"

#define FRACTION_DIGITS	 6
#define IS_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define USUAL_WIDTH	 12 /* "[" and so many digits and spaces at most, less one */
#define USUAL_LENGTH	 (USUAL_WIDTH + FRACTION_DIGITS + 5) /* . and "] " and two more */
#define SECS_PER_DAY	 86400
#define ZONE_SLOT_SECS	 900 /* clocks change on a quarter of an hour */
#define YEAR_FIRST	 1970

struct date {
	uint64_t year, month, day, hour, minute, second;
};

/* syslog(3); dmesg knows the first twelve, the rest are other programs' */
static const struct span facility_names[] = {
	SPAN("kern"),	  SPAN("user"),	  SPAN("mail"),	  SPAN("daemon"), SPAN("auth"),
	SPAN("syslog"),	  SPAN("lpr"),	  SPAN("news"),	  SPAN("uucp"),	  SPAN("cron"),
	SPAN("authpriv"), SPAN("ftp"),	  SPAN("ntp"),	  SPAN("audit"),  SPAN("alert"),
	SPAN("clock"),	  SPAN("local0"), SPAN("local1"), SPAN("local2"), SPAN("local3"),
	SPAN("local4"),	  SPAN("local5"), SPAN("local6"), SPAN("local7"),
};

static const struct span level_names[] = {
	SPAN("emerg"), SPAN("alert"),  SPAN("crit"), SPAN("err"),
	SPAN("warn"),  SPAN("notice"), SPAN("info"), SPAN("debug"),
};

static const struct span month_names[] = {
	SPAN("Jan"), SPAN("Feb"), SPAN("Mar"), SPAN("Apr"), SPAN("May"), SPAN("Jun"),
	SPAN("Jul"), SPAN("Aug"), SPAN("Sep"), SPAN("Oct"), SPAN("Nov"), SPAN("Dec"),
};

static const struct span day_names[] = { SPAN("Sun"), SPAN("Mon"), SPAN("Tue"),
					 SPAN("Wed"), SPAN("Thu"), SPAN("Fri"),
					 SPAN("Sat") };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_char(struct span *s, char c)
{
	if (s->len == 0 || s->data[0] != c)
		return false;
	*s = span_skip(*s, 1);
	return true;
}

static void take_spaces(struct span *s)
{
	size_t n = 0;

	while (n < s->len && s->data[n] == ' ')
		n++;
	*s = span_skip(*s, n);
}

static bool take_literal(struct span *s, struct span literal)
{
	if (!span_starts_with(*s, literal))
		return false;
	*s = span_skip(*s, literal.len);
	return true;
}

/* One of @names; Return: its place, -1 for none of them. */
static int take_name(struct span *s, const struct span *names, size_t n_names)
{
	for (size_t i = 0; i < n_names; i++) {
		if (take_literal(s, names[i]))
			return (int)i;
	}
	return -1;
}

/* Exactly @n digits. */
static bool take_digits(struct span *s, size_t n, uint64_t *ret)
{
	uint64_t value = 0;

	if (s->len < n || (s->len > n && is_digit(s->data[n])))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(s->data[i]))
			return false;
		value = value * 10 + (uint64_t)(s->data[i] - '0');
	}
	*s = span_skip(*s, n);
	*ret = value;
	return true;
}

/* Six digits at once: pairs of them, then the pairs together. */
static bool take_fraction(struct span *s, uint64_t *ret)
{
	const uint64_t high = 0xf0f0f0f0f0f0, threes = 0x303030303030;
	uint64_t x;

	if (s->len < sizeof(x) || !IS_LITTLE_ENDIAN)
		return take_digits(s, FRACTION_DIGITS, ret);
	memcpy(&x, s->data, sizeof(x));
	if ((x & high) != threes || ((x + 0x060606060606) & high) != threes ||
	    is_digit(s->data[FRACTION_DIGITS]))
		return false;
	x &= 0x0f0f0f0f0f0f;
	x = x * 10 + (x >> 8);
	*ret = (x & 0xff) * 10000 + (x >> 16 & 0xff) * 100 + (x >> 32 & 0xff);
	*s = span_skip(*s, FRACTION_DIGITS);
	return true;
}

/* "   5.140900" as microseconds */
static bool take_seconds(struct span *s, uint64_t *ret)
{
	uint64_t seconds, fraction;

	take_spaces(s);
	if (!take_number(s, UINT64_MAX / USEC_PER_SEC - 1, &seconds) ||
	    !take_char(s, '.') || !take_fraction(s, &fraction))
		return false;
	*ret = seconds * USEC_PER_SEC + fraction;
	return true;
}

/* "<    0.000123>" */
static bool take_delta(struct span *s, uint64_t *ret)
{
	return take_char(s, '<') && take_seconds(s, ret) && take_char(s, '>');
}

/* "  +0.003226" */
static bool take_plus(struct span *s, uint64_t *ret)
{
	take_spaces(s);
	return take_char(s, '+') && take_seconds(s, ret);
}

static bool is_leap(uint64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool is_date(const struct date *d)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return d->year >= YEAR_FIRST && d->month >= 1 && d->month <= 12 && d->day >= 1 &&
	       d->day <= days[d->month - 1] +
				 (d->month == 2 && is_leap(d->year) ? 1u : 0u) &&
	       d->hour < 24 && d->minute < 60 && d->second <= 60;
}

/* Seconds since 1970-01-01 in the date's own zone. */
static uint64_t date_to_seconds(const struct date *d)
{
	uint64_t year = d->month <= 2 ? d->year - 1 : d->year;
	uint64_t from_march = d->month <= 2 ? d->month + 9 : d->month - 3;
	uint64_t days = year * 365 + year / 4 - year / 100 + year / 400 +
			(153 * from_march + 2) / 5 + d->day - 1 - 719468;

	return days * SECS_PER_DAY + d->hour * 3600 + d->minute * 60 + d->second;
}

static bool take_time_of_day(struct span *s, struct date *d)
{
	return take_digits(s, 2, &d->hour) && take_char(s, ':') &&
	       take_digits(s, 2, &d->minute) && take_char(s, ':') &&
	       take_digits(s, 2, &d->second);
}

/* "Tue Feb 10 12:00:00 2026", as ctime(3) has it: local time */
static bool take_ctime(struct span *s, uint64_t *ret)
{
	struct date d;
	int month;

	if (take_name(s, day_names, ARRAY_SIZE(day_names)) < 0 || !take_char(s, ' '))
		return false;
	month = take_name(s, month_names, ARRAY_SIZE(month_names));
	take_spaces(s);
	if (month < 0 || !take_number(s, 31, &d.day) || !take_char(s, ' ') ||
	    !take_time_of_day(s, &d) || !take_char(s, ' ') || !take_digits(s, 4, &d.year))
		return false;
	d.month = (uint64_t)month + 1;
	if (!is_date(&d))
		return false;
	*ret = date_to_seconds(&d) * USEC_PER_SEC;
	return true;
}

/* "Feb10 12:00": a minute of a year that is not told, so nothing to reckon with */
static bool take_minute(struct span *s, uint64_t *ret)
{
	uint64_t day, hour, minute;

	if (take_name(s, month_names, ARRAY_SIZE(month_names)) < 0)
		return false;
	*ret = 0;
	take_spaces(s);
	return take_number(s, 31, &day) && take_char(s, ' ') &&
	       take_digits(s, 2, &hour) && take_char(s, ':') &&
	       take_digits(s, 2, &minute);
}

/* "+01:00", "-0330" or "Z", as seconds east */
static bool take_zone(struct span *s, int64_t *ret)
{
	uint64_t hours, minutes;
	bool is_west;

	if (take_char(s, 'Z')) {
		*ret = 0;
		return true;
	}
	is_west = take_char(s, '-');
	if (!is_west && !take_char(s, '+'))
		return false;
	if (take_digits(s, 2, &hours)) {
		if (!take_char(s, ':') || !take_digits(s, 2, &minutes))
			return false;
	} else if (take_digits(s, 4, &minutes)) {
		hours = minutes / 100;
		minutes %= 100;
	} else {
		return false;
	}
	*ret = (int64_t)(hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
	return hours < 24 && minutes < 60;
}

/* "2026-02-10T12:00:00,140900+00:00", with the zone that makes it UTC */
static bool take_iso(struct span *s, uint64_t *ret)
{
	uint64_t fraction = 0, seconds;
	struct date d;
	int64_t east;

	if (!take_digits(s, 4, &d.year) || !take_char(s, '-') ||
	    !take_digits(s, 2, &d.month) || !take_char(s, '-') ||
	    !take_digits(s, 2, &d.day) || !take_char(s, 'T') ||
	    !take_time_of_day(s, &d) || !is_date(&d))
		return false;
	if ((take_char(s, ',') || take_char(s, '.')) &&
	    !take_digits(s, FRACTION_DIGITS, &fraction))
		return false;
	if (!take_zone(s, &east))
		return false;
	seconds = date_to_seconds(&d);
	if (east > 0 && (uint64_t)east > seconds)
		return false;
	*ret = (seconds - (uint64_t)east) * USEC_PER_SEC + fraction;
	return true;
}

/* "]", or with dmesg -d " <    0.000123>]" */
static bool take_close(struct span *s)
{
	uint64_t delta;

	if (take_char(s, ' ') && !take_delta(s, &delta))
		return false;
	return take_char(s, ']');
}

static bool take_stamp(struct span *s, struct dmesg_prefix *p)
{
	static const struct {
		enum dmesg_stamp kind;
		bool (*take)(struct span *s, uint64_t *ret);
	} forms[] = {
		{ DMESG_STAMP_BOOT, take_seconds }, { DMESG_STAMP_LOCAL, take_ctime },
		{ DMESG_STAMP_DELTA, take_delta },  { DMESG_STAMP_DELTA, take_plus },
		{ DMESG_STAMP_DELTA, take_minute },
	};
	struct span rest = *s, inner;

	if (take_iso(&rest, &p->us)) {
		p->kind = DMESG_STAMP_UTC;
		*s = rest;
		return true;
	}
	inner = *s;
	if (!take_char(&inner, '['))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		rest = inner;
		if (forms[i].take(&rest, &p->us) && take_close(&rest)) {
			p->kind = forms[i].kind;
			*s = rest;
			return true;
		}
	}
	return false;
}

/* "[T1]", "[    T1]" or "[C0]" behind a stamp, with or without a space between them */
static void take_caller(struct span *s, struct dmesg_prefix *p)
{
	struct span rest = *s, caller;
	uint64_t number;

	(void)take_char(&rest, ' '); /* the console has none there */
	if (!take_char(&rest, '['))
		return;
	take_spaces(&rest);
	caller = rest;
	if (!take_char(&rest, 'T') && !take_char(&rest, 'C'))
		return;
	if (!take_number(&rest, UINT32_MAX, &number))
		return;
	caller.len -= rest.len;
	if (!take_char(&rest, ']') || (rest.len && rest.data[0] != ' '))
		return;
	p->caller = caller;
	*s = rest;
}

/* "<6>": facility * 8 + level */
static bool take_raw_priority(struct span *s, struct dmesg_prefix *p)
{
	struct span rest = *s;
	uint64_t priority;

	if (!take_char(&rest, '<'))
		return false;
	if (take_literal(&rest, SPAN("-1>"))) {
		p->facility = DMESG_FACILITY_OTHER;
		*s = rest;
		return true;
	}
	if (!take_number(&rest, UINT32_MAX, &priority) || !take_char(&rest, '>'))
		return false;
	p->level = (int)(priority & 7);
	p->facility = (int)(priority >> 3);
	*s = rest;
	return true;
}

/* A name of the table, padded with spaces, and a colon. */
static int take_padded_name(struct span *s, const struct span *names, size_t n_names)
{
	struct span word = { s->data, 0 };

	while (word.len < s->len && s->data[word.len] != ' ' && s->data[word.len] != ':')
		word.len++;
	for (size_t i = 0; i < n_names; i++) {
		if (!span_equal(word, names[i]))
			continue;
		*s = span_skip(*s, word.len);
		take_spaces(s);
		return take_char(s, ':') ? (int)i : -1;
	}
	return -1;
}

/*
 * What nearly all lines begin with, as dmesg pads it: the kernel's name in seven bytes, a
 * level's in eight.
 */
static bool take_kernel_names(struct span *s, struct dmesg_prefix *p)
{
	static const char levels[][9] = {
		"emerg : ", "alert : ", "crit  : ", "err   : ",
		"warn  : ", "notice: ", "info  : ", "debug : "
	};
	static const struct span kernel = SPAN("kern  :");

	if (s->len < kernel.len + 8 || memcmp(s->data, kernel.data, kernel.len) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (!memcmp(s->data + kernel.len, levels[i], 8)) {
			p->facility = 0;
			p->level = (int)i;
			*s = span_skip(*s, kernel.len + 8);
			return true;
		}
	return false;
}

/* "kern  :info  : " */
static bool take_names(struct span *s, struct dmesg_prefix *p)
{
	struct span rest = *s;
	int facility, level;

	if (take_kernel_names(s, p))
		return true;
	facility = take_padded_name(&rest, facility_names, ARRAY_SIZE(facility_names));
	if (facility < 0)
		return false;
	level = take_padded_name(&rest, level_names, ARRAY_SIZE(level_names));
	if (level < 0 || (rest.len && !take_char(&rest, ' ')))
		return false;
	p->facility = facility;
	p->level = level;
	*s = rest;
	return true;
}

/* "[T1]", "[    T1]" or "[C0]", by its first two bytes. */
static bool may_be_caller(const char *at)
{
	return at[0] == '[' && (at[1] == ' ' || at[1] == 'T' || at[1] == 'C');
}

/*
 * "kern  :info  : [    5.140900] text", or without the names: what nearly all lines are. All
 * that it takes parse_prefix() would take, too, and say the same of; the caller, short lines
 * and large numbers are left to that one.
 */
bool dmesg_usual_prefix(struct span line, struct dmesg_prefix *ret)
{
	struct dmesg_prefix p = { .level = -1, .facility = -1, .kind = DMESG_STAMP_BOOT };
	struct span s = line, fraction;
	uint64_t seconds = 0, us;
	size_t i = 1, first;

	(void)take_kernel_names(&s, &p);
	if (s.len < USUAL_LENGTH || s.data[0] != '[')
		return false;
	while (i < USUAL_WIDTH && s.data[i] == ' ')
		i++;
	for (first = i; i < USUAL_WIDTH && is_digit(s.data[i]); i++)
		seconds = seconds * 10 + (uint64_t)(s.data[i] - '0');
	fraction = span_skip(s, i + 1);
	if (i == first || s.data[i] != '.' || !take_fraction(&fraction, &us) ||
	    fraction.data[0] != ']' || fraction.data[1] != ' ' ||
	    may_be_caller(fraction.data + 2))
		return false;
	p.names_len = line.len - s.len;
	p.us = seconds * USEC_PER_SEC + us;
	p.len = line.len - fraction.len + 2;
	*ret = p;
	return true;
}

static bool parse_any(struct span line, struct dmesg_prefix *ret)
{
	struct dmesg_prefix p = { .level = -1, .facility = -1 };
	struct span s = line;
	bool has_priority = take_raw_priority(&s, &p) || take_names(&s, &p);

	if (take_stamp(&s, &p)) {
		take_caller(&s, &p);
		if (s.len && !take_char(&s, ' '))
			return false; /* "[1.000000]x" is not what dmesg prints */
	} else if (!has_priority) {
		return false;
	}
	p.len = line.len - s.len;
	*ret = p;
	return true;
}

static bool parse_prefix(struct span line, struct dmesg_prefix *ret)
{
	return dmesg_usual_prefix(line, ret) || parse_any(line, ret);
}

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
		if (parse_prefix(line, &p->ahead_prefix)) {
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
		has_prefix = parse_prefix(line, &prefix);
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
		if (parse_prefix(line, &prefix))
			return true;
		if (kmsg_parse(line, &record) == 0)
			return false;
	}
	return true;
}
