/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people and programs write them. */
#ifndef BASE_TIME_TEXT_H
#define BASE_TIME_TEXT_H

#include <stdint.h>

#include "base/span.h"

/**
 * time_text_parse() - RFC 3339 ("2026-02-10T12:00:00.5Z", "…+01:00"), or seconds since 1970
 * ("1770724800", "1770724800.5")
 * @ret_us: microseconds since 1970; finer digits are cut
 *
 * Return: 0; -EINVAL for anything else, and before 1970 or after 9999.
 */
int time_text_parse(struct span text, uint64_t *ret_us);

#endif
