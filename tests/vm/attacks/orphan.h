/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for code among the modules' own, that belongs to no module. */
#ifndef ORPHAN_H
#define ORPHAN_H

#include "attack.h"

/* One page, writable. */
static inline void *orphan_alloc(void)
{
	void *(*alloc)(unsigned long) = (void *)attack_symbol("module_alloc");
	void *(*execmem)(int, size_t) = NULL;

	if (alloc)
		return alloc(PAGE_SIZE);
	/* What the other one gives can be run at once there, and not be written. */
	execmem = (void *)attack_symbol("execmem_alloc_rw");
	if (!execmem)
		execmem = (void *)attack_symbol("execmem_alloc");
	return execmem ? execmem(0, PAGE_SIZE) : NULL;
}

/* From then on it can be run, and not be written: both at once is refused from 6.12 on. */
static inline int orphan_protect(void *memory)
{
	int (*set_ro)(unsigned long, int) = (void *)attack_symbol("set_memory_ro");
	int (*set_x)(unsigned long, int) = (void *)attack_symbol("set_memory_x");
	int r;

	if (!set_ro || !set_x)
		return -ENOENT;
	r = set_ro((unsigned long)memory, 1);
	return r ? r : set_x((unsigned long)memory, 1);
}

#endif
