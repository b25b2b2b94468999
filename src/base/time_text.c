// SPDX-License-Identifier: Apache-2.0
/* See time_text.h. Each take_*() takes a piece from the front of a text, or says false. */
#include "base/time_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define YEAR_LAST   9999
#define SECONDS_MAX UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DAY_S	    ((uint64_t)86400)
#define EPOCH_MIN   100000000 /* a bare number below that is no time but a slip */

/* Exactly @n digits, up to @max. */
static bool take_digits(struct span *s, size_t n, uint64_t max, int *ret)
{
	struct span digits = { s->data, n };
	uint64_t value;

	if (s->len < n || !take_number(&digits, max, &value) || digits.len)
		return false;
	*s = span_skip(*s, n);
	*ret = (int)value;
	return true;
}

static bool take_char(struct span *s, const char *any)
{
	if (!s->len || !*s->data || !strchr(any, *s->data))
		return false;
	*s = span_skip(*s, 1);
	return true;
}

/* ".5" → 500000; nothing → 0 */
static bool take_fraction(struct span *s, uint64_t *ret_us)
{
	uint64_t unit = USEC_PER_SEC;
	size_t n = 0;

	*ret_us = 0;
	if (!take_char(s, "."))
		return true;
	for (; s->len && *s->data >= '0' && *s->data <= '9'; n++) {
		unit /= 10;
		*ret_us += unit * (uint64_t)(*s->data - '0');
		*s = span_skip(*s, 1);
	}
	return n > 0;
}

/* "Z", "+01:00"; without @is_whole also "+0100", as date(1) writes it, and " UTC" */
static bool take_zone(struct span *s, bool is_whole, int64_t *ret_seconds)
{
	int hours, minutes, sign = s->len && *s->data == '-' ? -1 : 1;

	*ret_seconds = 0;
	if (take_char(s, "Zz"))
		return true;
	if (!is_whole && span_equal(*s, SPAN(" UTC"))) {
		*s = span_skip(*s, s->len);
		return true;
	}
	if (!take_char(s, "+-") || !take_digits(s, 2, 23, &hours) ||
	    (!take_char(s, ":") && is_whole) || !take_digits(s, 2, 59, &minutes))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* "2026-02-10" */
static bool take_date(struct span *s, struct tm *tm)
{
	if (!take_digits(s, 4, YEAR_LAST, &tm->tm_year) || !take_char(s, "-") ||
	    !take_digits(s, 2, 12, &tm->tm_mon) || !take_char(s, "-") ||
	    !take_digits(s, 2, 31, &tm->tm_mday) || !tm->tm_mon || !tm->tm_mday)
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return true;
}

/* "12:00:00.5"; without @is_whole also "12:00" */
static bool take_clock(struct span *s, bool is_whole, struct tm *tm, uint64_t *ret_us)
{
	*ret_us = 0;
	if (!take_digits(s, 2, 23, &tm->tm_hour) || !take_char(s, ":") ||
	    !take_digits(s, 2, 59, &tm->tm_min))
		return false;
	tm->tm_sec = 0;
	if (!take_char(s, ":"))
		return !is_whole;
	return take_digits(s, 2, 60, &tm->tm_sec) && take_fraction(s, ret_us);
}

/* timegm() makes March of the 30th of February: what it changes was no date. */
static bool is_date(struct tm tm, int64_t *ret)
{
	struct tm made = tm;
	time_t seconds = timegm(&made);

	*ret = seconds;
	return made.tm_mday == tm.tm_mday && made.tm_mon == tm.tm_mon;
}

/* RFC 3339; without @is_whole also its shorter relatives */
static bool parse_zoned(struct span s, bool is_whole, uint64_t *ret_us)
{
	struct tm tm = { 0 };
	int64_t seconds, zone;
	uint64_t us;

	if (!take_date(&s, &tm) || !take_char(&s, "Tt ") ||
	    !take_clock(&s, is_whole, &tm, &us) || !take_zone(&s, is_whole, &zone) ||
	    s.len || !is_date(tm, &seconds) || seconds < zone)
		return false;
	*ret_us = (uint64_t)(seconds - zone) * USEC_PER_SEC + us;
	return true;
}

int time_text_parse(struct span text, uint64_t *ret_us)
{
	struct span rest = text;
	uint64_t seconds, us;

	if (take_number(&rest, SECONDS_MAX, &seconds) && take_fraction(&rest, &us) &&
	    !rest.len) {
		*ret_us = seconds * USEC_PER_SEC + us;
		return 0;
	}
	return parse_zoned(text, true, ret_us) ? 0 : -EINVAL;
}

static struct span skip_spaces(struct span s)
{
	while (s.len && *s.data == ' ')
		s = span_skip(s, 1);
	return s;
}

static int fix_local(struct tm *tm, uint64_t us, uint64_t *ret_us)
{
	struct tm asked = *tm;
	time_t seconds;

	tm->tm_isdst = -1;
	seconds = mktime(tm);
	if (seconds < 0 || tm->tm_mday != asked.tm_mday) /* 31 February */
		return -EINVAL;
	*ret_us = (uint64_t)seconds * USEC_PER_SEC + us;
	return 0;
}

static int local_midnight(uint64_t now_us, int days, uint64_t *ret_us)
{
	time_t seconds = (time_t)(now_us / USEC_PER_SEC);
	struct tm tm;

	if (!localtime_r(&seconds, &tm))
		return -EINVAL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday += days;
	tm.tm_isdst = -1;
	seconds = mktime(&tm);
	if (seconds < 0)
		return -EINVAL;
	*ret_us = (uint64_t)seconds * USEC_PER_SEC;
	return 0;
}

/* Return: the unit's seconds, with the word taken from @s; 0 if it is none. */
static uint64_t take_unit(struct span *s)
{
	static const struct {
		const char *words[6];
		uint64_t seconds;
	} units[] = {
		{ { "s", "sec", "secs", "second", "seconds" }, 1 },
		{ { "m", "min", "mins", "minute", "minutes" }, 60 },
		{ { "h", "hour", "hours", "hr", "hrs" }, 3600 },
		{ { "d", "day", "days" }, DAY_S },
		{ { "w", "week", "weeks" }, 7 * DAY_S },
	};
	struct span word = *s;

	word.len = 0;
	while (word.len < s->len && isalpha((unsigned char)s->data[word.len]))
		word.len++;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		for (size_t k = 0; units[i].words[k]; k++)
			if (span_equal(word, span_from(units[i].words[k]))) {
				*s = span_skip(*s, word.len);
				return units[i].seconds;
			}
	return 0;
}

/* "2 hours ago", "1h30m", "-15m"; what is longer ago than 1970 is from the beginning */
static int parse_ago(struct span s, uint64_t now_us, uint64_t *ret_us)
{
	bool has_sign = s.len && *s.data == '-';
	uint64_t seconds = 0, n, unit;
	size_t n_terms = 0;

	s = span_skip(s, has_sign);
	while (take_number(&s, SECONDS_MAX, &n)) {
		s = skip_spaces(s);
		unit = take_unit(&s);
		if (!unit)
			return -EINVAL;
		seconds += n * unit;
		n_terms++;
		if (seconds > SECONDS_MAX)
			seconds = SECONDS_MAX;
		s = skip_spaces(s);
	}
	if (!n_terms || (s.len && (has_sign || !span_equal(s, SPAN("ago")))))
		return -EINVAL;
	*ret_us = seconds > now_us / USEC_PER_SEC ? 0 : now_us - seconds * USEC_PER_SEC;
	return 0;
}

int time_parse_span(const char *text, uint64_t *ret_us)
{
	struct span s = span_from(text);
	uint64_t sum = 0, n, fraction, unit;

	do {
		if (!take_number(&s, UINT32_MAX, &n) || !take_fraction(&s, &fraction))
			return -EINVAL;
		s = skip_spaces(s);
		unit = take_unit(&s);
		if (!unit && (sum || s.len)) /* "1h 30": of what? */
			return -EINVAL;
		unit = unit ? unit : 1;
		if (n > TIME_SPAN_MAX_US / USEC_PER_SEC / unit)
			return -EINVAL; /* before it is multiplied beyond 64 bits */
		sum += (n * USEC_PER_SEC + fraction) * unit;
		s = skip_spaces(s);
	} while (s.len && sum <= TIME_SPAN_MAX_US);
	if (sum > TIME_SPAN_MAX_US)
		return -EINVAL;
	*ret_us = sum;
	return 0;
}

static int parse_epoch(struct span s, uint64_t *ret_us)
{
	bool is_marked = s.len && *s.data == '@';
	uint64_t seconds, us;

	s = span_skip(s, is_marked);
	if (!take_number(&s, SECONDS_MAX, &seconds) || !take_fraction(&s, &us) || s.len ||
	    (!is_marked && seconds < EPOCH_MIN))
		return -EINVAL;
	*ret_us = seconds * USEC_PER_SEC + us;
	return 0;
}

/* "2026-02-10", "2026-02-10 12:00" in local time */
static int parse_local(struct span s, uint64_t *ret_us)
{
	struct tm tm = { 0 };
	uint64_t us = 0;

	if (!take_date(&s, &tm) || tm.tm_year < 70)
		return -EINVAL;
	if (s.len && (!take_char(&s, "Tt ") || !take_clock(&s, false, &tm, &us) || s.len))
		return -EINVAL;
	return fix_local(&tm, us, ret_us);
}

static int parse_today_at(struct span s, uint64_t now_us, uint64_t *ret_us)
{
	time_t seconds = (time_t)(now_us / USEC_PER_SEC);
	uint64_t us;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !take_clock(&s, false, &tm, &us))
		return -EINVAL;
	return s.len ? -EINVAL : fix_local(&tm, us, ret_us);
}

