// SPDX-License-Identifier: Apache-2.0
/* privsep/channel: messages with and without a descriptor, and nonsense from the other
 * end. */
#include "privsep/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "expect.h"

#define PACKET_BYTES 88

static int n_open(void)
{
	_cleanup_closedir_ DIR *stream = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(stream);
	while (readdir(stream))
		n++;
	return n;
}

static void close_both(int ends[2])
{
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void test_round_trip(void **state)
{
	static const struct channel_message cases[] = {
		{ CHANNEL_OPEN_LOG, "lksm_events_2026-11-22.jsonl", 0, 0, -1 },
		{ CHANNEL_OPEN_TAIL, "", UINT64_MAX, 0, -1 },
		{ CHANNEL_REPLY, "", 0, 17, 0 }, /* with standard input attached */
		{ CHANNEL_MODULE,
		  "0123456789012345678901234567890123456789012345678901234567890123",
		  1000, 0, 0 },
		{ CHANNEL_PONG, "", 0, 0, -1 },
	};
	int ends[2];

	(void)state;
	assert_int_equal(channel_create(ends), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct channel_message got = { .fd = -2 };
		struct stat a, b;

		assert_int_equal(channel_send(ends[0], &cases[i]), 0);
		assert_int_equal(channel_receive(ends[1], &got), 1);
		assert_int_equal(got.kind, cases[i].kind);
		assert_int_equal(got.number, cases[i].number);
		assert_int_equal(got.detail, cases[i].detail);
		assert_int_equal(strncmp(got.name, cases[i].name, CHANNEL_NAME_SIZE - 1),
				 0);
		assert_int_equal(got.name[CHANNEL_NAME_SIZE - 1], '\0');
		assert_int_equal(got.fd >= 0, cases[i].fd >= 0);
		if (got.fd < 0)
			continue;
		assert_int_equal(fstat(0, &a) | fstat(got.fd, &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		assert_true(fcntl(got.fd, F_GETFD) & FD_CLOEXEC);
		(void)close(got.fd);
	}
	close_both(ends);
}

static void test_ends(void **state)
{
	struct channel_message message = { .kind = CHANNEL_PING, .fd = -1 };
	int ends[2];

	(void)state;
	assert_int_equal(channel_create(ends), 0);
	assert_true(fcntl(ends[0], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(channel_receive(ends[1], &message), -EAGAIN);
	(void)close(ends[0]);
	assert_int_equal(channel_receive(ends[1], &message), 0);
	assert_int_equal(channel_send(ends[1], &message), -EPIPE); /* and no SIGPIPE */
	(void)close(ends[1]);
}

/* A full channel does not block its sender when it is not to. */
static void test_full(void **state)
{
	struct channel_message message = { .kind = CHANNEL_PING, .fd = -1 };
	int ends[2], r = 0;

	(void)state;
	assert_int_equal(channel_create(ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = channel_send(ends[0], &message);
	assert_int_equal(r, -EAGAIN);
	close_both(ends);
}

static void send_raw(int to, const void *data, size_t len, int n_fds)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n_fds) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
		memset(CMSG_DATA(&control.header), 0, (size_t)n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(to, &header, 0), len);
}

/* Each is refused, its descriptors are closed, and the channel still works. */
static void test_nonsense(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		unsigned char kind, zero, last;
		int n_fds;
		int want;
	} cases[] = {
		{ "good", PACKET_BYTES, CHANNEL_PONG, 0, 0, 0, 1 },
		{ "too short", PACKET_BYTES - 1, CHANNEL_PONG, 0, 0, 0, -EBADMSG },
		{ "too short, with a descriptor", 1, CHANNEL_PONG, 0, 0, 1, -EBADMSG },
		{ "too long", PACKET_BYTES + 1, CHANNEL_PONG, 0, 0, 1, -EBADMSG },
		{ "unknown kind", PACKET_BYTES, CHANNEL_KIND_COUNT, 0, 0, 1, -EBADMSG },
		{ "padding used", PACKET_BYTES, CHANNEL_PONG, 1, 0, 0, -EBADMSG },
		{ "name without end", PACKET_BYTES, CHANNEL_PONG, 0, 'x', 0, -EBADMSG },
		{ "two descriptors", PACKET_BYTES, CHANNEL_PONG, 0, 0, 2, -EBADMSG },
		{ "more than fit", PACKET_BYTES, CHANNEL_PONG, 0, 0, 40, -EBADMSG },
	};
	struct channel_message good = { .kind = CHANNEL_PING, .fd = -1 }, got;
	int ends[2], n_before;

	(void)state;
	assert_int_equal(channel_create(ends), 0);
	n_before = n_open();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char packet[PACKET_BYTES + 1] = { 0 };

		packet[0] = (char)cases[i].kind;
		packet[4] = (char)cases[i].zero;
		memset(packet + 24, cases[i].last, 64);
		send_raw(ends[0], packet, cases[i].len, cases[i].n_fds);
		expect_number(cases[i].name, "result", channel_receive(ends[1], &got),
			      cases[i].want);
		expect_number(cases[i].name, "open descriptors", n_open(), n_before);
		assert_int_equal(channel_send(ends[0], &good), 0);
		assert_int_equal(channel_receive(ends[1], &got), 1);
	}
	close_both(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
