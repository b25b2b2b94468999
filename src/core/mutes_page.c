// SPDX-License-Identifier: Apache-2.0
/* See mutes_page.h. */
#include "core/mutes_page.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/shared_view.h"

int mutes_page_create(struct mutes_page **ret, const struct mutes_page **ret_view)
{
	void *page;
	const void *view;
	int r = shared_view_create("lksm-mutes", sizeof(struct mutes_page), &page, &view);

	if (r < 0)
		return r;
	*ret = page;
	*ret_view = view;
	return 0;
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
