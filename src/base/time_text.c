// SPDX-License-Identifier: Apache-2.0
/* See time_text.h. */
#include "base/time_text.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

#define SECONDS_MAX UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */

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

static bool take_zone(struct span *s, int64_t *ret_seconds)
{
	int hours, minutes, sign = s->len && *s->data == '-' ? -1 : 1;

	*ret_seconds = 0;
	if (take_char(s, "Zz"))
		return true;
	if (!take_char(s, "+-") || !take_digits(s, 2, 23, &hours) || !take_char(s, ":") ||
	    !take_digits(s, 2, 59, &minutes))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* timegm() makes March of the 30th of February: what it changes was no date. */
static bool is_date(struct tm tm, int64_t *ret)
{
	struct tm made = tm;
	time_t seconds = timegm(&made);

	*ret = seconds;
	return made.tm_mday == tm.tm_mday && made.tm_mon == tm.tm_mon;
}

static bool parse_date(struct span s, uint64_t *ret_us)
{
	struct tm tm = { 0 };
	int64_t seconds, zone;
	uint64_t us;

	if (!take_digits(&s, 4, 9999, &tm.tm_year) || !take_char(&s, "-") ||
	    !take_digits(&s, 2, 12, &tm.tm_mon) || !take_char(&s, "-") ||
	    !take_digits(&s, 2, 31, &tm.tm_mday) || !take_char(&s, "Tt ") ||
	    !take_digits(&s, 2, 23, &tm.tm_hour) || !take_char(&s, ":") ||
	    !take_digits(&s, 2, 59, &tm.tm_min) || !take_char(&s, ":") ||
	    !take_digits(&s, 2, 60, &tm.tm_sec) || !take_fraction(&s, &us) ||
	    !take_zone(&s, &zone) || s.len || !tm.tm_mon || !tm.tm_mday)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	if (!is_date(tm, &seconds) || seconds < zone)
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
	return parse_date(text, ret_us) ? 0 : -EINVAL;
}
