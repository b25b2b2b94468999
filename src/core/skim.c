// SPDX-License-Identifier: Apache-2.0
/*
 * See skim.h. One pass marks the bytes that matter, 64 at a time: newlines, backslashes,
 * and where the tag may begin, by two of its bytes that stand 11 apart. At each newline the
 * line that begins there is held against what a line to be passed over looks like.
 */
#include "core/skim.h"

#include <stdint.h>

#include "base/text.h"
#include "core/dmesg.h"
#include "core/kmsg.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define WINDOW	  64
#define TAG	  "[PHOTON RING]"
#define TAG_LEN	  (sizeof(TAG) - 1)
#define P_AT	  1
#define CLOSE_AT  12
#define WIDTH_MIN 5 /* of the seconds in a stamp: dmesg pads to that */

/* Digits, or spaces before them. */
static inline bool are_digits(const char *at, size_t n)
{
	bool are = true;

	for (size_t i = 0; i < n; i++)
		are &= is_digit(at[i]) || at[i] == ' ';
	return are;
}

/*
 * A line that has this shape and is no record all the same continues the one before, which
 * is dull; a stamp of any other kind does not have it.
 */
static inline bool is_dull_dmesg_plain(const struct skim_shape *shape, const char *line)
{
	const char *dot = line + shape->dot;

	return line[shape->bracket] == '[' && dot[0] == '.' && dot[7] == ']' &&
	       dot[8] == ' ' && are_digits(dot + 1, 6) &&
	       are_digits(line + shape->bracket + 1, shape->dot - shape->bracket - 1);
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
static inline bool is_dull_kmsg(const struct skim_shape *shape, const char *line)
{
	(void)shape;
	return take_field(&line, 9) && take_field(&line, 19) && take_field(&line, 19) &&
	       line[0] != ';' && line[0] != '\n' && line[1] == ';';
}

/*
 * @begin: of a line that is dull
 *
 * Return: the begin of the last line before @end of which this is known, all before it
 * having nothing that matters. Of raw records, those that are too long are left, too.
 */
#define DEFINE_SKIM(name, attribute, mask_of, is_dull, is_more, length_max)     \
	attribute static const char *name(const struct skim_shape *shape,       \
					  const char *begin, const char *end)   \
	{                                                                       \
		const char *line = begin;                                       \
                                                                                \
		for (const char *at = begin; at < end; at += WINDOW) {          \
			uint64_t mask = mask_of(at);                            \
                                                                                \
			if (end - at < WINDOW)                                  \
				mask &= ((uint64_t)1 << (end - at)) - 1;        \
			for (; mask; mask &= mask - 1) {                        \
				const char *found = at + __builtin_ctzll(mask); \
                                                                                \
				if (*found != '\n' && *found != '\\' &&         \
				    memcmp(found, TAG, TAG_LEN))                \
					continue; /* a pair that is no tag */   \
				if (*found != '\n' || found + 1 >= end ||       \
				    found - line > (length_max))                \
					return line;                            \
				if (is_more(found[1]))                          \
					continue;                               \
				if (!is_dull(shape, found + 1))                 \
					return line;                            \
				line = found + 1;                               \
			}                                                       \
		}                                                               \
		return line;                                                    \
	}

#define DEFINE_BOTH(way, dmesg, attribute)                                               \
	DEFINE_SKIM(dmesg_##way, attribute, mask_##way, is_dull_dmesg_##dmesg, IS_NEVER, \
		    PTRDIFF_MAX - 1)                                                     \
	DEFINE_SKIM(kmsg_##way, attribute, mask_##way, is_dull_kmsg, IS_DICTIONARY,      \
		    KMSG_RECORD_MAX)                                                     \
	static const struct skim way##_skim = { #way, dmesg_##way, kmsg_##way }

#define IS_NEVER(c)	 false
#define IS_DICTIONARY(c) ((c) == ' ')

/* ---- masks: a bit for each of 64 bytes that matters ---- */

static inline bool matters(const char *at)
{
	return *at == '\n' || *at == '\\' || (at[P_AT] == 'P' && at[CLOSE_AT] == ']');
}

static inline uint64_t mask_plain(const char *at)
{
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i++)
		mask |= (uint64_t)matters(at + i) << i;
	return mask;
}

#define NO_ATTRIBUTE
DEFINE_BOTH(plain, plain, NO_ATTRIBUTE);

#if defined(__x86_64__)

