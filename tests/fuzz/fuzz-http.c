// SPDX-License-Identifier: Apache-2.0
/*
 * What a stranger's HTTP headers reach of ours: Host and Origin, cookies, bearer tokens,
 * numbers. The input is lines: Host, Origin, Cookie, Authorization, a query's number.
 */
#include <stdint.h>
#include <stdlib.h>

#include "output/dashboard/http_host.h"
#include "output/dashboard/http_value.h"

static struct span take_line(struct span *rest)
{
	const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	struct span line = *rest;

	if (end)
		line.len = (size_t)(end - rest->data);
	*rest = span_skip(*rest, line.len + (end ? 1 : 0));
	return line;
}

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static bool is_within(struct span part, struct span whole)
{
	return part.len == 0 || (part.data >= whole.data &&
				 part.data + part.len <= whole.data + whole.len);
}

static void try_host(struct span host, struct span origin)
{
	static const char *const names[] = { "lksm.example", "[2001:db8::7]", NULL };
	bool is_bracketed;
	struct span name;

	if (http_host_split(host, &name, &is_bracketed)) {
		require(name.len > 0 && name.len <= HTTP_HOST_MAX &&
			is_within(name, host));
		require(!memchr(name.data, '@', name.len) &&
			!memchr(name.data, '/', name.len));
	} else {
		require(!http_host_is_ours(host, names));
	}
	/* An origin without a scheme is never ours, whatever follows. */
	if (http_origin_is_ours(origin, host, names, false))
		require(span_starts_with(origin, SPAN("http")));
	if (http_origin_is_ours(origin, host, names, true))
		require(span_starts_with(origin, SPAN("https://")) &&
			http_origin_is_ours(origin, host, names, false));
}

static void try_values(struct span cookies, struct span authorization, struct span number)
{
	struct span rest = cookies, value;
	size_t n = 0;
	uint64_t parsed;

	while (http_next_cookie(&rest, SPAN("lksm_session"), &value)) {
		require(is_within(value, cookies));
		require(++n <= cookies.len);
	}
	if (http_parse_bearer(authorization, &value))
		require(value.len > 0 && is_within(value, authorization));
	if (http_parse_u64(number, &parsed))
		require(number.len > 0 && number.data[0] >= '0' && number.data[0] <= '9');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { (const char *)data, size };
	struct span host = take_line(&rest), origin = take_line(&rest);
	struct span cookies = take_line(&rest), authorization = take_line(&rest);

	try_host(host, origin);
	try_values(cookies, authorization, rest);
	return 0;
}
