// SPDX-License-Identifier: Apache-2.0
/*
 * See skim.h. One pass marks the bytes that matter, 64 at a time: where the tag may begin, by
 * two of its bytes that stand 11 apart, and newlines. A line of dmesg text is known by two
 * bytes at fixed places, which are looked at for all places at once: nothing is done line by
 * line. A raw record is taken apart, as a bad one counts.
 */
#include "core/skim.h"

#include <stdint.h>

#include "base/text.h"
#include "core/dmesg.h"
#include "core/kmsg.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define WINDOW		64
#define TAG		"[PHOTON RING]"
#define TAG_LEN		(sizeof(TAG) - 1)
#define P_AT		1
#define CLOSE_AT	12
#define LAST_BIT	((uint32_t)1 << 31)
#define KMSG_PREFIX_MAX 31 /* up to the third comma: more than the usual */
#define WIDTH_MIN	5  /* of the seconds in a stamp: dmesg pads to that */

/*
 * "[" where the stamp of the lines before begins, and "." where it has its dot. Whatever else
 * such a line is, it has no wall-clock stamp, which would leave a trace in the parser: those
 * are 20 bytes long at least, have no "[" but their first byte, and if that one stands there,
 * the dot, at most 12 bytes on, would be among the words of a date. Nor does it matter whether
 * it is a record or continues one.
 */
static inline bool is_dull_dmesg(const struct skim_shape *shape, const char *line)
{
	return line[shape->bracket] == '[' && line[shape->dot] == '.';
}

/* A number of @max digits at most, and a comma. */
static inline bool take_field(const char **at, size_t max)
{
	size_t n = 0;

	while (n <= max && is_digit((*at)[n]))
		n++;
	if (n == 0 || n > max || (*at)[n] != ',')
		return false;
	*at += n + 1;
	return true;
}

/* All numbers of so many digits fit; flags are one byte. */
static inline bool is_dull_kmsg(const char *line)
{
	const char *at = line;

	return take_field(&at, 9) && take_field(&at, 19) && take_field(&at, 19) &&
	       at - line <= KMSG_PREFIX_MAX && at[0] != ';' && at[0] != '\n' &&
	       at[1] == ';';
}

/* memcmp() in two words, for it would be called, and a call costs all that vectors hold. */
static inline bool is_tag(const char *at)
{
	return !memcmp(at, TAG, 8) && !memcmp(at + TAG_LEN - 8, &TAG[TAG_LEN - 8], 8);
}

/* The escape of a byte of the tag, or of one like it, but not of a backslash itself. */
static inline bool may_hide_tag(const char *at)
{
	return at[1] == 'x' &&
	       (at[2] == '2' || at[2] == '4' || (at[2] == '5' && (at[3] | ' ') != 'c'));
}

/*
 * Return: the first byte before @end that is the tag's, or a newline with a line behind it
 * that is not dull; else the last byte.
 */
#define DEFINE_DMESG(way, attribute)                                                 \
	attribute static const char *dmesg_##way(const struct skim_shape *shape,     \
						 const char *begin, const char *end) \
	{                                                                            \
		for (const char *at = begin; at < end; at += WINDOW) {               \
			uint64_t mask = tags_##way(at) | ends_##way(shape, at);      \
                                                                                     \
			if (end - at < WINDOW)                                       \
				mask &= ((uint64_t)1 << (end - at)) - 1;             \
			for (; mask; mask &= mask - 1) {                             \
				const char *found = at + __builtin_ctzll(mask);      \
                                                                                     \
				if (*found == '\n' || is_tag(found))                 \
					return found;                                \
			}                                                            \
		}                                                                    \
		return end - 1;                                                      \
	}

/*
 * @begin: of a record that is dull
 *
 * Return: the begin of the last record before @end of which this is known, all before it
 * having nothing that matters, and none being too long.
 */
#define DEFINE_KMSG(way, attribute, is_dull)                                           \
	attribute static const char *kmsg_##way(const char *begin, const char *end)    \
	{                                                                              \
		const char *line = begin;                                              \
                                                                                       \
		for (const char *at = begin; at < end; at += WINDOW) {                 \
			uint64_t mask = tags_##way(at) | marks_##way(at);              \
                                                                                       \
			if (end - at < WINDOW)                                         \
				mask &= ((uint64_t)1 << (end - at)) - 1;               \
			for (; mask; mask &= mask - 1) {                               \
				const char *found = at + __builtin_ctzll(mask);        \
                                                                                       \
				if (*found == '\\' ? !may_hide_tag(found)              \
						   : *found != '\n' && !is_tag(found)) \
					continue;                                      \
				if (*found != '\n' || found + 1 >= end ||              \
				    found - line > KMSG_RECORD_MAX)                    \
					return line;                                   \
				if (!is_dull(found + 1))                               \
					return line;                                   \
				line = found + 1;                                      \
			}                                                              \
		}                                                                      \
		return line;                                                           \
	}

