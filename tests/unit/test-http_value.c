// SPDX-License-Identifier: Apache-2.0
/* Numbers, cookies and bearer tokens out of headers. */
#include "output/dashboard/http_value.h"

#include "expect.h"

static void test_u64(void **state)
{
	static const struct {
		const char *in;
		bool is_number;
		uint64_t want;
	} cases[] = {
		{ "0", true, 0 },
		{ "007", true, 7 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "99999999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1x", false, 0 },
		{ "%31", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t got = 0;

		expect_number(cases[i].in, "a number",
			      http_parse_u64(span_from(cases[i].in), &got),
			      cases[i].is_number);
		expect_number(cases[i].in, "value", (int64_t)got, (int64_t)cases[i].want);
	}
	assert_false(http_parse_u64((struct span){ 0 }, &(uint64_t){ 0 }));
}

static void test_cookie(void **state)
{
	static const struct {
		const char *in, *first, *second;
	} cases[] = {
		{ "s=1", "1", NULL },	  { "a=0; s=1; b=2", "1", NULL },
		{ "s=1; s=2", "1", "2" }, { "s=1;s=2", "1", "2" },
		{ "s=\"1\"", "1", NULL }, { "s=", "", NULL },
		{ "s=a=b", "a=b", NULL }, { " s = 1 ", "1", NULL },
		{ "s", NULL, NULL },	  { "xs=1; sx=2; S=3", NULL, NULL },
		{ "", NULL, NULL },	  { ";;;=;s=1;", "1", NULL },
		{ "s=\"", "\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct span rest = span_from(cases[i].in);
		struct span first = { 0 }, second = { 0 };

		if (http_next_cookie(&rest, SPAN("s"), &first))
			(void)http_next_cookie(&rest, SPAN("s"), &second);
		expect_text(cases[i].in, "first", first, cases[i].first);
		expect_text(cases[i].in, "second", second, cases[i].second);
	}
}

static void test_bearer(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "Bearer abc", "abc" },
		{ "bearer abc", "abc" },
		{ "Bearer   abc ", "abc" },
		{ "Bearer", NULL },
		{ "Bearer ", NULL },
		{ "Bearerabc", NULL },
		{ "Basic abc", NULL },
		{ "Bearer a b", NULL },
		{ "abc", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct span got = { 0 };

		(void)http_parse_bearer(span_from(cases[i].in), &got);
		expect_text(cases[i].in, "token", got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_bearer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
