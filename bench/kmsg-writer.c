// SPDX-License-Identifier: Apache-2.0
/*
 * Writes N records of 100 bytes to /dev/kmsg, RATE a second (0: as fast as it can), each
 * with its number; a millisecond's worth at a time.
 *	kmsg-writer N RATE
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD_LEN 100

static void wait_until(struct timespec *next)
{
	next->tv_nsec += 1000000;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

int main(int argc, char **argv)
{
	long n = argc == 3 ? atol(argv[1]) : 0, rate = argc == 3 ? atol(argv[2]) : 0;
	int fd = open("/dev/kmsg", O_WRONLY);
	char record[RECORD_LEN + 1];
	struct timespec next;

	if (fd < 0)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 0; i < n; i++) {
		int len = snprintf(record, sizeof(record), "<14>lksm-bench %ld ", i);

		memset(record + len, 'x', (size_t)(RECORD_LEN - 1 - len));
		record[RECORD_LEN - 1] = '\n';
		if (write(fd, record, RECORD_LEN) != RECORD_LEN)
			return 2;
		if (rate && (i + 1) % (rate / 1000) == 0)
			wait_until(&next);
	}
	return 0;
}