#define DEFINE_WAY(way, attribute, is_dull_kmsg)  \
	DEFINE_DMESG(way, attribute)              \
	DEFINE_KMSG(way, attribute, is_dull_kmsg) \
	static const struct skim way##_skim = { #way, dmesg_##way, kmsg_##way }

/*
 * ---- masks of 64 places: the tag's two bytes; newlines before what is not dull; backslashes, and
 * newlines before what is no line of a record's dictionary ----
 */

static inline uint64_t tags_plain(const char *at)
{
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i++)
		mask |= (uint64_t)(at[i + P_AT] == 'P' && at[i + CLOSE_AT] == ']') << i;
	return mask;
}

static inline uint64_t ends_plain(const struct skim_shape *shape, const char *at)
{
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i++)
		mask |= (uint64_t)(at[i] == '\n' && !is_dull_dmesg(shape, at + i + 1))
			<< i;
	return mask;
}

static inline uint64_t marks_plain(const char *at)
{
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i++)
		mask |= (uint64_t)((at[i] == '\n' && at[i + 1] != ' ') || at[i] == '\\')
			<< i;
	return mask;
}

#define NO_ATTRIBUTE
DEFINE_WAY(plain, NO_ATTRIBUTE, is_dull_kmsg);

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

/* The three masks for one kind of vector: is_##way() compares STEP bytes with one. */
#define DEFINE_MASKS(way, attribute, STEP, vector, both, without, either, movemask)    \
	attribute static inline uint64_t tags_##way(const char *at)                    \
	{                                                                              \
		uint64_t mask = 0;                                                     \
                                                                                       \
		for (int i = 0; i < WINDOW; i += (STEP)) {                             \
			vector tag = both(is_##way(at + i + P_AT, 'P'),                \
					  is_##way(at + i + CLOSE_AT, ']'));           \
                                                                                       \
			mask |= (uint64_t)(uint32_t)movemask(tag) << i;                \
		}                                                                      \
		return mask;                                                           \
	}                                                                              \
                                                                                       \
	attribute static inline uint64_t ends_##way(const struct skim_shape *shape,    \
						    const char *at)                    \
	{                                                                              \
		uint64_t mask = 0;                                                     \
                                                                                       \
		for (int i = 0; i < WINDOW; i += (STEP)) {                             \
			vector dull = both(is_##way(at + i + 1 + shape->bracket, '['), \
					   is_##way(at + i + 1 + shape->dot, '.'));    \
			vector ends = without(dull, is_##way(at + i, '\n'));           \
                                                                                       \
			mask |= (uint64_t)(uint32_t)movemask(ends) << i;               \
		}                                                                      \
		return mask;                                                           \
	}                                                                              \
                                                                                       \
	attribute static inline uint64_t marks_##way(const char *at)                   \
	{                                                                              \
		uint64_t mask = 0;                                                     \
                                                                                       \
		for (int i = 0; i < WINDOW; i += (STEP)) {                             \
			vector ends = without(is_##way(at + i + 1, ' '),               \
					      is_##way(at + i, '\n'));                 \
			vector marks = either(ends, is_##way(at + i, '\\'));           \
                                                                                       \
			mask |= (uint64_t)(uint32_t)movemask(marks) << i;              \
		}                                                                      \
		return mask;                                                           \
	}

/* The same by masks of 32 bytes: three commas, only digits before them, and not too many. */
static inline bool is_dull_kmsg_sse2(const char *line)
{
	uint32_t commas = 0, digits = 0;
	unsigned first, second, third;

	for (int i = 0; i < 32; i += 16) {
		__m128i x = _mm_loadu_si128((const void *)(line + i));
		__m128i value = _mm_sub_epi8(x, _mm_set1_epi8('0'));
		__m128i nine = _mm_min_epu8(value, _mm_set1_epi8(9));
		__m128i comma = _mm_cmpeq_epi8(x, _mm_set1_epi8(','));

		commas |= (uint32_t)_mm_movemask_epi8(comma) << i;
		digits |= (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(nine, value)) << i;
	}
	first = (unsigned)__builtin_ctz(commas | LAST_BIT);
	commas &= commas - 1;
	second = (unsigned)__builtin_ctz(commas | LAST_BIT);
	commas &= commas - 1;
	third = (unsigned)__builtin_ctz(commas | LAST_BIT);
	digits |= 1u << first | 1u << second | UINT32_MAX << third;
	line += third + 1;
	return digits == UINT32_MAX && third < KMSG_PREFIX_MAX && first - 1 < 9 &&
	       second - first - 2 < 19 && third - second - 2 < 19 && line[0] != ';' &&
	       line[0] != '\n' && line[1] == ';';
}

static inline __m128i is_sse2(const char *at, char c)
{
	return _mm_cmpeq_epi8(_mm_loadu_si128((const void *)at), _mm_set1_epi8(c));
}

AVX2 static inline __m256i is_avx2(const char *at, char c)
{
	return _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)at),
				 _mm256_set1_epi8(c));
}

DEFINE_MASKS(sse2, NO_ATTRIBUTE, 16, __m128i, _mm_and_si128, _mm_andnot_si128,
	     _mm_or_si128, _mm_movemask_epi8)
DEFINE_MASKS(avx2, AVX2, 32, __m256i, _mm256_and_si256, _mm256_andnot_si256,
	     _mm256_or_si256, _mm256_movemask_epi8)
DEFINE_WAY(sse2, NO_ATTRIBUTE, is_dull_kmsg_sse2);
DEFINE_WAY(avx2, AVX2, is_dull_kmsg_sse2);

#define AVX512 __attribute__((target("avx512bw")))

AVX512 static inline uint64_t is_avx512(const char *at, char c)
{
	return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(at), _mm512_set1_epi8(c));
}

