// SPDX-License-Identifier: Apache-2.0
/*
 * See scan.h. The plain forms look at eight bytes at a time where they can; the others do
 * the same with one vector. All of them end with a few bytes one by one.
 */
#include "base/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#define HIGH ((uint64_t)0x8080808080808080)

static const bool is_plain[256] = {
	[' ' ... '!'] = true,
	['#' ... '['] = true,
	[']' ... '~'] = true,
};

static inline bool is_escaped(char c)
{
	return c == '"' || c == '\\';
}

/* ---- plain C ---- */

static size_t copy_escaped_c(char **to, const char *from, size_t n)
{
	char *out = *to;
	uint64_t word;
	size_t i = 0;

	while (i < n) {
		if (n - i >= sizeof(word)) {
			memcpy(&word, from + i, sizeof(word));
			if (scan_is_plain_word(word)) {
				memcpy(out, &word, sizeof(word));
				out += sizeof(word);
				i += sizeof(word);
				continue;
			}
		}
		if (is_escaped(from[i]))
			*out++ = '\\';
		else if (!is_plain[(unsigned char)from[i]])
			break;
		*out++ = from[i++];
	}
	*to = out;
	return i;
}

static size_t ascii_length_c(const char *from, size_t n)
{
	uint64_t word;
	size_t i = 0;

	for (; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, from + i, sizeof(word));
		if (word & HIGH)
			break;
	}
	while (i < n && (unsigned char)from[i] < 0x80)
		i++;
	return i;
}

static const char *find_c(struct span in, struct span what)
{
	return in.len < what.len ? NULL : memmem(in.data, in.len, what.data, what.len);
}

static bool is_simple_c(const char *from, size_t n, char a, char b)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)from[i] >= 0x80 || from[i] == '\\' ||
		    (i && from[i - 1] == a && from[i] == b))
			return false;
	return true;
}

static const struct scan plain_way = { "plain C", copy_escaped_c, ascii_length_c, find_c,
				       is_simple_c };

/* ---- vectors ---- */

/*
 * The four searches for one kind of vector. load and store move WIDTH bytes; not_plain and
 * not_ascii make a mask of those bytes, pair of the places where one vector has byte a and
 * the other byte b; first is the place of the mask's lowest bit.
 *
 * The last vector ends where the bytes end, and so overlaps the one before: what is seen
 * twice says the same twice. What is shorter than a vector is left to @smaller.
 */
