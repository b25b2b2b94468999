// SPDX-License-Identifier: Apache-2.0
/* dashboard_listen(): from "HOST:PORT" to a socket, with sentences for what goes wrong.
 */
#include "output/dashboard/dashboard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "output/dashboard/http_value.h"

#define BACKLOG	 128
#define PORT_MAX 65535

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

/* "127.0.0.1:8787", "[::1]:8787", "localhost:8787"; no other names: nothing is looked up.
 */
static int parse_address(const char *text, union address *ret, socklen_t *ret_len)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	uint64_t port;
	size_t len;

	if (!colon || !http_parse_u64(span_from(colon + 1), &port) || port > PORT_MAX)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!strcmp(host, "localhost"))
		memcpy(host, "127.0.0.1", sizeof("127.0.0.1"));
	*ret = (union address){ 0 };
	if (inet_pton(AF_INET, host, &ret->four.sin_addr) == 1) {
		ret->four.sin_family = AF_INET;
		ret->four.sin_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->four);
		return 0;
	}
	if (len < 3 || host[0] != '[' || host[len - 1] != ']')
		return -EINVAL;
	host[len - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &ret->six.sin6_addr) != 1)
		return -EINVAL;
	ret->six.sin6_family = AF_INET6;
	ret->six.sin6_port = htons((uint16_t)port);
	*ret_len = sizeof(ret->six);
	return 0;
}

bool dashboard_is_loopback(const char *text)
{
	union address address;
	socklen_t len;

	if (parse_address(text, &address, &len) < 0)
		return false;
	if (address.any.sa_family == AF_INET)
		return ntohl(address.four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&address.six.sin6_addr);
}

static int refuse_address(const char *text, struct buffer *error)
{
	buffer_appendf(error,
		       "dashboard: '%s' is no address to listen on; write it as "
		       "127.0.0.1:8787, [::1]:8787 or localhost:8787",
		       text);
	return -EINVAL;
}

static int check_exposed(const struct config *c, const char *address,
			 struct buffer *error)
{
	if (!c->dashboard_auth) {
		buffer_appendf(
			error,
			"dashboard.auth: none is possible on loopback only, not on %s",
			address);
		return -EPERM;
	}
	if (config_has_tls(c))
		return 0;
	if (c->dashboard_plain_http) {
		buffer_appendf(
			error,
			"dashboard: %s can be reached from other machines, without TLS",
			address);
		return 0;
	}
	buffer_appendf(error,
		       "dashboard: without TLS, the token and the events could be read "
		       "on their way to other machines, which %s is for; set "
		       "dashboard.tls.certificate and dashboard.tls.key, or listen on "
		       "127.0.0.1, or, behind a proxy that adds TLS, set "
		       "dashboard.plain_http: true",
		       address);
	return -EPERM;
}

int dashboard_check(const struct config *c, const char *address, struct buffer *error)
{
	union address parsed;
	socklen_t len;

	if (parse_address(address, &parsed, &len) < 0)
		return refuse_address(address, error);
	return dashboard_is_loopback(address) ? 0 : check_exposed(c, address, error);
}

static int explain(int error, const char *text, struct buffer *out)
{
	switch (error) {
	case EADDRINUSE:
		buffer_appendf(
			out,
			"dashboard: %s is taken by another program (another lksm?); "
			"choose another port with --listen HOST:PORT or "
			"dashboard.listen, or run with --no-dashboard",
			text);
		break;
	case EADDRNOTAVAIL:
		buffer_appendf(
			out,
			"dashboard: this machine has no address %s; choose one that "
			"it has with --listen HOST:PORT or dashboard.listen",
			text);
		break;
	case EACCES:
		buffer_appendf(
			out,
			"dashboard: not allowed to listen on %s: ports below 1024 are "
			"for root; choose a higher one with --listen HOST:PORT",
			text);
		break;
	default:
		buffer_appendf(out, "dashboard: cannot listen on %s: %s", text,
			       strerror(error));
	}
	return -error;
}

static in_port_t *port_of(union address *address)
{
	return address->any.sa_family == AF_INET ? &address->four.sin_port
						 : &address->six.sin6_port;
}

/* Return: the descriptor, bound; -1 and errno. */
static int make_socket(const union address *address, socklen_t len)
{
	_cleanup_close_ int fd = socket(address->any.sa_family,
					SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	/* A restart must not wait until the kernel forgets the old connections. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (address->any.sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, &address->any, len) < 0)
		return -1;
	return take_fd(&fd);
}

/*
 * A port that was not asked for is lost with listening: it is asked for.
 * Return: the descriptor that nobody else gets the port beside; -1 and errno.
 */
static int choose_port(union address *address, socklen_t len)
{
	_cleanup_close_ int fd = make_socket(address, len);

	return fd < 0 || getsockname(fd, &address->any, &len) < 0 ? -1 : take_fd(&fd);
}

int dashboard_listen(const char *text, struct buffer *error)
{
	_cleanup_close_ int fd = -1, chosen = -1;
	union address address;
	socklen_t len;

	if (parse_address(text, &address, &len) < 0)
		return refuse_address(text, error);
	if (!*port_of(&address)) {
		chosen = choose_port(&address, len);
		if (chosen < 0)
			return explain(errno, text, error);
	}
	fd = make_socket(&address, len);
	if (fd < 0 || listen(fd, BACKLOG) < 0)
		return explain(errno, text, error);
	return take_fd(&fd);
}

int dashboard_listen_again(int listen_fd)
{
	int is_listening = 1;
	socklen_t len = sizeof(is_listening);

	if (getsockopt(listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len) < 0)
		return -errno;
	if (is_listening)
		return 0;
	return listen(listen_fd, BACKLOG) < 0 ? -errno : 1;
}

int dashboard_address(int listen_fd, char *ret, size_t size)
{
	char host[INET6_ADDRSTRLEN];
	union address address;
	socklen_t len = sizeof(address);
	bool is_six;
	int n;

	if (getsockname(listen_fd, &address.any, &len) < 0)
		return -errno;
	is_six = address.any.sa_family == AF_INET6;
	if (!is_six && address.any.sa_family != AF_INET)
		return -EAFNOSUPPORT;
	(void)inet_ntop(
		address.any.sa_family,
		is_six ? (void *)&address.six.sin6_addr : (void *)&address.four.sin_addr,
		host,
		sizeof(host)); /* cannot fail: the family is known, the room there */
	n = snprintf(ret, size, is_six ? "[%s]:%u" : "%s:%u", host,
		     ntohs(is_six ? address.six.sin6_port : address.four.sin_port));
	return n > 0 && (size_t)n < size ? 0 : -ENOBUFS;
}
