// SPDX-License-Identifier: Apache-2.0
/* See shared_view.h; memfd_create(2), fcntl(2). */
#include "base/shared_view.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Linux 5.1; older libc headers do not have it. */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

int shared_view_create(const char *name, size_t size, void **ret, const void **ret_view)
{
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page, *view = MAP_FAILED;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	/* from here on it can be mapped for reading only */
	if (fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		view = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (view == MAP_FAILED) {
		int r = -errno;

		(void)munmap(page, size); /* fails only on a bad argument */
		return r;
	}
	*ret = page;
	*ret_view = view;
	return 0;
}
