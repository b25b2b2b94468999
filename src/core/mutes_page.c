// SPDX-License-Identifier: Apache-2.0
/* See mutes_page.h. */
#include "core/mutes_page.h"

#include <errno.h>
#include <sys/mman.h>

struct mutes_page *mutes_page_create(void)
{
	void *page = mmap(NULL, sizeof(struct mutes_page), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

void mutes_page_unmap(struct mutes_page *page)
{
	if (page)
		(void)munmap(page, sizeof(*page));
}

int mutes_page_only_read(struct mutes_page *page)
{
	return page && mprotect(page, sizeof(*page), PROT_READ) < 0 ? -errno : 0;
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
