// SPDX-License-Identifier: Apache-2.0
/*
 * base/scan: whatever the processor has says the same as the plain form, and that the same
 * as a loop over bytes; at each alignment and length, at the very end of what may be read.
 */
#include "base/scan.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "expect.h"

#define LENGTH_MAX 200

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7f && c != '"' &&
	       c != '\\';
}

static size_t count_plain(struct span s)
{
	size_t n = 0;

	while (n < s.len && is_plain(s.data[n]))
		n++;
	return n;
}

/* As scan_copy_escaped(); Return: how many bytes of @s. */
static size_t copy_escaped(char **to, struct span s)
{
	size_t n = 0;

	for (; n < s.len; n++) {
		if (s.data[n] == '"' || s.data[n] == '\\')
			*(*to)++ = '\\';
		else if (!is_plain(s.data[n]))
			break;
		*(*to)++ = s.data[n];
	}
	return n;
}

static size_t count_ascii(struct span s)
{
	size_t n = 0;

	while (n < s.len && (unsigned char)s.data[n] < 0x80)
		n++;
	return n;
}

/* @n bytes that end where nothing may be read any more. */
static char *before_the_end(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(pages != MAP_FAILED && n <= page);
	assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
	return pages + page - n;
}

static bool is_simple(struct span s)
{
	return count_ascii(s) == s.len && !span_contains(s, SPAN("\\")) &&
	       !span_contains(s, SPAN("[P"));
}

static void expect_all_agree(const struct scan *way, struct span s)
{
	static const struct span whats[] = { SPAN("[PHOTON RING]"), SPAN("ab"),
					     SPAN("aa"), SPAN("[P]") };
	char copy[2 * LENGTH_MAX + 1], want[2 * LENGTH_MAX], *to = copy, *want_to = want;
	size_t n;

	memset(copy, '~', sizeof(copy));
	n = way->copy_escaped(&to, s.data, s.len);
	expect_number(way->name, "copied", (int64_t)n,
		      (int64_t)copy_escaped(&want_to, s));
	expect_span(way->name, "copy", (struct span){ copy, (size_t)(to - copy) },
		    (struct span){ want, (size_t)(want_to - want) });
	assert_int_equal(copy[2 * s.len], '~'); /* no room beyond */
	expect_number(way->name, "ASCII", (int64_t)way->ascii_length(s.data, s.len),
		      (int64_t)count_ascii(s));
	expect_number(way->name, "simple", way->is_simple(s.data, s.len, '[', 'P'),
		      is_simple(s));
	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++)
		assert_ptr_equal(
			way->find(s, whats[i]),
			s.len < whats[i].len
				? NULL
				: memmem(s.data, s.len, whats[i].data, whats[i].len));
}

/* It may say no to what is plain, but not to what nearly all short texts are. */
static void expect_short(struct span s)
{
	char copy[LENGTH_MAX + 1];
	bool is_all_plain = count_plain(s) == s.len, is_usual = is_all_plain;
	bool is = scan_copy_short(copy, s.data, s.len);

	for (size_t i = 0; i < s.len; i++)
		is_usual &= s.data[i] >= '0';
	if (s.len < 4 || s.len > 16)
		is_all_plain = is_usual = false;
	if (is ? !is_all_plain || memcmp(copy, s.data, s.len) : is_usual)
		fail_msg("scan_copy_short: '%.*s' is wrong", (int)s.len, s.data);
}

static void for_each_way(struct span s)
{
	size_t n_ways;
	const struct scan *const *ways = scan_ways(&n_ways);

	for (size_t i = 0; i < n_ways; i++)
		expect_all_agree(ways[i], s);
	expect_short(s);
}

/* Each byte at each place among plain ones. */
static void test_every_byte(void **state)
{
	char *end = before_the_end(0);

	(void)state;
	for (size_t n = 1; n < 70; n++)
		for (int c = 0; c < 256; c++) {
			memset(end - n, 'x', n);
			end[-(long)n + (long)((size_t)c * 7 % n)] = (char)c;
			for_each_way((struct span){ end - n, n });
		}
}

static void test_needles(void **state)
{
	static const char needle[] = "[PHOTON RING]";
	char *end = before_the_end(0);

	(void)state;
	for (size_t n = 13; n < 100; n++)
		for (size_t at = 0; at + 13 <= n; at++) {
			memset(end - n, '[', n);
			memcpy(end - n + at, needle, 13);
			for_each_way((struct span){ end - n, n });
			end[-(long)n + (long)at + 5] = 'X'; /* almost */
			for_each_way((struct span){ end - n, n });
		}
}

static void test_random(void **state)
{
	static const char alphabet[] = "aab[P]\\\"\n\x1f\x7f\x80\xff xyz";
	char *end = before_the_end(0);

	(void)state;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)random() % LENGTH_MAX, usual = (size_t)random() % 40;

		for (size_t i = 1; i <= n; i++)
			end[-(long)i] = (size_t)random() % 40 < usual
						? 'a'
						: alphabet[(size_t)random() %
							   (sizeof(alphabet) - 1)];
		for_each_way((struct span){ end - n, n });
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_needles),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
