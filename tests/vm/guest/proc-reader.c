// SPDX-License-Identifier: Apache-2.0
/*
 * proc-reader: does with /proc/lksm what a shell cannot, and prints one line about it.
 *
 *	proc-reader hold WAY	read it in WAY until the sensor is gone, then close it;
 *				touches /tmp/ready.WAY when there is nothing left to read
 *	proc-reader chase WAY	the same again and again, until /tmp/enough is there
 *	proc-reader wake MODULE	how long a poller sleeps after a module was loaded
 *	proc-reader from N	lseek(2) to record N, print what is read
 *	proc-reader at N	the same by pread(2)
 *	proc-reader tiny	read with room for 100 bytes
 *	proc-reader user	open as user 1000
 *
 * WAY: read (all the time), poll, epoll, epoll-edge; poll-hup, epoll-hup (ask for nothing,
 * so EPOLLHUP only); or idle, epoll-idle: opened or even registered, but then left alone until
 * /tmp/gone is there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH	      "/proc/lksm"
#define LONG_MS	      300000
#define SIZE_MAX_READ 20000

struct story {
	int n_opens;
	int n_hups;
	int n_records;
	int n_gaps;
	int n_lost;    /* lines about it */
	int n_stopped; /* farewells read */
	int n_eio;
	int n_odd; /* what must not happen */
};

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void touch(const char *what, const char *way)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/%s.%s", what, way);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

/* -1: not read anything yet */
static void take_lines(struct story *story, char *text, long long *last)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		long long seq;

		if (!strncmp(line, "type=records_lost ", 18)) {
			story->n_lost++;
			*last = -1;
		} else if (sscanf(line, "seq=%lld ", &seq) == 1) {
			story->n_gaps += *last >= 0 && seq != *last + 1;
			*last = seq;
			story->n_records++;
			story->n_stopped += strstr(line, " type=sensor_stopped ") != NULL;
		} else if (strncmp(line, "lksm_version=1 ", 15) != 0) {
			story->n_odd++;
		}
	}
}

/* Return: whether the sensor is still there */
static bool read_all(struct story *story, int fd, long long *last)
{
	static char text[SIZE_MAX_READ + 1];
	ssize_t n;

	while ((n = read(fd, text, SIZE_MAX_READ)) > 0) {
		text[n] = '\0';
		story->n_odd += text[n - 1] != '\n';
		take_lines(story, text, last);
	}
	if (n < 0) {
		story->n_eio += errno == EIO;
		story->n_odd += errno != EIO;
	}
	return n == 0;
}

static uint32_t wait_for_events(const char *way, int fd, int epoll)
{
	struct pollfd poll_one = { .fd = fd, .events = POLLIN };
	struct epoll_event event = { .events = 0 };
	int n;

	if (!strcmp(way, "read"))
		return 0;
	if (epoll >= 0) {
		n = epoll_wait(epoll, &event, 1, LONG_MS);
		return n == 1 ? event.events : EPOLLERR;
	}
	if (!strcmp(way, "poll-hup"))
		poll_one.events = 0;
	n = poll(&poll_one, 1, LONG_MS);
	return n == 1 ? (uint32_t)poll_one.revents : EPOLLERR;
}

static int make_epoll(const char *way, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll;

	if (strncmp(way, "epoll", 5) != 0)
		return -1;
	if (!strcmp(way, "epoll-edge"))
		event.events |= EPOLLET;
	if (!strcmp(way, "epoll-hup"))
		event.events = 0;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		perror("proc-reader: epoll_ctl");
	return epoll;
}

static void follow(struct story *story, const char *way, int fd)
{
	int epoll = make_epoll(way, fd);
	bool is_idle = strstr(way, "idle"), is_said = false, goes_on = true;
	long long last = -1;
	uint32_t events;

	story->n_opens++;
	while (goes_on) {
		goes_on = read_all(story, fd, &last);
		if (!is_said)
			touch("ready", way);
		is_said = true;
		if (!goes_on)
			break;
		while (is_idle && !is_there("/tmp/gone"))
			usleep(5000);
		events = wait_for_events(way, fd, is_idle ? -1 : epoll);
		story->n_hups += (events & EPOLLHUP) != 0;
		story->n_odd += (events & EPOLLERR) != 0;
	}
	/* In the order that hurts: the file goes while epoll still has it. */
	close(fd);
	if (epoll >= 0)
		close(epoll);
}

