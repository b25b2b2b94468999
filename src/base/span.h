/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of bytes in somebody's buffer: not NUL-terminated, never owned. data == NULL
 * means absent, which is not the same as empty.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *data;
	size_t len;
};

#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })

static inline struct span span_from(const char *string)
{
	return (struct span){ string, string ? strlen(string) : 0 };
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool span_starts_with(struct span s, struct span prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static inline bool span_contains(struct span s, struct span needle)
{
	return needle.len == 0 ||
	       (s.len >= needle.len && memmem(s.data, s.len, needle.data, needle.len));
}

/* The rest of @s after its first @n bytes; @n is at most s.len. */
static inline struct span span_skip(struct span s, size_t n)
{
	return (struct span){ s.data + n, s.len - n };
}

#endif