#define DEFINE_WAY(way, smaller, attribute, vector, WIDTH)                               \
	attribute static inline uint64_t copy_vector_##way(char *to, const char *from)   \
	{                                                                                \
		vector x = load_##way(from);                                             \
                                                                                         \
		store_##way(to, x);                                                      \
		return not_plain_##way(x);                                               \
	}                                                                                \
                                                                                         \
	/* @clean: since there, all is copied as it stands, and may be so once more */   \
	attribute static size_t copy_escaped_##way(char **to, const char *from,          \
						   size_t n)                             \
	{                                                                                \
		size_t i = 0, clean = 0, again, step;                                    \
		char *out = *to;                                                         \
		uint64_t mask;                                                           \
                                                                                         \
		for (;;) {                                                               \
			mask = 0;                                                        \
			for (; n - i >= (WIDTH); i += (WIDTH), out += (WIDTH)) {         \
				mask = copy_vector_##way(out, from + i);                 \
				if (mask)                                                \
					break;                                           \
			}                                                                \
			again = mask || i == n ? 0 : (WIDTH) - (n - i);                  \
			if (again > i - clean)                                           \
				break;                                                   \
			if (again)                                                       \
				mask = copy_vector_##way(out - again, from + i - again); \
			step = mask ? first_##way(mask) - again : n - i;                 \
			out += step;                                                     \
			i += step;                                                       \
			if (i == n || !is_escaped(from[i])) {                            \
				*to = out;                                               \
				return i;                                                \
			}                                                                \
			*out++ = '\\';                                                   \
			*out++ = from[i++];                                              \
			clean = i;                                                       \
		}                                                                        \
		*to = out;                                                               \
		return i + copy_escaped_##smaller(to, from + i, n - i);                  \
	}                                                                                \
                                                                                         \
	attribute static size_t ascii_length_##way(const char *from, size_t n)           \
	{                                                                                \
		if (n < (WIDTH))                                                         \
			return ascii_length_##smaller(from, n);                          \
		for (size_t i = 0;;                                                      \
		     i = i + 2 * (WIDTH) <= n ? i + (WIDTH) : n - (WIDTH)) {             \
			uint64_t mask = not_ascii_##way(load_##way(from + i));           \
                                                                                         \
			if (mask)                                                        \
				return i + first_##way(mask);                            \
			if (i + (WIDTH) == n)                                            \
				return n;                                                \
		}                                                                        \
	}                                                                                \
                                                                                         \
	attribute static const char *find_##way(struct span in, struct span what)        \
	{                                                                                \
		char a = what.data[0], b = what.data[what.len - 1];                      \
		size_t n = in.len - what.len + 1; /* places where it may begin */        \
                                                                                         \
		if (in.len < what.len || n < (WIDTH))                                    \
			return find_##smaller(in, what);                                 \
		for (size_t i = 0;;                                                      \
		     i = i + 2 * (WIDTH) <= n ? i + (WIDTH) : n - (WIDTH)) {             \
			const char *at = in.data + i;                                    \
			uint64_t mask = pair_##way(load_##way(at),                       \
						   load_##way(at + what.len - 1), a, b); \
                                                                                         \
			for (; mask; mask = without_first_##way(mask))                   \
				if (!memcmp(at + first_##way(mask), what.data,           \
					    what.len))                                   \
					return at + first_##way(mask);                   \
			if (i + (WIDTH) == n)                                            \
				return NULL;                                             \
		}                                                                        \
	}                                                                                \
                                                                                         \
	/* each byte but the first is looked at together with the one before it */       \
	attribute static bool is_simple_##way(const char *from, size_t n, char a,        \
					      char b)                                    \
	{                                                                                \
		if (n <= (WIDTH) || !is_simple_c(from, 1, a, b))                         \
			return n <= (WIDTH) && is_simple_##smaller(from, n, a, b);       \
		n--;                                                                     \
		for (size_t i = 0;;                                                      \
		     i = i + 2 * (WIDTH) <= n ? i + (WIDTH) : n - (WIDTH)) {             \
			vector x = load_##way(from + i), y = load_##way(from + i + 1);   \
                                                                                         \
			if (not_ascii_##way(y) | pair_##way(y, y, '\\', '\\') |          \
			    pair_##way(x, y, a, b))                                      \
				return false;                                            \
			if (i + (WIDTH) == n)                                            \
				return true;                                             \
		}                                                                        \
	}                                                                                \
                                                                                         \
	static const struct scan way##_way = { #way, copy_escaped_##way,                 \
					       ascii_length_##way, find_##way,           \
					       is_simple_##way }

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))
#define NO_ATTRIBUTE

/* A signed comparison with 0x1f also takes what is beyond ASCII. */
static inline uint64_t not_plain_sse2(__m128i x)
{
	__m128i special = _mm_or_si128(
		_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')),
			     _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))),
		_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)),
			     _mm_cmpgt_epi8(_mm_set1_epi8(0x20), x)));

	return (uint32_t)_mm_movemask_epi8(special);
}

static inline uint64_t not_ascii_sse2(__m128i x)
{
	return (uint32_t)_mm_movemask_epi8(x);
}

static inline uint64_t pair_sse2(__m128i x, __m128i y, char a, char b)
{
	return (uint32_t)_mm_movemask_epi8(
		_mm_and_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(a)),
			      _mm_cmpeq_epi8(y, _mm_set1_epi8(b))));
}

static inline __m128i load_sse2(const char *from)
{
	return _mm_loadu_si128((const void *)from);
}

static inline void store_sse2(char *to, __m128i x)
{
	_mm_storeu_si128((void *)to, x);
}

AVX2 static inline uint64_t not_plain_avx2(__m256i x)
{
	__m256i special = _mm256_or_si256(
		_mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8('"')),
				_mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\'))),
		_mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8(0x7f)),
				_mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), x)));

	return (uint32_t)_mm256_movemask_epi8(special);
}

AVX2 static inline uint64_t not_ascii_avx2(__m256i x)
{
	return (uint32_t)_mm256_movemask_epi8(x);
}