AVX512 static inline uint64_t tags_avx512(const char *at)
{
	return is_avx512(at + P_AT, 'P') & is_avx512(at + CLOSE_AT, ']');
}

AVX512 static inline uint64_t ends_avx512(const struct skim_shape *shape, const char *at)
{
	return is_avx512(at, '\n') & ~(is_avx512(at + 1 + shape->bracket, '[') &
				       is_avx512(at + 1 + shape->dot, '.'));
}

AVX512 static inline uint64_t marks_avx512(const char *at)
{
	return (is_avx512(at, '\n') & ~is_avx512(at + 1, ' ')) | is_avx512(at, '\\');
}

DEFINE_WAY(avx512, AVX512, is_dull_kmsg_sse2);

static const struct skim *const ways[] = { &plain_skim, &sse2_skim, &avx2_skim,
					   &avx512_skim };

const struct skim *const *skim_ways(size_t *ret_n)
{
	*ret_n = __builtin_cpu_supports("avx512bw") ? 4
		 : __builtin_cpu_supports("avx2")   ? 3
						    : 2;
	return ways;
}

#else

static const struct skim *const ways[] = { &plain_skim };

const struct skim *const *skim_ways(size_t *ret_n)
{
	*ret_n = 1;
	return ways;
}

#endif

static const struct skim *best(void)
{
	size_t n;
	const struct skim *const *all = skim_ways(&n);

	return all[n - 1];
}

static struct span line_at(const char *at, struct span s)
{
	size_t left = s.len - (size_t)(at - s.data);
	const char *newline = memchr(at, '\n', left);

	return (struct span){ at, newline ? (size_t)(newline - at) : left };
}

/* The parser need not take the line apart again, if all of it is there. */
static void hand_over(struct dmesg_parser *p, struct span line, struct span s,
		      const struct dmesg_prefix *prefix)
{
	bool is_whole = line.data + line.len < s.data + s.len;

	if (line.data[line.len - 1] == '\r')
		line.len--;
	p->ahead = is_whole ? line : (struct span){ NULL, 0 };
	p->ahead_prefix = *prefix;
}

static const char *begin_of_line(struct span s, const char *at)
{
	const char *newline = memrchr(s.data, '\n', (size_t)(at - s.data));

	return newline ? newline + 1 : s.data;
}

/* What looks like a record and is none continues the one before. */
static const char *back_to_record(struct dmesg_parser *p, const char *at, struct span s)
{
	while (at > s.data) {
		struct span line = line_at(at, s);
		struct dmesg_prefix prefix;

		if (dmesg_usual_prefix(line, &prefix)) {
			hand_over(p, line, s, &prefix);
			break;
		}
		at = begin_of_line(s, at - 1);
	}
	return at;
}

static bool learn(struct skim_shape *shape, struct span s)
{
	struct dmesg_prefix prefix;

	if (!dmesg_usual_prefix(line_at(s.data, s), &prefix))
		return false;
	shape->bracket = prefix.names_len;
	shape->dot = prefix.len - strlen(".123456] ");
	return shape->dot - shape->bracket > WIDTH_MIN;
}

size_t skim_dmesg_by(const struct skim *way, struct skim_shape *shape,
		     struct dmesg_parser *p, struct span s)
{
	const char *stop;

	if (!s.len ||
	    ((!shape->dot || !is_dull_dmesg(shape, s.data)) && !learn(shape, s)))
		return 0;
	stop = way->dmesg(shape, s.data, s.data + s.len);
	return (size_t)(back_to_record(p, begin_of_line(s, stop), s) - s.data);
}

size_t skim_kmsg_by(const struct skim *way, struct span s)
{
	if (!s.len || !is_dull_kmsg(s.data))
		return 0;
	return (size_t)(way->kmsg(s.data, s.data + s.len) - s.data);
}

size_t skim_dmesg(struct skim_shape *shape, struct dmesg_parser *p, struct span s)
{
	return skim_dmesg_by(best(), shape, p, s);
}

size_t skim_kmsg(struct span s)
{
	return skim_kmsg_by(best(), s);
}
