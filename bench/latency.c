// SPDX-License-Identifier: Apache-2.0
/*
 * How long a record takes from write(2) to /dev/kmsg until it can be read at the other end:
 * microseconds, one a line. It spins, so it needs a processor of its own.
 *	latency N file PATH		until its whole line is in the file
 *	latency N stream PORT PATH	until its event came from http://127.0.0.1:PORT PATH
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GIVE_UP_US 5000000

static char seen[1 << 16]; /* the end of what was read */
static size_t seen_len;

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int connect_stream(const char *port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(port)),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const void *)&to, sizeof(to)) < 0)
		return -1;
	dprintf(fd,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAccept: "
		"text/event-stream\r\n\r\n",
		path, port);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* What came since the last call is behind what is kept; true if @mark's line is whole. */
static bool has_come(int fd, const char *mark)
{
	const char *at;
	ssize_t n;

	if (seen_len > sizeof(seen) / 2) {
		memmove(seen, seen + seen_len - 8192, 8192);
		seen_len = 8192;
	}
	n = read(fd, seen + seen_len, sizeof(seen) - seen_len);
	if (n <= 0)
		return false;
	seen_len += (size_t)n;
	at = memmem(seen, seen_len, mark, strlen(mark));
	return at && memchr(at, '\n', (size_t)(seen + seen_len - at));
}

static long measure(int kmsg, int fd, long number)
{
	char record[128], mark[64];
	int len;
	long start;

	snprintf(mark, sizeof(mark), "lksm-latency %d-%ld.", getpid(), number);
	len = snprintf(record, sizeof(record), "<14>%s\n", mark);
	start = now_us();
	if (write(kmsg, record, (size_t)len) != len)
		return -1;
	while (!has_come(fd, mark))
		if (now_us() - start > GIVE_UP_US)
			return -1;
	return now_us() - start;
}

int main(int argc, char **argv)
{
	long n = argc > 3 ? atol(argv[1]) : 0;
	int kmsg = open("/dev/kmsg", O_WRONLY);
	int fd = argc == 5   ? connect_stream(argv[3], argv[4])
		 : argc == 4 ? open(argv[3], O_RDONLY)
			     : -1;

	if (kmsg < 0 || fd < 0)
		return 2;
	if (argc == 4)
		lseek(fd, 0, SEEK_END);
	for (long i = -3; i < n; i++) { /* the first three warm up */
		long us = measure(kmsg, fd, i);

		if (us < 0)
			return 1;
		if (i >= 0)
			printf("%ld\n", us);
		usleep((useconds_t)(5000 +
				    random() % 10000)); /* not in step with the tick */
	}
	return 0;
}
