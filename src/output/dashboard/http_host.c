// SPDX-License-Identifier: Apache-2.0
/* See http_host.h. Pure functions over what a stranger sent. */
#include "output/dashboard/http_host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <strings.h>

#define PORT_DIGITS_MAX 5
#define PORT_MAX	65535

static bool is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "" or ":8787". */
static bool is_port_suffix(struct span s)
{
	uint32_t port = 0;

	if (s.len == 0)
		return true;
	if (s.data[0] != ':' || s.len == 1 || s.len > 1 + PORT_DIGITS_MAX)
		return false;
	for (size_t i = 1; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(s.data[i] - '0');
	}
	return port <= PORT_MAX;
}

bool http_host_split(struct span host, struct span *ret_name, bool *ret_is_bracketed)
{
	bool is_bracketed = host.len > 0 && host.data[0] == '[';
	size_t from = is_bracketed ? 1 : 0, to = from;

	while (to < host.len &&
	       (is_bracketed ? is_in(host.data[to], "0123456789abcdefABCDEF:.")
			     : is_alnum(host.data[to]) || is_in(host.data[to], "._-")))
		to++;
	if (to == from || to - from > HTTP_HOST_MAX)
		return false;
	if (is_bracketed && (to == host.len || host.data[to] != ']'))
		return false;
	if (!is_port_suffix(span_skip(host, is_bracketed ? to + 1 : to)))
		return false;
	*ret_name = (struct span){ host.data + from, to - from };
	*ret_is_bracketed = is_bracketed;
	return true;
}

static bool equals_ignoring_case(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

/* inet_pton() wants a NUL, and takes no shorthand such as 127.1 or 0x7f000001. */
static bool parse_address(struct span name, int family, void *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (name.len >= sizeof(text))
		return false;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return inet_pton(family, text, ret) == 1;
}

static bool is_loopback(struct span name, bool is_bracketed)
{
	struct in6_addr six;
	struct in_addr four;

	if (is_bracketed)
		return parse_address(name, AF_INET6, &six) && IN6_IS_ADDR_LOOPBACK(&six);
	return equals_ignoring_case(name, SPAN("localhost")) ||
	       (parse_address(name, AF_INET, &four) &&
		ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* @own may be written as "host", "2001:db8::7" or "[2001:db8::7]". */
static bool is_same_name(struct span name, bool is_bracketed, const char *own)
{
	struct span other = span_from(own);
	struct in6_addr a, b;

	if (!is_bracketed)
		return equals_ignoring_case(name, other);
	if (other.len >= 2 && other.data[0] == '[')
		other = (struct span){ other.data + 1, other.len - 2 };
	return parse_address(name, AF_INET6, &a) && parse_address(other, AF_INET6, &b) &&
	       memcmp(&a, &b, sizeof(a)) == 0;
}

static bool is_listed(struct span host, const char *const *names)
{
	struct span name;
	bool is_bracketed;

	if (!http_host_split(host, &name, &is_bracketed))
		return false;
	for (; names && *names; names++)
		if (is_same_name(name, is_bracketed, *names))
			return true;
	return false;
}

bool http_host_is_ours(struct span host, const char *const *names)
{
	struct span name;
	bool is_bracketed;

	return http_host_split(host, &name, &is_bracketed) &&
	       (is_loopback(name, is_bracketed) || is_listed(host, names));
}

bool http_origin_is_ours(struct span origin, struct span host, const char *const *names,
			 bool is_tls)
{
	struct span authority;

	if (!is_tls && span_starts_with(origin, SPAN("http://")))
		authority = span_skip(origin, strlen("http://"));
	else if (span_starts_with(origin, SPAN("https://")))
		authority = span_skip(origin, strlen("https://"));
	else
		return false;
	return (host.len > 0 && equals_ignoring_case(authority, host)) ||
	       is_listed(authority, names);
}
