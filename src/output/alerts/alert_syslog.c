// SPDX-License-Identifier: Apache-2.0
/*
 * One RFC 5424 message: a datagram (RFC 5426), or a stream with octet counting (RFC 6587, over
 * TLS RFC 5425). A stream counts as delivered when the receiver has closed it after ours: only
 * then has it read all of it.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/gnutls.h"
#include "output/alerts/alert_send.h"

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

static int set_timeouts(int fd, uint64_t timeout_us)
{
	struct timeval t = { (time_t)(timeout_us / USEC_PER_SEC),
			     (suseconds_t)(timeout_us % USEC_PER_SEC) };

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0 ||
			       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0
		       ? -errno
		       : 0;
}

static int connect_one(const struct addrinfo *a, uint64_t timeout_us)
{
	_cleanup_close_ int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC,
					a->ai_protocol);
	int r = fd < 0 ? -errno : set_timeouts(fd, timeout_us);

	if (r < 0)
		return r;
	return connect(fd, a->ai_addr, a->ai_addrlen) < 0 ? -errno : take_fd(&fd);
}

static int connect_any(const struct alert_receiver *r, const struct alert_address *place,
		       struct alert_outcome *ret)
{
	const struct addrinfo hints = {
		.ai_socktype = r->protocol == ALERT_UDP ? SOCK_DGRAM : SOCK_STREAM,
	};
	struct addrinfo *all = NULL;
	int error = getaddrinfo(place->host, place->port, &hints, &all), fd = -ENOENT;

	if (error) {
		alert_outcome_set(ret, ALERT_RETRY, "%s", gai_strerror(error));
		return -ENOENT;
	}
	for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next)
		fd = connect_one(a, r->timeout_us);
	freeaddrinfo(all);
	if (fd < 0)
		alert_outcome_set(ret, ALERT_RETRY, "cannot connect: %s", strerror(-fd));
	return fd;
}

static int send_all(int fd, struct span data)
{
	while (data.len) {
		ssize_t n = send(fd, data.data, data.len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		data = span_skip(data, n > 0 ? (size_t)n : 0);
	}
	return 0;
}

/* Whatever it says before its end is not for us. */
static int wait_for_end(int fd)
{
	char ignored[512];
	ssize_t n;

	if (shutdown(fd, SHUT_WR) < 0)
		return -errno;
	for (int i = 0; i < 64; i++) {
		n = recv(fd, ignored, sizeof(ignored), 0);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	return -EPROTO;
}

static void send_tcp(int fd, struct span framed, struct alert_outcome *ret)
{
	int r = send_all(fd, framed);

	if (r == 0)
		r = wait_for_end(fd);
	if (r < 0)
		alert_outcome_set(ret, ALERT_RETRY, "%s",
				  r == -EAGAIN ? "it does not read, or not close"
					       : strerror(-r));
	else
		alert_outcome_set(ret, ALERT_SENT, "taken over TCP");
}

static void send_udp(int fd, struct span message, struct alert_outcome *ret)
{
	if (send(fd, message.data, message.len, MSG_NOSIGNAL) < 0)
		alert_outcome_set(ret, ALERT_RETRY, "%s", strerror(errno));
	else
		alert_outcome_set(ret, ALERT_SENT,
				  "sent over UDP, which says nothing of its arrival");
}

static int tls_write(gnutls_session_t tls, struct span data)
{
	while (data.len) {
		ssize_t n = gnutls.record_send(tls, data.data, data.len);

		if (n < 0)
			return (int)n;
		data = span_skip(data, (size_t)n);
	}
	return gnutls.bye(tls, GNUTLS_SHUT_RDWR);
}

static int tls_trust(const struct alert_receiver *r, gnutls_certificate_credentials_t c)
{
	int n = r->ca_path ? gnutls.certificate_set_x509_trust_file(c, r->ca_path,
								    GNUTLS_X509_FMT_PEM)
			   : gnutls.certificate_set_x509_system_trust(c);

	return n > 0 ? 0 : n < 0 ? n : GNUTLS_E_NO_CERTIFICATE_FOUND;
}

static int tls_begin(const struct alert_receiver *r, const struct alert_address *place,
		     int fd, gnutls_certificate_credentials_t c, gnutls_session_t tls)
{
	int error = gnutls.priority_set_direct(tls, TLS_PRIORITIES, NULL);

	if (error >= 0)
		error = gnutls.credentials_set(tls, GNUTLS_CRD_CERTIFICATE, c);
	if (error >= 0 && place->host[strspn(place->host, "0123456789.:")])
		error = gnutls.server_name_set(tls, GNUTLS_NAME_DNS, place->host,
					       strlen(place->host));
	if (error < 0)
		return error;
	gnutls.session_set_verify_cert(tls, place->host, 0);
	gnutls.transport_set_int2(tls, fd, fd);
	gnutls.handshake_set_timeout(tls, (unsigned int)(r->timeout_us / 1000));
	do
		error = gnutls.handshake(tls);
	while (error < 0 && !gnutls.error_is_fatal(error));
	return error;
}

static void send_tls(const struct alert_receiver *r, const struct alert_address *place,
		     int fd, struct span framed, struct alert_outcome *ret)
{
	gnutls_certificate_credentials_t credentials = NULL;
	gnutls_session_t tls = NULL;
	int error = gnutls.certificate_allocate_credentials(&credentials);

	if (error >= 0)
		error = tls_trust(r, credentials);
	if (error >= 0)
		error = gnutls.init(&tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	if (error >= 0)
		error = tls_begin(r, place, fd, credentials, tls);
	if (error >= 0)
		error = tls_write(tls, framed);
	if (error < 0)
		alert_outcome_set(ret, ALERT_RETRY, "TLS: %s", gnutls.strerror(error));
	else
		alert_outcome_set(ret, ALERT_SENT, "taken over TLS");
	if (tls)
		gnutls.deinit(tls);
	if (credentials)
		gnutls.certificate_free_credentials(credentials);
}

void alert_syslog_send(const struct alert_receiver *r, struct span message,
		       struct alert_outcome *ret)
{
	_cleanup_buffer_ struct buffer framed = { 0 }, error = { 0 };
	_cleanup_close_ int fd = -1;
	struct alert_address place;

	if (!alert_address_split(r->address, &place)) {
		alert_outcome_set(ret, ALERT_REFUSED, "'%s' is no HOST:PORT", r->address);
		return;
	}
	fd = connect_any(r, &place, ret);
	if (fd < 0)
		return;
	buffer_appendf(&framed, "%zu ", message.len);
	buffer_append_span(&framed, message);
	if (buffer_error(&framed))
		alert_outcome_set(ret, ALERT_RETRY, "out of memory");
	else if (r->protocol == ALERT_UDP)
		send_udp(fd, message, ret);
	else if (r->protocol == ALERT_TCP)
		send_tcp(fd, buffer_span(&framed), ret);
	else if (gnutls_load(&error) < 0)
		alert_outcome_set(ret, ALERT_RETRY, "TLS: %.*s", (int)error.len,
				  error.len ? error.data : "");
	else
		send_tls(r, &place, fd, buffer_span(&framed), ret);
}
