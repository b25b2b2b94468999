/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes with a stated limit. A failed append is remembered (sticky), so
 * that a formatter appends freely and looks at buffer_error() once, at its end.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

struct buffer {
	char *data; /* owned; NULL until the first append */
	size_t len;
	size_t capacity;
	size_t limit; /* capacity never exceeds it; 0 means BUFFER_LIMIT_DEFAULT */
	int error;    /* 0, -ENOMEM or -EMSGSIZE, kept until buffer_clear() */
};

#define BUFFER_LIMIT_DEFAULT ((size_t)64 << 20)

/** buffer_deinit() - free the bytes; @b can be used again, empty */
void buffer_deinit(struct buffer *b);

/** buffer_clear() - forget content and error, keep the memory */
void buffer_clear(struct buffer *b);

/**
 * buffer_reserve() - make room for @n more bytes
 *
 * Return: where to write them (not yet counted in len), or NULL with @b->error set.
 */
char *buffer_reserve(struct buffer *b, size_t n);

void buffer_append(struct buffer *b, const char *data, size_t n);
void buffer_append_span(struct buffer *b, struct span s);
void buffer_append_char(struct buffer *b, char c);
void buffer_append_u64(struct buffer *b, uint64_t value);
void buffer_append_i64(struct buffer *b, int64_t value);
void buffer_appendf(struct buffer *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define buffer_append_literal(b, literal) \
	buffer_append(b, "" literal, sizeof(literal) - 1)

/** buffer_cstring() - the content with a NUL behind it (not counted), NULL if out of memory */
const char *buffer_cstring(struct buffer *b);

static inline int buffer_error(const struct buffer *b)
{
	return b->error;
}

static inline struct span buffer_span(const struct buffer *b)
{
	return (struct span){ b->data, b->len };
}

#define _cleanup_buffer_ _cleanup_(buffer_deinit)

#endif