AVX2 static inline uint64_t pair_avx2(__m256i x, __m256i y, char a, char b)
{
	return (uint32_t)_mm256_movemask_epi8(
		_mm256_and_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8(a)),
				 _mm256_cmpeq_epi8(y, _mm256_set1_epi8(b))));
}

AVX2 static inline __m256i load_avx2(const char *from)
{
	return _mm256_loadu_si256((const void *)from);
}

AVX2 static inline void store_avx2(char *to, __m256i x)
{
	_mm256_storeu_si256((void *)to, x);
}

#define first_sse2(mask)	 ((size_t)__builtin_ctzll(mask))
#define first_avx2(mask)	 ((size_t)__builtin_ctzll(mask))
#define without_first_sse2(mask) ((mask) & ((mask)-1))
#define without_first_avx2(mask) ((mask) & ((mask)-1))

DEFINE_WAY(sse2, c, NO_ATTRIBUTE, __m128i, 16);
DEFINE_WAY(avx2, sse2, AVX2, __m256i, 32);

static const struct scan *const ways[] = { &plain_way, &sse2_way, &avx2_way };

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

const struct scan *const *scan_ways(size_t *ret_n)
{
	*ret_n = has_avx2() ? 3 : 2;
	return ways;
}

static inline const struct scan *best(void)
{
	return has_avx2() ? &avx2_way : &sse2_way;
}

#elif defined(__aarch64__)

/* Four bits of the mask stand for each byte: vshrn makes them of a comparison. */
static inline uint64_t mask_of(uint8x16_t x)
{
	uint8x8_t nibbles = vshrn_n_u16(vreinterpretq_u16_u8(x), 4);

	return vget_lane_u64(vreinterpret_u64_u8(nibbles), 0);
}

static inline uint64_t not_plain_neon(uint8x16_t x)
{
	return mask_of(vorrq_u8(
		vorrq_u8(vceqq_u8(x, vdupq_n_u8('"')), vceqq_u8(x, vdupq_n_u8('\\'))),
		vorrq_u8(vcltq_u8(x, vdupq_n_u8(0x20)), vcgeq_u8(x, vdupq_n_u8(0x7f)))));
}

static inline uint64_t not_ascii_neon(uint8x16_t x)
{
	return mask_of(vcgeq_u8(x, vdupq_n_u8(0x80)));
}

static inline uint64_t pair_neon(uint8x16_t x, uint8x16_t y, char a, char b)
{
	return mask_of(vandq_u8(vceqq_u8(x, vdupq_n_u8((uint8_t)a)),
				vceqq_u8(y, vdupq_n_u8((uint8_t)b))));
}

static inline uint8x16_t load_neon(const char *from)
{
	return vld1q_u8((const uint8_t *)from);
}

static inline void store_neon(char *to, uint8x16_t x)
{
	vst1q_u8((uint8_t *)to, x);
}

#define NO_ATTRIBUTE
#define first_neon(mask) ((size_t)__builtin_ctzll(mask) / 4)
#define without_first_neon(mask) \
	((mask) & ~((uint64_t)15 << __builtin_ctzll(mask) / 4 * 4))

DEFINE_WAY(neon, c, NO_ATTRIBUTE, uint8x16_t, 16);

static const struct scan *const ways[] = { &plain_way, &neon_way };

const struct scan *const *scan_ways(size_t *ret_n)
{
	*ret_n = 2;
	return ways;
}

static inline const struct scan *best(void)
{
	return &neon_way;
}

#else

static const struct scan *const ways[] = { &plain_way };

const struct scan *const *scan_ways(size_t *ret_n)
{
	*ret_n = 1;
	return ways;
}

static inline const struct scan *best(void)
{
	return &plain_way;
}

#endif

size_t scan_copy_escaped(char **to, const char *from, size_t n)
{
	return best()->copy_escaped(to, from, n);
}

size_t scan_ascii_length(const char *from, size_t n)
{
	return best()->ascii_length(from, n);
}

bool scan_is_simple(struct span s, char a, char b)
{
	return best()->is_simple(s.data, s.len, a, b);
}

const char *scan_find(struct span in, struct span what)
{
	return best()->find(in, what);
}
