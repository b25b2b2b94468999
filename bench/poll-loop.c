// SPDX-License-Identifier: Apache-2.0
/*
 * The least that follows the kernel log: sleep in poll(2), read until there is no more, one
 * write(2) a drain. From the records that come after its start; SIGTERM ends it, with
 * "READ LOST DRAINS" on standard output (LOST: what the numbers left out).
 *	poll-loop OUT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX 8192
#define FULL	   ((size_t)1 << 20)

static volatile sig_atomic_t is_over;
static char drained[FULL + RECORD_MAX];
static unsigned long long n_read, n_lost, n_drains, expected;

static void end(int number)
{
	(void)number;
	is_over = 1;
}

static void count(const char *record)
{
	unsigned long long seq = strtoull(strchr(record, ',') + 1, NULL, 10);

	if (expected && seq > expected)
		n_lost += seq - expected;
	expected = seq + 1;
	n_read++;
}

static int drain(int kmsg, int out)
{
	size_t len = 0;
	ssize_t n;

	while (len < FULL) {
		n = read(kmsg, drained + len, RECORD_MAX);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			break;
		count(drained + len);
		len += (size_t)n;
	}
	n_drains++;
	return write(out, drained, len) == (ssize_t)len ? 0 : -1;
}

int main(int argc, char **argv)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	int out = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644)
			    : -1;
	struct pollfd ready = { .fd = kmsg, .events = POLLIN };

	if (kmsg < 0 || out < 0)
		return 2;
	lseek(kmsg, 0, SEEK_END);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = end }, NULL);
	dprintf(STDOUT_FILENO, "ready\n");
	while (!is_over)
		if (poll(&ready, 1, -1) > 0 && drain(kmsg, out) < 0)
			return 2;
	dprintf(STDOUT_FILENO, "%llu %llu %llu\n", n_read, n_lost, n_drains);
	return 0;
}
