// SPDX-License-Identifier: Apache-2.0
/*
 * What stands before the text of a line of dmesg.h. It is at most three things in a row: who
 * says it ("kern  :info  : " or "<6>"), when (a stamp), and from where (a caller). Each
 * take_*() below takes one of them from the front of a line, or leaves the line alone and
 * says false.
 *
 * The layouts are those of print_record() and its kin in util-linux's sys-utils/dmesg.c.
 */
#include "core/dmesg.h"

#include <endian.h>

#include "base/clock.h"
#include "base/text.h"

#define FRACTION_DIGITS 6
#define USUAL_WIDTH	12 /* "[" and so many digits and spaces at most, less one */
#define USUAL_LENGTH	(USUAL_WIDTH + FRACTION_DIGITS + 5) /* . and "] " and two more */
#define SECS_PER_DAY	86400
#define YEAR_FIRST	1970

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

/*
 * Six digits at once: pairs of them, then the pairs together. Two bytes more can be read.
 */
static inline bool read_fraction(const char *at, uint64_t *ret)
{
	const uint64_t high = 0xf0f0f0f0f0f0, threes = 0x303030303030;
	uint64_t x;

	memcpy(&x, at, sizeof(x));
	x = le64toh(x);
	if ((x & high) != threes || ((x + 0x060606060606) & high) != threes)
		return false;
	x &= 0x0f0f0f0f0f0f;
	x = x * 10 + (x >> 8);
	*ret = (x & 0xff) * 10000 + (x >> 16 & 0xff) * 100 + (x >> 32 & 0xff);
	return true;
}

/* "   5.140900" as microseconds */
static bool take_seconds(struct span *s, uint64_t *ret)
{
	uint64_t seconds, fraction;

	take_spaces(s);
	if (!take_number(s, UINT64_MAX / USEC_PER_SEC - 1, &seconds) ||
	    !take_char(s, '.') || !take_digits(s, FRACTION_DIGITS, &fraction))
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

/*
 * "Feb 10 12:00:00", as syslog(3) has it: of a year and a zone that are not told; with six
 * decimals from journalctl -o short-precise
 */
static bool take_syslog_time(struct span *s)
{
	struct date d;
	uint64_t day, us;

	if (take_name(s, month_names, ARRAY_SIZE(month_names)) < 0 || !take_char(s, ' '))
		return false;
	take_spaces(s);
	return take_number(s, 31, &day) && take_char(s, ' ') && take_time_of_day(s, &d) &&
	       (!take_char(s, '.') || take_digits(s, FRACTION_DIGITS, &us)) && s->len &&
	       *s->data == ' ';
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

/*
 * " web-1 kernel:" behind a syslog daemon's or journalctl's time, and " [    5.140900]" behind
 * that, which the journal takes away
 */
static void take_syslog_source(struct span *s, struct dmesg_prefix *p)
{
	struct span rest = *s, behind;
	uint64_t us;

	if (!take_char(&rest, ' '))
		return;
	while (rest.len && *rest.data != ' ')
		rest = span_skip(rest, 1);
	if (!take_literal(&rest, SPAN(" kernel:")) || (rest.len && *rest.data != ' '))
		return;
	*s = rest;
	if (!take_char(&rest, ' ') || !take_char(&rest, '[') ||
	    !take_seconds(&rest, &us) || !take_char(&rest, ']'))
		return;
	behind = rest;
	take_caller(&behind, p);
	if (behind.len == rest.len && rest.len && *rest.data != ' ')
		return;
	if (p->kind == DMESG_STAMP_UTC) {
		p->kind = DMESG_STAMP_BOTH;
		p->boot_us = us;
	} else {
		p->kind = DMESG_STAMP_BOOT;
		p->us = us;
	}
	*s = rest;
}

/* Those that no bracket begins. */
static bool take_bare_stamp(struct span *s, struct dmesg_prefix *p)
{
	struct span rest = *s;

	if (!rest.len || *rest.data > 'S') /* "Sep" is the last of them */
		return false;
	if (take_iso(&rest, &p->us)) {
		p->kind = DMESG_STAMP_UTC;
	} else {
		rest = *s;
		if (!take_syslog_time(&rest))
			return false;
		p->kind = DMESG_STAMP_DELTA;
		p->us = 0;
	}
	*s = rest;
	take_syslog_source(s, p);
	return true;
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
	struct span rest, inner = *s;

	if (!take_char(&inner, '['))
		return take_bare_stamp(s, p);
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
 * level's in eight. The usual levels come first.
 */
static bool take_kernel_names(struct span *s, int *ret_level)
{
	static const struct {
		int level;
		char name[9];
	} levels[] = {
		{ 6, "info  : " }, { 4, "warn  : " }, { 5, "notice: " },
		{ 3, "err   : " }, { 7, "debug : " }, { 2, "crit  : " },
		{ 1, "alert : " }, { 0, "emerg : " },
	};
	static const struct span kernel = SPAN("kern  :");

	if (s->len < kernel.len + 8 || memcmp(s->data, kernel.data, kernel.len) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (!memcmp(s->data + kernel.len, levels[i].name, 8)) {
			*ret_level = levels[i].level;
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

	if (take_kernel_names(s, &p->level)) {
		p->facility = 0;
		return true;
	}
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
 * that it takes dmesg_any_prefix() would take, too, and say the same of; the caller, short lines
 * and large numbers are left to that one.
 */
bool dmesg_usual_prefix(struct span line, struct dmesg_prefix *ret)
{
	struct span s = line;
	uint64_t seconds = 0, us;
	size_t i = 1, first;
	int level = -1;
	bool is_kernel = take_kernel_names(&s, &level);

	if (s.len < USUAL_LENGTH || s.data[0] != '[')
		return false;
	while (i < USUAL_WIDTH && s.data[i] == ' ')
		i++;
	for (first = i; i < USUAL_WIDTH && is_digit(s.data[i]); i++)
		seconds = seconds * 10 + (uint64_t)(s.data[i] - '0');
	if (i == first || s.data[i] != '.' || !read_fraction(s.data + i + 1, &us) ||
	    s.data[i + 7] != ']' || s.data[i + 8] != ' ' || may_be_caller(s.data + i + 9))
		return false;
	/* field by field: a copy of what was just put together stalls the processor */
	ret->level = level;
	ret->facility = is_kernel ? 0 : -1;
	ret->kind = DMESG_STAMP_BOOT;
	ret->us = seconds * USEC_PER_SEC + us;
	ret->caller = (struct span){ NULL, 0 };
	ret->names_len = line.len - s.len;
	ret->len = ret->names_len + i + 9;
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

bool dmesg_any_prefix(struct span line, struct dmesg_prefix *ret)
{
	return dmesg_usual_prefix(line, ret) || parse_any(line, ret);
}
