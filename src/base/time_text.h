/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people and programs write them, and as events carry them. */
#ifndef BASE_TIME_TEXT_H
#define BASE_TIME_TEXT_H

#include <stdint.h>

#include "base/span.h"

/** TIME_TEXT_SIZE - "2026-02-10T12:00:00.001234Z" and its NUL */
#define TIME_TEXT_SIZE sizeof("2026-02-10T12:00:00.001234Z")

/**
 * time_text_parse() - RFC 3339 ("2026-02-10T12:00:00.5Z", "…+01:00"), or seconds since 1970
 * ("1770724800", "1770724800.5")
 * @ret_us: microseconds since 1970; finer digits are cut
 *
 * Return: 0; -EINVAL for anything else, and before 1970 or after 9999.
 */
int time_text_parse(struct span text, uint64_t *ret_us);

/**
 * time_parse() - what somebody typed, as microseconds since 1970
 * @now_us: the same, of now
 *
 *	now  today  yesterday  tomorrow		(local midnight)
 *	2 hours ago  1h30m ago  90s  -15m	(s, m, h, d, w and their words; at most to 1970)
 *	2026-02-10  2026-02-10 12:00[:00[.5]]	(local time)
 *	2026-02-10T12:00:00.001234Z  …+01:00	(RFC 3339; …+0100, … UTC, and without seconds)
 *	12:00[:00]				(today)
 *	@1770724800[.5]  1770724800		(seconds since 1970)
 *
 * Return: 0; -EINVAL.
 */
int time_parse(const char *text, uint64_t now_us, uint64_t *ret_us);

/** TIME_SPAN_MAX_US - the longest span of time, 136 years */
#define TIME_SPAN_MAX_US (UINT32_MAX * UINT64_C(1000000))

/**
 * time_parse_span() - how long: "10" and "0.5" are seconds; "30s", "5m", "1h30m", "2 weeks"
 *
 * Return: 0, and microseconds; -EINVAL, also beyond TIME_SPAN_MAX_US.
 */
int time_parse_span(const char *text, uint64_t *ret_us);

/** time_format() - RFC 3339, UTC, as in an event; the years 1970 to 9999 */
void time_format(uint64_t us, char ret[static TIME_TEXT_SIZE]);

#endif
