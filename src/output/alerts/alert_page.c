// SPDX-License-Identifier: Apache-2.0
/* See alert_page.h. The file is of this machine only: its layout is ours. */
#include "output/alerts/alert_page.h"

#include <errno.h>
#include <fnmatch.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAGIC "LKSMalr1"

static int prepare(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return -errno;
	if (st->st_size == (off_t)sizeof(struct alert_page))
		return 0;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	st->st_size = 0;
	return allocate_file(fd, sizeof(struct alert_page));
}

/* What was killed in the middle of a text leaves it without an end. */
static void end_texts(struct alert_page *page)
{
	for (size_t i = 0; i < ALERT_RECEIVERS_MAX; i++) {
		page->rows[i].name[ALERT_NAME_SIZE - 1] = '\0';
		page->rows[i].says[ALERT_SAYS_SIZE - 1] = '\0';
	}
	page->cursor.name[sizeof(page->cursor.name) - 1] = '\0';
}

int alert_page_map(int fd, bool is_writable, struct alert_page **ret)
{
	struct alert_page *page;
	struct stat st;
	int r = is_writable ? prepare(fd, &st) : fstat(fd, &st) < 0 ? -errno : 0;

	if (r < 0)
		return r;
	if (!is_writable && st.st_size != (off_t)sizeof(*page))
		return -EBADMSG;
	/* who only reads gets a copy of his own, to end the texts in */
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    is_writable ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (memcmp(page->magic, MAGIC, sizeof(page->magic)) != 0) {
		if (!is_writable) {
			alert_page_unmap(page);
			return -EBADMSG;
		}
		memset(page, 0, sizeof(*page));
		memcpy(page->magic, MAGIC, sizeof(page->magic));
	}
	end_texts(page);
	*ret = page;
	return 0;
}

void alert_page_unmap(struct alert_page *page)
{
	if (page)
		(void)munmap(page, sizeof(*page));
}

/* Of a name on the page: the sender can take its end away at any time. */
static bool is_configured(const struct alert_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_receivers; i++)
		if (!strncmp(c->receivers[i].name, name, ALERT_NAME_SIZE))
			return true;
	return false;
}

struct alert_row *alert_page_take_row(struct alert_page *page,
				      const struct alert_config *c, const char *name,
				      uint64_t next_seq)
{
	struct alert_row *row = NULL;

	for (size_t i = 0; i < ALERT_RECEIVERS_MAX; i++) {
		if (!strncmp(page->rows[i].name, name, ALERT_NAME_SIZE))
			return &page->rows[i];
		if (!row && !is_configured(c, page->rows[i].name))
			row = &page->rows[i];
	}
	if (!row)
		return NULL;
	memset(row, 0, sizeof(*row));
	atomic_store(&row->next_seq, next_seq);
	memcpy(row->name, name, strlen(name) + 1); /* last: now it counts */
	return row;
}

bool alert_page_next_seq(const struct alert_page *page, const struct alert_config *c,
			 uint64_t *ret)
{
	uint64_t least = UINT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < ALERT_RECEIVERS_MAX; i++) {
		uint64_t next = atomic_load(&page->rows[i].next_seq);

		if (!*page->rows[i].name || !is_configured(c, page->rows[i].name))
			continue;
		least = next < least ? next : least;
		n++;
	}
	*ret = least;
	return n == c->n_receivers;
}

void alert_page_cursor(const struct alert_page *page, uint64_t next_seq,
		       struct log_cursor *ret)
{
	struct log_cursor cursor = page->cursor; /* ours: nobody changes it any more */

	cursor.name[sizeof(cursor.name) - 1] = '\0';
	*ret = (struct log_cursor){ 0 };
	if (atomic_load(&page->cursor_number) && cursor.next_seq <= next_seq &&
	    fnmatch(FOLDER_LOG_PATTERN, cursor.name, 0) == 0)
		*ret = cursor;
	ret->next_seq = next_seq;
}
