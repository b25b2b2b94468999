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

int shared_view_open(const char *name, size_t size, void **ret)
{
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page;
	int r;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -errno;
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
		r = -errno;
		(void)munmap(page, size); /* fails only on a bad argument */
		return r;
	}
	*ret = page;
	return take_fd(&fd);
}

bool shared_view_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

int shared_view_create(const char *name, size_t size, void **ret, const void **ret_view)
{
	void *page, *view;
	_cleanup_close_ int fd = shared_view_open(name, size, &page);
	int r;

	if (fd < 0)
		return fd;
	view = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (view == MAP_FAILED) {
		r = -errno;
		(void)munmap(page, size);
		return r;
	}
	*ret = page;
	*ret_view = view;
	return 0;
}
