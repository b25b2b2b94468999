/* SPDX-License-Identifier: GPL-2.0-only */
/* Jumps in code. */
#ifndef TEXT_H
#define TEXT_H

#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/vmalloc.h>

#define JUMP_SIZE 5 /* e9 and four bytes of distance; also the size of ftrace's call */

static inline void text_jump(u8 jump[JUMP_SIZE], unsigned long at, unsigned long to)
{
	s32 distance = (s32)(to - (at + JUMP_SIZE));

	jump[0] = 0xe9;
	memcpy(jump + 1, &distance, sizeof(distance));
}

/* Writes through a second, writable mapping of the one or two pages where @to lies. */
static inline int text_write_alias(struct page *pages[2], void *to, const void *from,
				   size_t size)
{
	u8 *alias = vmap(pages, 2, VM_MAP, PAGE_KERNEL);

	if (!alias)
		return -ENOMEM;
	memcpy(alias + offset_in_page(to), from, size);
	vunmap(alias);
	return 0;
}

/*
 * Fills a pad in this module's own code. Not by CR0.WP: that leaves its entry of the page
 * table dirty though it is not writable, and 7.3, where modules share large pages, complains
 * when it splits such a one.
 */
static inline int text_write_own(void *to, const void *from, size_t size)
{
	struct page *pages[2];

	OPTIMIZER_HIDE_VAR(to); /* objtool minds addresses in the middle of functions */
	pages[0] = vmalloc_to_page(to);
	pages[1] = vmalloc_to_page(to + size - 1);
	return text_write_alias(pages, to, from, size);
}

/* Where there is IBT, a function begins with ENDBR64, or with the nop that it became. */
static inline unsigned long text_after_endbr(unsigned long function)
{
	static const u8 endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const u8 sealed[] = { 0x66, 0x0f, 0x1f, 0x00 };

	if (!memcmp((void *)function, endbr, sizeof(endbr)) ||
	    !memcmp((void *)function, sealed, sizeof(sealed)))
		function += sizeof(endbr);
	return function;
}

#endif