/* The same with "12345.123456] " in one vector, and more digits of seconds before it. */
static inline bool is_dull_dmesg_sse2(const struct skim_shape *shape, const char *line)
{
	const char *dot = line + shape->dot;
	__m128i x = _mm_loadu_si128((const void *)(dot - WIDTH_MIN));
	__m128i value = _mm_sub_epi8(x, _mm_set1_epi8('0'));
	__m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value);
	__m128i either = _mm_or_si128(digit, _mm_cmpeq_epi8(x, _mm_set1_epi8(' ')));
	int mask = _mm_movemask_epi8(either);

	return line[shape->bracket] == '[' && (mask & 0xfdf) == 0xfdf && dot[0] == '.' &&
	       dot[7] == ']' && dot[8] == ' ' &&
	       are_digits(line + shape->bracket + 1,
			  shape->dot - shape->bracket - 1 - WIDTH_MIN);
}

static inline uint64_t mask_sse2(const char *at)
{
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i += 16) {
		__m128i x = _mm_loadu_si128((const void *)(at + i));
		__m128i p = _mm_loadu_si128((const void *)(at + i + P_AT));
		__m128i close = _mm_loadu_si128((const void *)(at + i + CLOSE_AT));
		__m128i tag = _mm_and_si128(_mm_cmpeq_epi8(p, _mm_set1_epi8('P')),
					    _mm_cmpeq_epi8(close, _mm_set1_epi8(']')));
		__m128i other = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\n')),
					     _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));

		mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(tag, other))
			<< i;
	}
	return mask;
}

__attribute__((target("avx2"))) static inline uint64_t mask_avx2(const char *at)
{
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i += 32) {
		__m256i x = _mm256_loadu_si256((const void *)(at + i));
		__m256i p = _mm256_loadu_si256((const void *)(at + i + P_AT));
		__m256i close = _mm256_loadu_si256((const void *)(at + i + CLOSE_AT));
		__m256i tag = _mm256_and_si256(
			_mm256_cmpeq_epi8(p, _mm256_set1_epi8('P')),
			_mm256_cmpeq_epi8(close, _mm256_set1_epi8(']')));
		__m256i other = _mm256_or_si256(
			_mm256_cmpeq_epi8(x, _mm256_set1_epi8('\n')),
			_mm256_cmpeq_epi8(x, _mm256_set1_epi8('\\')));

		mask |= (uint64_t)(uint32_t)_mm256_movemask_epi8(
				_mm256_or_si256(tag, other))
			<< i;
	}
	return mask;
}

DEFINE_BOTH(sse2, sse2, NO_ATTRIBUTE);
DEFINE_BOTH(avx2, sse2, __attribute__((target("avx2"))));

static const struct skim *const ways[] = { &plain_skim, &sse2_skim, &avx2_skim };

const struct skim *const *skim_ways(size_t *ret_n)
{
	*ret_n = __builtin_cpu_supports("avx2") ? 3 : 2;
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

/* What looks like a record and is none continues the one before. */
static const char *back_to_record(struct dmesg_parser *p, const char *at, struct span s)
{
	while (at > s.data) {
		struct span line = line_at(at, s);
		struct dmesg_prefix prefix;
		const char *newline;

		if (dmesg_usual_prefix(line, &prefix)) {
			hand_over(p, line, s, &prefix);
			break;
		}
		newline = memrchr(s.data, '\n', (size_t)(at - s.data) - 1);
		at = newline ? newline + 1 : s.data;
	}
	return at;
}

static bool learn(struct skim_shape *shape, struct span s)
{
	struct dmesg_prefix prefix;

	if (!s.len || !dmesg_usual_prefix(line_at(s.data, s), &prefix))
		return false;
	shape->bracket = prefix.names_len;
	shape->dot = prefix.len - strlen(".123456] ");
	return shape->dot - shape->bracket > WIDTH_MIN;
}

size_t skim_dmesg_by(const struct skim *way, struct skim_shape *shape,
		     struct dmesg_parser *p, struct span s)
{
	const char *stop;

	if ((!shape->dot || !is_dull_dmesg_plain(shape, s.data)) && !learn(shape, s))
		return 0;
	stop = way->dmesg(shape, s.data, s.data + s.len);
	return (size_t)(back_to_record(p, stop, s) - s.data);
}

size_t skim_kmsg_by(const struct skim *way, struct span s)
{
	if (!s.len || !is_dull_kmsg(NULL, s.data))
		return 0;
	return (size_t)(way->kmsg(NULL, s.data, s.data + s.len) - s.data);
}

size_t skim_dmesg(struct skim_shape *shape, struct dmesg_parser *p, struct span s)
{
	return skim_dmesg_by(best(), shape, p, s);
}

size_t skim_kmsg(struct span s)
{
	return skim_kmsg_by(best(), s);
}
