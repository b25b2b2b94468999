// SPDX-License-Identifier: Apache-2.0
/* Which Host and Origin headers are ours. */
#include "output/dashboard/http_host.h"

#include "expect.h"

static const char *const own_names[] = { "lksm.example", "192.0.2.7", "[2001:db8::7]",
					 NULL };

static void test_host(void **state)
{
	static const struct {
		struct span host;
		bool want;
	} cases[] = {
		{ BYTES("localhost"), true },
		{ BYTES("LocalHost:8787"), true },
		{ BYTES("localhost:9000"), true },
		{ BYTES("127.0.0.1"), true },
		{ BYTES("127.0.0.1:8787"), true },
		{ BYTES("127.255.1.2:1"), true },
		{ BYTES("[::1]"), true },
		{ BYTES("[::1]:8787"), true },
		{ BYTES("[0:0:0:0:0:0:0:1]:8787"), true },
		{ BYTES("lksm.example"), true },
		{ BYTES("LKSM.example:443"), true },
		{ BYTES("192.0.2.7:8787"), true },
		{ BYTES("[2001:db8:0::7]:8787"), true },
		{ BYTES(""), false },
		{ BYTES("evil.example"), false },
		{ BYTES("evil.example:8787"), false },
		{ BYTES("localhost.evil.example"), false },
		{ BYTES("127.0.0.1.evil.example"), false },
		{ BYTES("evil.example.localhost"), false },
		{ BYTES("xlocalhost"), false },
		{ BYTES("localhostx"), false },
		{ BYTES("localhost."), false },
		{ BYTES("localhost@evil.example"), false },
		{ BYTES("evil.example@localhost"), false },
		{ BYTES("localhost:evil"), false },
		{ BYTES("localhost:"), false },
		{ BYTES("localhost:99999"), false },
		{ BYTES("localhost:123456"), false },
		{ BYTES("localhost:8787:8787"), false },
		{ BYTES(" localhost"), false },
		{ BYTES("localhost "), false },
		{ BYTES("localhost\t"), false },
		{ BYTES("localhost/"), false },
		{ BYTES("localhost,evil.example"), false },
		{ BYTES("localhost\0evil"), false },
		{ BYTES("localhost\0"), false },
		{ BYTES("http://localhost"), false },
		{ BYTES("0.0.0.0"), false },
		{ BYTES("[::]"), false },
		{ BYTES("0"), false },
		{ BYTES("127.1"), false },
		{ BYTES("0x7f.0.0.1"), false },
		{ BYTES("2130706433"), false },
		{ BYTES("128.0.0.1"), false },
		{ BYTES("127.0.0.1.1"), false },
		{ BYTES("127.0.0.256"), false },
		{ BYTES("::1"), false },
		{ BYTES("[::1"), false },
		{ BYTES("[]"), false },
		{ BYTES("[::1]x"), false },
		{ BYTES("[::1%25lo]"), false },
		{ BYTES("[::2]"), false },
		{ BYTES("[127.0.0.1]"), false },
		{ BYTES("[localhost]"), false },
		{ BYTES("2001:db8::7"), false },
		{ BYTES("localh\xc3\xb6st"), false },
		{ BYTES("sub.lksm.example"), false },
		{ BYTES("192.0.2.8"), false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number(cases[i].host.data, "ours",
			      http_host_is_ours(cases[i].host, own_names), cases[i].want);
	assert_false(http_host_is_ours(SPAN("lksm.example"), NULL));
	assert_false(http_host_is_ours((struct span){ 0 }, own_names));
}

static void test_origin(void **state)
{
	static const struct {
		struct span origin, host;
		bool want;
	} cases[] = {
		{ BYTES("http://localhost:8787"), BYTES("localhost:8787"), true },
		{ BYTES("http://LOCALHOST:8787"), BYTES("localhost:8787"), true },
		{ BYTES("https://localhost"), BYTES("localhost"), true },
		{ BYTES("http://[::1]:8787"), BYTES("[::1]:8787"), true },
		{ BYTES("http://localhost:9000"), BYTES("localhost:9000"), true },
		{ BYTES("https://lksm.example"), BYTES("127.0.0.1:8787"), true },
		{ BYTES("http://localhost:3000"), BYTES("localhost:8787"), false },
		{ BYTES("http://localhost"), BYTES("localhost:8787"), false },
		{ BYTES("http://127.0.0.1:8787"), BYTES("localhost:8787"), false },
		{ BYTES("http://evil.example"), BYTES("localhost:8787"), false },
		{ BYTES("http://localhost:8787.evil.example"), BYTES("localhost:8787"),
		  false },
		{ BYTES("http://localhost:8787@evil.example"), BYTES("localhost:8787"),
		  false },
		{ BYTES("http://lksm.example.evil.example"), BYTES("localhost:8787"),
		  false },
		{ BYTES("null"), BYTES("localhost:8787"), false },
		{ BYTES(""), BYTES("localhost:8787"), false },
		{ BYTES("http://"), BYTES(""), false },
		{ BYTES("localhost:8787"), BYTES("localhost:8787"), false },
		{ BYTES("file://localhost:8787"), BYTES("localhost:8787"), false },
		{ BYTES("http:localhost:8787"), BYTES("localhost:8787"), false },
		{ BYTES("http://localhost:8787/"), BYTES("localhost:8787"), false },
		{ BYTES("http://localhost:8787 http://evil.example"),
		  BYTES("localhost:8787"), false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number(cases[i].origin.data, "ours",
			      http_origin_is_ours(cases[i].origin, cases[i].host,
						  own_names, false),
			      cases[i].want);
}

/* A page that came by plain http may be anybody's who is on the way. */
static void test_origin_with_tls(void **state)
{
	(void)state;
	assert_true(http_origin_is_ours(SPAN("https://localhost:8787"),
					SPAN("localhost:8787"), own_names, true));
	assert_true(http_origin_is_ours(SPAN("https://lksm.example"), SPAN("127.0.0.1"),
					own_names, true));
	assert_false(http_origin_is_ours(SPAN("http://localhost:8787"),
					 SPAN("localhost:8787"), own_names, true));
	assert_false(http_origin_is_ours(SPAN("http://lksm.example"), SPAN("127.0.0.1"),
					 own_names, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_origin),
		cmocka_unit_test(test_origin_with_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
