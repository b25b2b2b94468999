/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that processes share over fork(): one of them writes it; the others are left with a
 * second mapping, of which the kernel allows no more than to read it, also to whoever has taken
 * such a process over: mprotect(2) cannot make it writable.
 */
#ifndef BASE_SHARED_VIEW_H
#define BASE_SHARED_VIEW_H

#include <stdbool.h>
#include <stddef.h>

/**
 * shared_view_open() - the memory, with the one mapping that can be written
 * @name: for /proc/PID/maps; @size: in bytes, zeroed, and of no memory until it is written
 *
 * Return: a descriptor, which is mapped for reading only from here on; or -errno, and @ret is as
 * it was.
 */
int shared_view_open(const char *name, size_t size, void **ret);

/** shared_view_is_sealed() - can nobody shrink @fd, nor map it for writing any more? */
bool shared_view_is_sealed(int fd);

/**
 * shared_view_create() - both mappings, of @size bytes each, for munmap(2)
 *
 * Return: 0 or -errno; then @ret and @ret_view are as they were.
 */
int shared_view_create(const char *name, size_t size, void **ret, const void **ret_view);

#endif
