// SPDX-License-Identifier: Apache-2.0
/*
 * See reverse_lines.h. The file is read backwards in blocks into a window that ends where
 * the next line to give out ends; it grows to the front until it holds that line's
 * beginning.
 */
#include "core/reverse_lines.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "core/event.h"

#define BLOCK_BYTES ((size_t)64 << 10)

/* All of it, or it shrank under us. */
static int read_block(int fd, char *to, size_t len, uint64_t offset)
{
	ssize_t n = read_at(fd, to, len, offset);

	return n < 0 ? (int)n : (size_t)n < len ? -EIO : 0;
}

int reverse_lines_end(int fd, uint64_t size, uint64_t *ret)
{
	_cleanup_free_ char *block = malloc(BLOCK_BYTES);

	if (!block)
		return -ENOMEM;
	while (size) {
		size_t n = size < BLOCK_BYTES ? (size_t)size : BLOCK_BYTES;
		int r = read_block(fd, block, n, size - n);
		const char *newline;

		if (r < 0)
			return r;
		newline = memrchr(block, '\n', n);
		if (newline) {
			*ret = size - n + (size_t)(newline - block) + 1;
			return 0;
		}
		size -= n;
	}
	*ret = 0;
	return 0;
}

/* One more block to the front of the window. */
static int grow(struct reverse_lines *r)
{
	size_t n = r->offset < BLOCK_BYTES ? (size_t)r->offset : BLOCK_BYTES;
	int error;

	if (r->len > EVENT_LINE_MAX) {
		r->is_overlong = true;
		r->len = 0;
	}
	if (r->len + n > r->capacity) {
		char *data = realloc(r->data, r->len + n);

		if (!data)
			return -ENOMEM;
		r->data = data;
		r->capacity = r->len + n;
	}
	memmove(r->data + n, r->data, r->len);
	error = read_block(r->fd, r->data, n, r->offset - n);
	if (error < 0)
		return error;
	r->offset -= n;
	r->len += n;
	return 0;
}

int reverse_lines_previous(struct reverse_lines *r, struct span *ret)
{
	for (;;) {
		bool is_cut = r->is_overlong;
		size_t own_newline = is_cut ? 0 : 1;
		const char *before = NULL;
		size_t start = 0;
		int error;

		if (r->len > own_newline)
			before = memrchr(r->data, '\n', r->len - own_newline);
		if (before || (r->offset == 0 && (r->len || is_cut))) {
			start = before ? (size_t)(before - r->data) + 1 : 0;
			is_cut = is_cut || r->len - start > EVENT_LINE_MAX;
			*ret = (struct span){ is_cut ? NULL : r->data + start,
					      r->len - start };
			r->len = start;
			r->is_overlong = false;
			return 1;
		}
		if (r->offset == 0)
			return 0;
		error = grow(r);
		if (error < 0)
			return error;
	}
}

uint64_t reverse_lines_at(const struct reverse_lines *r)
{
	return r->offset + r->len;
}

void reverse_lines_deinit(struct reverse_lines *r)
{
	free(r->data);
	r->data = NULL;
}
