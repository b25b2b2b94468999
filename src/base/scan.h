/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches over runs of bytes, as fast as the processor allows: each has a plain form and
 * forms for what the processor has, which are chosen when the program runs and say the
 * same. They never read outside of what they are given.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/span.h"

/** One way to search. */
struct scan {
	const char *name;
	size_t (*copy_escaped)(char **to, const char *from, size_t n);
	size_t (*ascii_length)(const char *from, size_t n);
	const char *(*find)(struct span in, struct span what);
	bool (*is_simple)(const char *from, size_t n, char a, char b);
};

/** scan_ways() - those that this processor has, the plain one first, the best one last */
const struct scan *const *scan_ways(size_t *ret_n);

/**
 * scan_copy_escaped() - copy the front of @from with a backslash before each quote and each
 * backslash, up to the first byte that is neither these nor plain: DEL, below 0x20, above 0x7f
 * @to: 2 * @n bytes, not overlapping @from; advanced past what was copied; what is behind it
 *	is garbage
 *
 * Return: how many bytes of @from that was, 0..@n.
 */
size_t scan_copy_escaped(char **to, const char *from, size_t n);

/** scan_is_plain_word() - eight bytes: all plain, and none a quote or a backslash? May be wrong in saying no */
static inline bool scan_is_plain_word(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
	uint64_t quote = x ^ (ones * '"'), backslash = x ^ (ones * '\\');
	uint64_t del = x ^ (ones * 0x7f);

	/* the usual test for a byte below n, (x - n) & ~x & 0x80; a borrow makes it say no */
	return !((x | ((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) |
		  ((backslash - ones) & ~backslash) | ((del - ones) & ~del)) &
		 high);
}

static inline bool scan_are_plain_words(uint64_t x, uint64_t y)
{
#ifdef __SSE2__
	__m128i both = _mm_set_epi64x((long long)y, (long long)x);
	__m128i quote = _mm_cmpeq_epi8(both, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(both, _mm_set1_epi8('\\'));
	__m128i del = _mm_cmpeq_epi8(both, _mm_set1_epi8(0x7f));
	/* signed: what is beyond ASCII, too */
	__m128i control = _mm_cmpgt_epi8(_mm_set1_epi8(0x20), both);

	return !_mm_movemask_epi8(
		_mm_or_si128(_mm_or_si128(quote, backslash), _mm_or_si128(del, control)));
#else
	return scan_is_plain_word(x) && scan_is_plain_word(y);
#endif
}

/**
 * scan_copy_short() - all of @from, if it is 4..16 such bytes
 * @to: @n bytes; whatever the result is, they may be garbage
 *
 * Return: false if it is not, or perhaps not.
 */
static inline bool scan_copy_short(char *to, const char *from, size_t n)
{
	uint64_t first, last;
	uint32_t begin, end;

	if (n - 4 > 12)
		return false;
	if (n >= sizeof(first)) {
		memcpy(&first, from, sizeof(first));
		memcpy(&last, from + n - sizeof(last), sizeof(last));
		memcpy(to, &first, sizeof(first));
		memcpy(to + n - sizeof(last), &last, sizeof(last));
		return scan_are_plain_words(first, last);
	}
	memcpy(&begin, from, sizeof(begin));
	memcpy(&end, from + n - sizeof(end), sizeof(end));
	memcpy(to, &begin, sizeof(begin));
	memcpy(to + n - sizeof(end), &end, sizeof(end));
	return scan_is_plain_word((uint64_t)end << 32 | begin);
}

/** scan_ascii_length() - how many bytes at the front of @from are below 0x80, 0..@n */
size_t scan_ascii_length(const char *from, size_t n);

/** scan_is_simple() - are all bytes of @s below 0x80, none a backslash, and no @a before a @b? */
bool scan_is_simple(struct span s, char a, char b);

/**
 * scan_find() - as memmem(3), quick when the first and the last byte of @what seldom stand
 * so far apart in @in
 * @what: at least 2 bytes
 */
const char *scan_find(struct span in, struct span what);

#endif
