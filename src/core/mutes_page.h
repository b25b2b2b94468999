/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is muted, as a text, on its way from who may read files to who may not: a page that both
 * have over fork(). One writes it, others read it, and cannot do more; a number says whether what
 * they got is whole.
 */
#ifndef CORE_MUTES_PAGE_H
#define CORE_MUTES_PAGE_H

#include <stdatomic.h>

#include "core/mutes.h"

/** MUTES_PAGE_MAX - of the text: the file, or its mutes as JSON, which are longer */
#define MUTES_PAGE_MAX (4 * MUTES_FILE_MAX)

struct mutes_page {
	_Atomic uint64_t number; /* of the text, from 1; odd: it is being written */
	_Atomic size_t len;
	char text[MUTES_PAGE_MAX];
};

/**
 * mutes_page_create() - shared over fork(), of no memory until it is written
 * @ret_view: the same, of which the kernel allows no more than to read it: who only reads is
 *	left with that
 *
 * Return: 0 or -errno.
 */
int mutes_page_create(struct mutes_page **ret, const struct mutes_page **ret_view);
void mutes_page_unmap(const struct mutes_page *page); /* either; may be NULL */

/**
 * mutes_page_write() - by one process only
 *
 * Return: 0; -EFBIG: too long, and what was there stays.
 */
int mutes_page_write(struct mutes_page *page, struct span text);

/** mutes_page_number() - of what is there now: another than before is another text */
static inline uint64_t mutes_page_number(const struct mutes_page *page)
{
	return atomic_load(&page->number);
}

/** mutes_page_read() - append the text; its number, 0 if there is none that is whole now */
uint64_t mutes_page_read(const struct mutes_page *page, struct buffer *ret);

#endif
