// SPDX-License-Identifier: Apache-2.0
/*
 * N readers of the live stream in one epoll loop. A record with the time of its writing goes
 * to /dev/kmsg RATE times a second; how long each took to each reader is counted.
 *	sse-clients PORT PATH N RATE SECONDS	-> "EVENTS P50-us P99-us MAX-us MISSING"
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MARK	  "lksm-sse "
#define BUCKET_US 100
#define N_BUCKETS 100000 /* ten seconds */

struct client {
	int fd;
	size_t len; /* of a line that is not whole yet */
	char line[4096];
};

static unsigned long buckets[N_BUCKETS], n_events;

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void count(const char *line, size_t len)
{
	const char *mark = memmem(line, len, MARK, strlen(MARK));
	long us = mark ? now_us() - atol(mark + strlen(MARK)) : -1;
	size_t bucket = us < 0 ? 0 : (size_t)us / BUCKET_US;

	if (us < 0)
		return;
	buckets[bucket < N_BUCKETS ? bucket : N_BUCKETS - 1]++;
	n_events++;
}

static void take(struct client *c)
{
	ssize_t n = read(c->fd, c->line + c->len, sizeof(c->line) - 1 - c->len);
	char *line = c->line, *end;

	if (n <= 0) {
		fprintf(stderr, "sse-clients: a stream ended\n");
		exit(1);
	}
	c->len += (size_t)n;
	c->line[c->len] = '\0';
	while ((end = memchr(line, '\n', c->len - (size_t)(line - c->line)))) {
		count(line, (size_t)(end - line));
		line = end + 1;
	}
	c->len -= (size_t)(line - c->line);
	if (c->len == sizeof(c->line) - 1)
		c->len = 0; /* no event of ours is that long */
	memmove(c->line, line, c->len);
}

static int start(struct client *c, const char *port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(port)),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (const void *)&to, sizeof(to)) < 0)
		return -1;
	dprintf(c->fd,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nAccept: "
		"text/event-stream\r\n\r\n",
		path, port);
	return 0;
}

static long percentile(unsigned long wanted)
{
	unsigned long sum = 0;
	size_t i = 0;

	while (i < N_BUCKETS - 1 && (sum += buckets[i]) < wanted)
		i++;
	return (long)(i + 1) * BUCKET_US;
}

static void write_record(int kmsg)
{
	char record[64];
	int len = snprintf(record, sizeof(record), "<14>" MARK "%ld\n", now_us());

	if (write(kmsg, record, (size_t)len) != len)
		exit(2);
}

/* Until all records were written, and all events came or two seconds passed without one. */
static void run(int epoll, int timer, int kmsg, unsigned long n_records,
		unsigned long n_wanted)
{
	struct epoll_event ready[256];
	unsigned long n_written = 0;

	while (n_events < n_wanted) {
		int n = epoll_wait(epoll, ready, 256, 2000);

		if (n == 0 && n_written == n_records)
			return;
		for (int i = 0; i < n; i++) {
			uint64_t turns = 0;

			if (ready[i].data.ptr) {
				take(ready[i].data.ptr);
				continue;
			}
			if (read(timer, &turns, sizeof(turns)) < 0)
				continue;
			for (; turns && n_written < n_records; turns--, n_written++)
				write_record(kmsg);
		}
	}
}

int main(int argc, char **argv)
{
	int n = argc == 6 ? atoi(argv[3]) : 0, rate = n ? atoi(argv[4]) : 1;
	unsigned long n_records = n ? (unsigned long)(rate * atoi(argv[5])) : 0;
	unsigned long n_wanted = n_records * (unsigned long)n;
	struct client *clients = calloc((size_t)n + 1, sizeof(*clients));
	int epoll = epoll_create1(0), kmsg = open("/dev/kmsg", O_WRONLY);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec period = { { 0, 1000000000 / rate }, { 1, 0 } };

	if (!n || !clients || kmsg < 0)
		return 2;
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)n + 64, (rlim_t)n + 64 });
	for (int i = 0; i < n; i++) {
		struct epoll_event event = { EPOLLIN, { .ptr = &clients[i] } };

		if (start(&clients[i], argv[1], argv[2]) < 0 ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event) < 0)
			return 2;
	}
	timerfd_settime(timer, 0, &period, NULL);
	epoll_ctl(epoll, EPOLL_CTL_ADD, timer,
		  &(struct epoll_event){ EPOLLIN, { NULL } });
	run(epoll, timer, kmsg, n_records, n_wanted);
	printf("%lu %ld %ld %ld %ld\n", n_events, percentile(n_events / 2 + 1),
	       percentile(n_events - n_events / 100), percentile(n_events),
	       (long)(n_wanted - n_events));
	return 0;
}
