// SPDX-License-Identifier: Apache-2.0
/* See buffer.h. */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>

#define CAPACITY_FIRST 256
#define U64_DIGITS_MAX 20

void buffer_deinit(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ .limit = b->limit };
}

void buffer_clear(struct buffer *b)
{
	b->len = 0;
	b->error = 0;
}

static int grow(struct buffer *b, size_t need)
{
	size_t limit = b->limit ? b->limit : BUFFER_LIMIT_DEFAULT;
	size_t capacity = b->capacity ? b->capacity : CAPACITY_FIRST;
	char *data;

	if (need > limit)
		return -EMSGSIZE;
	while (capacity < need)
		capacity *= 2;
	if (capacity > limit)
		capacity = limit;
	data = realloc(b->data, capacity);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->capacity = capacity;
	return 0;
}

char *buffer_reserve(struct buffer *b, size_t n)
{
	if (b->error)
		return NULL;
	if (n > SIZE_MAX - b->len)
		b->error = -EMSGSIZE;
	else if (!b->data || b->len + n > b->capacity)
		b->error = grow(b, b->len + n);
	return b->error ? NULL : b->data + b->len;
}

void buffer_append(struct buffer *b, const char *data, size_t n)
{
	char *to = buffer_reserve(b, n);

	if (!to || n == 0)
		return;
	memcpy(to, data, n);
	b->len += n;
}

void buffer_append_span(struct buffer *b, struct span s)
{
	buffer_append(b, s.data, s.len);
}

void buffer_append_char(struct buffer *b, char c)
{
	buffer_append(b, &c, 1);
}

void buffer_append_u64(struct buffer *b, uint64_t value)
{
	char digits[U64_DIGITS_MAX];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while (value /= 10);
	buffer_append(b, digits + at, sizeof(digits) - at);
}

void buffer_append_i64(struct buffer *b, int64_t value)
{
	if (value < 0)
		buffer_append_char(b, '-');
	buffer_append_u64(b, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void buffer_appendf(struct buffer *b, const char *format, ...)
{
	va_list args, again;
	char *to;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	to = n < 0 ? NULL : buffer_reserve(b, (size_t)n + 1);
	if (to) {
		(void)vsnprintf(to, (size_t)n + 1, format, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

const char *buffer_cstring(struct buffer *b)
{
	char *end = buffer_reserve(b, 1);

	if (!end)
		return NULL;
	*end = '\0';
	return b->data;
}
