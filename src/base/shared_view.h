/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that processes share over fork(): one of them writes it; the others are left with a
 * second mapping, of which the kernel allows no more than to read it, also to whoever has taken
 * such a process over: mprotect(2) cannot make it writable.
 */
#ifndef BASE_SHARED_VIEW_H
#define BASE_SHARED_VIEW_H

#include <stddef.h>

/**
 * shared_view_create() - zeroed, and of no memory until it is written
 * @name: for /proc/PID/maps; with both mappings of @size bytes, for munmap(2)
 *
 * Return: 0 or -errno; then @ret and @ret_view are as they were.
 */
int shared_view_create(const char *name, size_t size, void **ret, const void **ret_view);

#endif
