// SPDX-License-Identifier: Apache-2.0
/*
 * insmod-failing FILE NAME [N]: loads a module again and again, and lets its first
 * allocation fail, then its second, and so on, until a load needs fewer than that; behind
 * the Nth, only every so manyth, ever fewer: those are of lists, one like the next. The
 * kernel counts (/proc/thread-self/fail-nth); which allocations count is set in debugfs.
 *
 * Each load must fail for want of memory, or succeed in spite of it and unload. After ten
 * of them one without an injected failure must succeed. Prints one line at the end:
 *
 *	NAME: loads=412 failed=397 survived=15 plain=42 odd=0
 *
 * and before it a line for each thing that is odd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define N_MAX	 100000
#define SPARSE	 30

struct story {
	int n_loads;
	int n_failed;
	int n_survived;
	int n_plain;
	int n_odd;
};

/* Opened beforehand, so that only the load's own allocations count. */
static int fail_nth_fd;

static int set_fail_nth(int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", n);

	return pwrite(fail_nth_fd, text, (size_t)length, 0) == length ? 0 : -1;
}

/* Has the failure that was set happened? */
static bool has_failed(void)
{
	char text[16] = "";

	if (pread(fail_nth_fd, text, sizeof(text) - 1, 0) <= 0) {
		perror("insmod-failing: " FAIL_NTH);
		exit(1);
	}
	return atoi(text) == 0;
}

/* Return: 0, or errno */
static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return errno;
	r = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	return r;
}

/* Return: 0, or errno */
static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

static void odd(struct story *story, int n, const char *what, int error)
{
	printf("failure %d: %s: %s\n", n, what, strerror(error));
	story->n_odd++;
}

static void load_plainly(struct story *story, const char *path, const char *name, int n)
{
	int error = load(path);

	story->n_plain++;
	if (error)
		odd(story, n, "the next load, without a failure", error);
	else if ((error = unload(name)))
		odd(story, n, "unloading after it", error);
}

/* Return: whether there is more to try */
static bool load_failing(struct story *story, const char *path, const char *name, int n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	bool failed;

	if (fd < 0 || set_fail_nth(n)) {
		perror("insmod-failing");
		exit(1);
	}
	error = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	failed = has_failed();
	(void)set_fail_nth(0);
	close(fd);
	story->n_loads++;
	if (!failed && error)
		odd(story, n, "fails with no failure injected", error);
	else if (error && error != ENOMEM)
		odd(story, n, "fails for another reason", error);
	story->n_failed += failed && error;
	story->n_survived += failed && !error;
	if (!error && (error = unload(name)))
		odd(story, n, "unloading", error);
	return failed;
}

int main(int argc, char **argv)
{
	struct story story = { 0 };
	int n, dense = N_MAX;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: insmod-failing FILE NAME [N]\n");
		return 2;
	}
	if (argc == 4)
		dense = atoi(argv[3]);
	fail_nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (fail_nth_fd < 0) {
		perror("insmod-failing: " FAIL_NTH);
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (n = 1; n < N_MAX; n += n < dense ? 1 : 1 + n / SPARSE) {
		if (!load_failing(&story, argv[1], argv[2], n))
			break;
		if (story.n_loads % 10 == 0)
			load_plainly(&story, argv[1], argv[2], n);
	}
	load_plainly(&story, argv[1], argv[2], n);
	printf("%s: loads=%d failed=%d survived=%d plain=%d odd=%d\n", argv[2],
	       story.n_loads, story.n_failed, story.n_survived, story.n_plain,
	       story.n_odd);
	return 0;
}
