/* SPDX-License-Identifier: Apache-2.0 */
/* Small values out of HTTP headers and queries: numbers, cookies, bearer tokens. */
#ifndef OUTPUT_DASHBOARD_HTTP_VALUE_H
#define OUTPUT_DASHBOARD_HTTP_VALUE_H

#include <stdint.h>

#include "base/span.h"

/** http_parse_u64() - decimal digits and nothing else; false also when it does not fit */
bool http_parse_u64(struct span text, uint64_t *ret);

/**
 * http_next_cookie() - the next cookie called @name in a Cookie header
 * @rest: the header's value at first; advanced
 * @ret: its value, without quotes; points into the header
 *
 * Cookies are not told apart by port, so one header may well carry several of a name.
 */
bool http_next_cookie(struct span *rest, struct span name, struct span *ret);

/** http_parse_bearer() - the token of "Bearer TOKEN" (RFC 6750); false if it is none */
bool http_parse_bearer(struct span authorization, struct span *ret);

#endif
