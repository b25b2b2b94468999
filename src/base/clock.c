// SPDX-License-Identifier: Apache-2.0
/* See clock.h. */
#include "base/clock.h"

#include <fcntl.h>
#include <time.h>

#include "base/cleanup.h"

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

void clock_boot_id(char ret[static 37])
{
	_cleanup_close_ int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);

	ret[0] = '\0';
	if (fd >= 0 && read(fd, ret, BOOT_ID_LENGTH) == BOOT_ID_LENGTH)
		ret[BOOT_ID_LENGTH] = '\0';
	else
		ret[0] = '\0';
}