static void tell(const char *verb, const char *way, const struct story *story)
{
	printf("%s %s opens=%d hups=%d gaps=%d lost=%d stopped=%d eio=%d odd=%d "
	       "records=%d\n",
	       verb, way, story->n_opens, story->n_hups, story->n_gaps, story->n_lost,
	       story->n_stopped, story->n_eio, story->n_odd, story->n_records);
}

static int hold(const char *way)
{
	struct story story = { 0 };
	int fd = open(PATH, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		perror("proc-reader: " PATH);
		return 1;
	}
	follow(&story, way, fd);
	tell("hold", way, &story);
	return 0;
}

static int chase(const char *way)
{
	struct story story = { 0 };

	for (;;) {
		int fd = open(PATH, O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			follow(&story, way, fd);
		else if (errno != ENOENT)
			story.n_odd++;
		else if (is_there("/tmp/enough"))
			break;
	}
	tell("chase", way, &story);
	return 0;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -1 : (int)syscall(SYS_finit_module, fd, "", 0);

	if (r)
		perror("proc-reader: load");
	close(fd);
	return r;
}

/* The child loads the module when the parent is likely to sleep in poll(2). */
static int wake(const char *module)
{
	struct story story = { 0 };
	struct pollfd poll_one = { .fd = open(PATH, O_RDONLY | O_CLOEXEC),
				   .events = POLLIN };
	long long last = -1;
	double start_ms = 0, woken_ms;
	int pipes[2], r;

	if (pipe2(pipes, O_CLOEXEC) || !read_all(&story, poll_one.fd, &last))
		return 1;
	printf("wake: dry poll %d\n", poll(&poll_one, 1, 50));
	if (fork() == 0) {
		usleep(300000);
		start_ms = now_ms();
		if (write(pipes[1], &start_ms, sizeof(start_ms)) < 0)
			_exit(1);
		_exit(load(module));
	}
	r = poll(&poll_one, 1, LONG_MS);
	woken_ms = now_ms();
	if (read(pipes[0], &start_ms, sizeof(start_ms)) < 0)
		return 1;
	story.n_records = 0;
	(void)read_all(&story, poll_one.fd, &last);
	(void)wait(NULL);
	printf("wake: poll %d events %d records %d ms %.1f\n", r, poll_one.revents,
	       story.n_records > 0, woken_ms - start_ms);
	return 0;
}

static int print_from(int fd, off_t number, bool by_lseek)
{
	char text[SIZE_MAX_READ];
	ssize_t n;

	if (by_lseek) {
		long at = lseek(fd, number, SEEK_SET);

		printf("lseek %ld: %s\n", at, at < 0 ? strerror(errno) : "ok");
		while ((n = read(fd, text, sizeof(text))) > 0)
			fwrite(text, 1, (size_t)n, stdout);
		printf("position %ld end %ld\n", lseek(fd, 0, SEEK_CUR),
		       lseek(fd, 0, SEEK_END));
		return 0;
	}
	n = pread(fd, text, sizeof(text), number);
	printf("pread %zd\n", n);
	if (n > 0)
		fwrite(text, 1, (size_t)n, stdout);
	return 0;
}

static int try_open_as_user(void)
{
	int fd;

	if (setresuid(1000, 1000, 1000))
		return 1;
	fd = open(PATH, O_RDONLY | O_CLOEXEC);
	printf("user: %s\n", fd < 0 ? strerror(errno) : "opened");
	return 0;
}

static int read_tiny(void)
{
	char text[100];
	ssize_t n = read(open(PATH, O_RDONLY | O_CLOEXEC), text, sizeof(text));

	printf("tiny: %zd %s\n", n, n < 0 ? strerror(errno) : "");
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "", *what = argc > 2 ? argv[2] : "";

	if (!strcmp(verb, "hold"))
		return hold(what);
	if (!strcmp(verb, "chase"))
		return chase(what);
	if (!strcmp(verb, "wake"))
		return wake(what);
	if (!strcmp(verb, "from") || !strcmp(verb, "at"))
		return print_from(open(PATH, O_RDONLY | O_CLOEXEC), atol(what),
				  !strcmp(verb, "from"));
	if (!strcmp(verb, "tiny"))
		return read_tiny();
	if (!strcmp(verb, "user"))
		return try_open_as_user();
	fprintf(stderr, "usage: see the top of proc-reader.c\n");
	return 2;
}
