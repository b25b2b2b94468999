/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which Host and Origin headers are ours. A page of another site that made its own name
 * point at this machine (DNS rebinding) still sends its own name as Host.
 */
#ifndef OUTPUT_DASHBOARD_HTTP_HOST_H
#define OUTPUT_DASHBOARD_HTTP_HOST_H

#include "base/span.h"

/** HTTP_HOST_MAX - longest name or literal that is looked at (RFC 1035) */
#define HTTP_HOST_MAX 255

/**
 * http_host_split() - "name:port", "1.2.3.4:port", "[::1]:port" into name and port
 * @ret_name: without brackets, 1..HTTP_HOST_MAX bytes of [A-Za-z0-9._-] or, from
 *brackets, [0-9A-Fa-f:.]; points into @host
 *
 * Return: false unless it is a well-formed authority without user part; a port is
 *optional and at most 65535.
 */
bool http_host_split(struct span host, struct span *ret_name, bool *ret_is_bracketed);

/**
 * http_host_is_ours() - may a request with this Host be answered?
 * @names: further names and addresses that are ours, NULL-terminated, or NULL
 *
 * Always ours: localhost, 127.0.0.0/8 in dotted form, [::1]. The port does not matter, so
 * that `ssh -L 9000:localhost:8787` works.
 */
bool http_host_is_ours(struct span host, const char *const *names);

/**
 * http_origin_is_ours() - does an Origin header name the page that this server gave out?
 *
 * @is_tls: we speak TLS, so a page that came by plain http is somebody else's; without,
 *	scheme https is a proxy's
 *
 * Scheme http or https, and the authority equal to @host, port and all; or a name of
 * @names.
 */
bool http_origin_is_ours(struct span origin, struct span host, const char *const *names,
			 bool is_tls);

#endif
