// SPDX-License-Identifier: Apache-2.0
/* See http_value.h. Pure functions over what a stranger sent. */
#include "output/dashboard/http_value.h"

#include <strings.h>

bool http_parse_u64(struct span text, uint64_t *ret)
{
	uint64_t value = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' ||
		    __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
			return false;
	}
	*ret = value;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
	while (s.len > 0 && is_blank(s.data[0]))
		s = span_skip(s, 1);
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

/* Cut @rest at the first @separator; what stood before it is the result. */
static struct span take_until(struct span *rest, char separator)
{
	const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
	struct span part = *rest;

	if (end) {
		part.len = (size_t)(end - rest->data);
		*rest = span_skip(*rest, part.len + 1);
	} else {
		*rest = (struct span){ 0 };
	}
	return part;
}

bool http_next_cookie(struct span *rest, struct span name, struct span *ret)
{
	while (rest->len > 0) {
		struct span value = trim(take_until(rest, ';'));
		struct span key = take_until(&value, '=');

		if (!span_equal(trim(key), name) || !value.data)
			continue;
		value = trim(value);
		if (value.len >= 2 && value.data[0] == '"' &&
		    value.data[value.len - 1] == '"')
			value = (struct span){ value.data + 1, value.len - 2 };
		*ret = value;
		return true;
	}
	return false;
}

bool http_parse_bearer(struct span authorization, struct span *ret)
{
	static const struct span scheme = { "Bearer", sizeof("Bearer") - 1 };
	struct span token;

	if (authorization.len <= scheme.len ||
	    strncasecmp(authorization.data, scheme.data, scheme.len) != 0 ||
	    !is_blank(authorization.data[scheme.len]))
		return false;
	token = trim(span_skip(authorization, scheme.len));
	if (token.len == 0 || memchr(token.data, ' ', token.len))
		return false;
	*ret = token;
	return true;
}
