// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a command on one processor and says what it took:
 *	usage CPU COMMAND...	-> "CPU-us WALL-us RSS-KiB STATUS" on descriptor 3
 * Python cannot: a child's peak memory counts what Python had before the exec.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long to_us(struct timeval t)
{
	return t.tv_sec * 1000000 + t.tv_usec;
}

static void become(char **command, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) == 0)
		execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct rusage used;
	long start = now_us();
	int status;
	pid_t pid = argc < 3 ? -1 : fork();

	if (pid == 0)
		become(argv + 2, atoi(argv[1]));
	if (pid < 0 || wait4(pid, &status, 0, &used) < 0)
		return 2;
	dprintf(3, "%ld %ld %ld %d\n", to_us(used.ru_utime) + to_us(used.ru_stime),
		now_us() - start, used.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	return 0;
}
