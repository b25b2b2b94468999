// SPDX-License-Identifier: Apache-2.0
/* See channel.h. One message is one packet of fixed size, both ends being this program.
 */
#include "privsep/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES_MAX	20 /* of PAUSE_MS */
#define PAUSE_MS	5
#define DESCRIPTORS_MAX 8 /* room to see, and close, more than is allowed */

struct packet {
	uint32_t kind;
	uint32_t zero;
	uint64_t number;
	uint64_t detail;
	char name[CHANNEL_NAME_SIZE];
};

union control {
	struct cmsghdr header; /* for alignment */
	char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
};

int channel_create(int ret[static 2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return -errno;
	return 0;
}

int channel_set_nonblocking(int channel)
{
	return fcntl(channel, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static void attach_descriptor(struct msghdr *header, union control *control, int fd)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(sizeof(fd));
	c = CMSG_FIRSTHDR(header);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

/* What failed for want of memory is tried again for a moment: an answer is waited for. */
static bool is_worth_a_try(int error, int *n_tries)
{
	if (error == EINTR)
		return true;
	if ((error != ENOMEM && error != ENOBUFS) || ++*n_tries > TRIES_MAX)
		return false;
	(void)poll(NULL, 0, PAUSE_MS);
	return true;
}

int channel_send(int channel, const struct channel_message *message)
{
	struct packet packet = { .kind = message->kind,
				 .number = message->number,
				 .detail = message->detail };
	struct iovec iov = { &packet, sizeof(packet) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	int n_tries = 0;
	ssize_t n;

	memcpy(packet.name, message->name, strnlen(message->name, CHANNEL_NAME_SIZE - 1));
	if (message->fd >= 0)
		attach_descriptor(&header, &control, message->fd);
	do
		n = sendmsg(channel, &header, MSG_NOSIGNAL);
	while (n < 0 && is_worth_a_try(errno, &n_tries));
	return n < 0 ? -errno : 0;
}

/* How many descriptors came; the first in @ret, the others closed. */
static size_t take_descriptors(struct msghdr *header, int *ret)
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t n_here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n_here; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (n++ == 0)
				*ret = fd;
			else
				(void)close(fd); /* was never ours to use */
		}
	}
	return n;
}

static int is_good(const struct packet *packet, size_t len, const struct msghdr *header,
		   size_t n_descriptors)
{
	return len == sizeof(*packet) &&
	       !(header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && n_descriptors <= 1 &&
	       packet->kind < CHANNEL_KIND_COUNT && !packet->zero &&
	       memchr(packet->name, '\0', sizeof(packet->name));
}

int channel_receive(int channel, struct channel_message *ret)
{
	struct packet packet;
	union control control;
	struct iovec iov = { &packet, sizeof(packet) };
	struct msghdr header = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	int fd = -1, n_tries = 0;
	size_t n_descriptors;
	ssize_t n;

	do
		n = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
	while (n < 0 && is_worth_a_try(errno, &n_tries));
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	n_descriptors = take_descriptors(&header, &fd);
	if (n == 0 && n_descriptors == 0)
		return 0;
	if (!is_good(&packet, (size_t)n, &header, n_descriptors)) {
		if (fd >= 0)
			(void)close(fd);
		return -EBADMSG;
	}
	*ret = (struct channel_message){ .kind = packet.kind,
					 .number = packet.number,
					 .detail = packet.detail,
					 .fd = fd };
	memcpy(ret->name, packet.name, sizeof(ret->name));
	return 1;
}
