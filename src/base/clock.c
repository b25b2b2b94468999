// SPDX-License-Identifier: Apache-2.0
/* See clock.h. */
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"

#define BOOT_ID_PATH   "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LENGTH 36

static uint64_t read_us(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t); /* cannot fail for these two clocks */
	return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

struct now clock_now(void)
{
	return (struct now){ read_us(CLOCK_MONOTONIC), read_us(CLOCK_REALTIME) };
}

int64_t clock_real_minus_boot_us(void)
{
	/* not CLOCK_MONOTONIC, which stands still in suspend */
	uint64_t boot_us = read_us(CLOCK_BOOTTIME);

	return (int64_t)(read_us(CLOCK_REALTIME) - boot_us);
}

int clock_boot_id(char ret[static 37])
{
	_cleanup_close_ int fd = -1;
	ssize_t n;

	ret[0] = '\0';
	do
		fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -errno;
	n = read_full(fd, ret, BOOT_ID_LENGTH);
	ret[n == BOOT_ID_LENGTH ? n : 0] = '\0';
	return n == BOOT_ID_LENGTH ? 0 : n < 0 ? (int)n : -EIO;
}
