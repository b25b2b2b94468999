// SPDX-License-Identifier: Apache-2.0
/* From "HOST:PORT" to a socket. */
#include "output/dashboard/dashboard.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"

static size_t n_grabbed;

/* The program's own: before a port is bound, another program tries to get it. */
int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	if (address->sa_family == AF_INET &&
	    ((const struct sockaddr_in *)address)->sin_port) {
		_cleanup_close_ int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
						   0);

		n_grabbed += syscall(SYS_bind, other, address, len) == 0;
	}
	return (int)syscall(SYS_bind, fd, address, len);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *in;
		bool is_good, is_loopback;
	} cases[] = {
		{ "127.0.0.1:0", true, true },
		{ "127.9.9.9:0", true, true },
		{ "localhost:0", true, true },
		{ "[::1]:0", true, true },
		{ "0.0.0.0:0", true, false },
		{ "[::]:0", true, false },
		{ "127.0.0.1", false, false },
		{ "8787", false, false },
		{ ":8787", false, false },
		{ "::1:0", false, false },
		{ "[::1:0", false, false },
		{ "[]:0", false, false },
		{ "127.0.0.1:", false, false },
		{ "127.0.0.1:65536", false, false },
		{ "127.0.0.1:-1", false, false },
		{ "127.0.0.1:x", false, false },
		{ "127.1:0", false, false },
		{ "example.org:0", false, false },
		{ "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer error = { 0 };
		_cleanup_close_ int fd = dashboard_listen(cases[i].in, &error);

		if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
			continue; /* a machine without IPv6 */
		expect_number(cases[i].in, "good", fd >= 0, cases[i].is_good);
		expect_number(cases[i].in, "explained", error.len > 0, !cases[i].is_good);
		expect_number(cases[i].in, "loopback", dashboard_is_loopback(cases[i].in),
			      cases[i].is_loopback);
	}
}

static void test_taken(void **state)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	_cleanup_close_ int first = dashboard_listen("127.0.0.1:0", &error);
	char address[32], tiny[4];

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(dashboard_address(first, tiny, sizeof(tiny)), -ENOBUFS);
	assert_int_equal(dashboard_address(first, address, sizeof(address)), 0);
	assert_true(span_starts_with(span_from(address), SPAN("127.0.0.1:")));
	assert_int_equal(dashboard_listen(address, &error), -EADDRINUSE);
	assert_true(span_contains(buffer_span(&error), span_from(address)));
	assert_true(span_contains(buffer_span(&error), SPAN("--listen")));
}

/* As code in the web process could leave it for the next one. */
static void test_shut_down(void **state)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	_cleanup_close_ int fd = dashboard_listen("127.0.0.1:0", &error);
	char before[32], after[32];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(dashboard_address(fd, before, sizeof(before)), 0);
	assert_int_equal(dashboard_listen_again(fd), 0);
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	assert_int_equal(dashboard_listen_again(fd), 1);
	assert_int_equal(dashboard_listen_again(fd), 0);
	assert_int_equal(dashboard_address(fd, after, sizeof(after)), 0);
	assert_string_equal(after, before);
}

static void test_a_port_that_was_chosen_is_nobody_elses(void **state)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	_cleanup_close_ int fd = -1;

	(void)state;
	n_grabbed = 0;
	fd = dashboard_listen("127.0.0.1:0", &error);
	assert_true(fd >= 0);
	assert_int_equal(n_grabbed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_port_that_was_chosen_is_nobody_elses),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_shut_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
