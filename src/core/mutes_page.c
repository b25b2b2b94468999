// SPDX-License-Identifier: Apache-2.0
/* See mutes_page.h. */
#include "core/mutes_page.h"

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

static void *map(int fd, int protection)
{
	return mmap(NULL, sizeof(struct mutes_page), protection, MAP_SHARED, fd, 0);
}

/* mprotect(2) cannot make the view writable: it was made when the file was sealed. */
static int map_view(int fd, struct mutes_page *page, const struct mutes_page **ret_view)
{
	const struct mutes_page *view = MAP_FAILED;

	if (fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		view = map(fd, PROT_READ);
	if (view == MAP_FAILED) {
		int r = -errno;

		mutes_page_unmap(page);
		return r;
	}
	*ret_view = view;
	return 0;
}

int mutes_page_create(struct mutes_page **ret, const struct mutes_page **ret_view)
{
	_cleanup_close_ int fd = memfd_create("lksm-mutes",
					      MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct mutes_page *page;
	int r;

	if (fd < 0 || ftruncate(fd, sizeof(*page)) < 0)
		return -errno;
	page = map(fd, PROT_READ | PROT_WRITE);
	if (page == MAP_FAILED)
		return -errno;
	r = map_view(fd, page, ret_view);
	if (r == 0)
		*ret = page;
	return r;
}

void mutes_page_unmap(const struct mutes_page *page)
{
	if (page)
		(void)munmap((void *)(uintptr_t)page, sizeof(*page));
}

int mutes_page_write(struct mutes_page *page, struct span text)
{
	if (text.len > MUTES_PAGE_MAX)
		return -EFBIG;
	atomic_fetch_add(&page->number, 1);
	if (text.len)
		memcpy(page->text, text.data, text.len);
	atomic_store(&page->len, text.len);
	atomic_fetch_add(&page->number, 1);
	return 0;
}

uint64_t mutes_page_read(const struct mutes_page *page, struct buffer *ret)
{
	uint64_t number = atomic_load(&page->number);
	size_t len = atomic_load(&page->len), before = ret->len;

	if (number % 2 || len > MUTES_PAGE_MAX)
		return 0;
	buffer_append(ret, page->text, len);
	atomic_thread_fence(memory_order_acquire); /* the text has been read by now */
	if (atomic_load(&page->number) == number && !buffer_error(ret))
		return number;
	ret->len = before;
	return 0;
}
