// SPDX-License-Identifier: Apache-2.0
/* See alert_mutes.h. One writes the page, one reads it; the number says whether it is whole. */
#include "output/alerts/alert_mutes.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/log.h"

struct alert_mutes_page *alert_mutes_page_create(void)
{
	void *page = mmap(NULL, sizeof(struct alert_mutes_page), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

void alert_mutes_page_unmap(struct alert_mutes_page *page)
{
	if (page)
		(void)munmap(page, sizeof(*page));
}

/* @errors: lines */
static void say(const struct buffer *errors, const char *what)
{
	log_warning("alerts: what is muted %s%s%.*s", what, errors->len ? ": " : "",
		    errors->len ? (int)errors->len - 1 : 0,
		    errors->len ? errors->data : "");
}

static void write_page(struct alert_mutes_page *page, struct span text)
{
	atomic_fetch_add(&page->number, 1);
	if (text.len)
		memcpy(page->text, text.data, text.len);
	atomic_store(&page->len, text.len);
	atomic_fetch_add(&page->number, 1);
}

void alert_mutes_feed(struct mutes_file *file, struct alert_mutes_page *page)
{
	_cleanup_buffer_ struct buffer text = { 0 }, errors = { 0 };
	int r;

	if (!page || !mutes_file_is_news(file))
		return;
	r = mutes_read(file->path, &text, &errors);
	if (r == 0 && text.len > MUTES_FILE_MAX)
		r = -EFBIG;
	if (r == 0)
		write_page(page, buffer_span(&text));
	else if (mutes_file_failed(file))
		say(&errors, "cannot be read");
}

/* Return: the number of the whole text that @ret has got; 0: there is none now. */
static uint64_t read_page(const struct alert_mutes_page *page, struct buffer *ret)
{
	uint64_t number = atomic_load(&page->number);
	size_t len = atomic_load(&page->len);

	if (number % 2 || len > MUTES_FILE_MAX)
		return 0;
	buffer_append(ret, page->text, len);
	atomic_thread_fence(memory_order_acquire); /* the text has been read by now */
	return atomic_load(&page->number) == number && !buffer_error(ret) ? number : 0;
}

void alert_mutes_look(struct alert_mutes *m)
{
	_cleanup_buffer_ struct buffer text = { 0 }, errors = { 0 };
	struct mutes fresh = { 0 };
	uint64_t number;

	if (!m->page || atomic_load(&m->page->number) == m->number)
		return;
	number = read_page(m->page, &text);
	if (!number)
		return;
	m->number = number;
	if (mutes_parse("mutes", buffer_span(&text), &fresh, &errors) < 0) {
		say(&errors, "stays as it was");
		return;
	}
	mutes_deinit(&m->mutes);
	m->mutes = fresh;
}