int time_parse(const char *text, uint64_t now_us, uint64_t *ret_us)
{
	static const struct {
		const char *word;
		int days;
	} midnights[] = { { "yesterday", -1 }, { "today", 0 }, { "tomorrow", 1 } };
	struct span s = skip_spaces(span_from(text));
	uint64_t us;

	while (s.len && s.data[s.len - 1] == ' ')
		s.len--;
	if (span_equal(s, SPAN("now"))) {
		*ret_us = now_us;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(midnights); i++)
		if (span_equal(s, span_from(midnights[i].word)))
			return local_midnight(now_us, midnights[i].days, ret_us);
	if (parse_ago(s, now_us, &us) < 0 && parse_epoch(s, &us) < 0 &&
	    !parse_zoned(s, false, &us) && parse_local(s, &us) < 0 &&
	    parse_today_at(s, now_us, &us) < 0)
		return -EINVAL;
	*ret_us = us;
	return 0;
}

void time_format(uint64_t us, char ret[static TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(us / USEC_PER_SEC);
	struct tm tm = { 0 };

	if ((uint64_t)seconds > SECONDS_MAX)
		seconds = (time_t)SECONDS_MAX;
	(void)gmtime_r(&seconds, &tm); /* in range */
	(void)snprintf(ret, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
		       (unsigned int)(tm.tm_year + 1900) % (YEAR_LAST + 1),
		       (unsigned int)(tm.tm_mon + 1) % 100,
		       (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
		       (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100,
		       (unsigned int)(us % USEC_PER_SEC));
}
