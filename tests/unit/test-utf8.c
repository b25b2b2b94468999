// SPDX-License-Identifier: Apache-2.0
/* base/utf8: the boundaries of RFC 3629. */
#include "base/utf8.h"

#include "expect.h"

static void test_decode(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		size_t want_length;
		uint32_t want_code;
	} cases[] = {
		{ "NUL", BYTES("\0"), 1, 0 },
		{ "ASCII", BYTES("az"), 1, 'a' },
		{ "DEL", BYTES("\x7f"), 1, 0x7f },
		{ "first of two bytes", BYTES("\xc2\x80"), 2, 0x80 },
		{ "last of two bytes", BYTES("\xdf\xbf"), 2, 0x7ff },
		{ "first of three bytes", BYTES("\xe0\xa0\x80"), 3, 0x800 },
		{ "line separator", BYTES("\xe2\x80\xa8"), 3, 0x2028 },
		{ "last before the surrogates", BYTES("\xed\x9f\xbf"), 3, 0xd7ff },
		{ "first behind the surrogates", BYTES("\xee\x80\x80"), 3, 0xe000 },
		{ "noncharacter U+FFFF", BYTES("\xef\xbf\xbf"), 3, 0xffff },
		{ "first of four bytes", BYTES("\xf0\x90\x80\x80"), 4, 0x10000 },
		{ "last of all", BYTES("\xf4\x8f\xbf\xbf"), 4, 0x10ffff },
		{ "continuation byte alone", BYTES("\x80"), 0, 0 },
		{ "overlong slash", BYTES("\xc0\xaf"), 0, 0 },
		{ "overlong, two bytes", BYTES("\xc1\xbf"), 0, 0 },
		{ "overlong, three bytes", BYTES("\xe0\x9f\xbf"), 0, 0 },
		{ "overlong, four bytes", BYTES("\xf0\x8f\xbf\xbf"), 0, 0 },
		{ "first surrogate", BYTES("\xed\xa0\x80"), 0, 0 },
		{ "last surrogate", BYTES("\xed\xbf\xbf"), 0, 0 },
		{ "beyond the last", BYTES("\xf4\x90\x80\x80"), 0, 0 },
		{ "f5", BYTES("\xf5\x80\x80\x80"), 0, 0 },
		{ "ff", BYTES("\xff"), 0, 0 },
		{ "cut after one of two", BYTES("\xc3"), 0, 0 },
		{ "cut after two of three", BYTES("\xe2\x80"), 0, 0 },
		{ "cut after three of four", BYTES("\xf0\x9f\x98"), 0, 0 },
		{ "ASCII in the place of a continuation", BYTES("\xc3x"), 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t code = 0;
		size_t n = utf8_decode(cases[i].in, &code);

		expect_number(cases[i].name, "length", (int64_t)n,
			      (int64_t)cases[i].want_length);
		expect_number(cases[i].name, "code", code, cases[i].want_code);
	}
}

static void test_is_valid(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		bool want;
	} cases[] = {
		{ "empty", BYTES(""), true },
		{ "mixed", BYTES("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"), true },
		{ "bad byte in the middle", BYTES("a\xc3\xa9\xff z"), false },
		{ "cut at the end", BYTES("caf\xc3"), false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number(cases[i].name, "validity", utf8_is_valid(cases[i].in),
			      cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
