// SPDX-License-Identifier: Apache-2.0
/* output/dashboard/rate: buckets empty and fill by the clock, for whom and how many. */
#include "output/dashboard/rate.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "expect.h"

#define SECOND ((uint64_t)1000000)
#define START  (1000 * SECOND)

/* Ten a second, five at once; of failures one a minute, two at once. */
static const struct rate_limit limits[RATE_KIND_COUNT] = {
	[RATE_STRANGER] = { SECOND / 10, 5 },
	[RATE_KNOWN] = { SECOND / 10, 5 },
	[RATE_FAILURE] = { 60 * SECOND, 2 },
};

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	};
};

static struct address parse(const char *text)
{
	struct address a = { 0 };

	if (inet_pton(AF_INET, text, &a.four.sin_addr) == 1)
		a.four.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a.six.sin6_addr) == 1)
		a.six.sin6_family = AF_INET6;
	else
		fail_msg("%s is no address", text);
	return a;
}

static uint64_t take(struct rates *r, const char *client, enum rate_kind kind,
		     uint64_t now_us)
{
	struct address a = parse(client);

	return rates_take(r, &a.any, kind, now_us);
}

static int set_up(void **state)
{
	return rates_create(limits, (struct rates **)state);
}

static int tear_down(void **state)
{
	rates_destroy(*state);
	return 0;
}

static void test_a_burst_and_then_one_by_one(void **state)
{
	struct rates *r = *state;

	for (int i = 0; i < 5; i++)
		assert_int_equal(take(r, "192.0.2.1", RATE_KNOWN, START), 0);
	assert_int_equal(take(r, "192.0.2.1", RATE_KNOWN, START), SECOND / 10);
	assert_int_equal(take(r, "192.0.2.1", RATE_KNOWN, START + 1), SECOND / 10 - 1);
	assert_int_equal(take(r, "192.0.2.1", RATE_KNOWN, START + SECOND / 10), 0);
	assert_int_equal(take(r, "192.0.2.1", RATE_KNOWN, START + SECOND / 10),
			 SECOND / 10);
	/* long after, it is full, and no fuller than that */
	for (int i = 0; i < 5; i++)
		assert_int_equal(take(r, "192.0.2.1", RATE_KNOWN, START + 99 * SECOND),
				 0);
	assert_int_equal(take(r, "192.0.2.1", RATE_KNOWN, START + 99 * SECOND),
			 SECOND / 10);
}

static void test_kinds_have_their_own(void **state)
{
	struct rates *r = *state;

	while (take(r, "192.0.2.1", RATE_STRANGER, START) == 0)
		;
	assert_int_equal(take(r, "192.0.2.1", RATE_KNOWN, START), 0);
	assert_int_equal(take(r, "192.0.2.1", RATE_FAILURE, START), 0);
	assert_int_equal(take(r, "192.0.2.1", RATE_FAILURE, START), 0);
	assert_int_equal(take(r, "192.0.2.1", RATE_FAILURE, START), 60 * SECOND);
	assert_int_equal(take(r, "192.0.2.1", RATE_FAILURE, START + 59 * SECOND), SECOND);
}

static void test_who_is_one_client(void **state)
{
	static const struct {
		const char *name, *one, *other;
		bool want;
	} cases[] = {
		{ "IPv4", "192.0.2.2", "192.0.2.3", false },
		{ "one /64", "2001:db8::1", "2001:db8::ffff:1:2:3", true },
		{ "two of them", "2001:db8:0:1::1", "2001:db8:0:2::1", false },
		{ "mapped", "198.51.100.7", "::ffff:198.51.100.7", true },
		{ "mapped, another", "198.51.100.8", "::ffff:198.51.100.9", false },
		{ "loopback", "127.0.0.1", "127.9.8.7", true },
		{ "IPv4 is no IPv6", "32.1.13.184", "2001:db8::", false },
	};
	uint64_t now_us = START;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++, now_us += 100 * SECOND) {
		while (take(*state, cases[i].one, RATE_STRANGER, now_us) == 0)
			;
		expect_number(cases[i].name, "one client",
			      take(*state, cases[i].other, RATE_STRANGER, now_us) != 0,
			      cases[i].want);
	}
	while (rates_take(*state, NULL, RATE_STRANGER, now_us) == 0)
		;
	assert_int_equal(take(*state, "0.0.0.0", RATE_STRANGER, now_us), 0);
}

/* A client that waits for its bucket is not forgotten for those who come and go. */
static void test_many_clients(void **state)
{
	struct rates *r = *state;
	struct address a = parse("10.0.0.0");
	int n_forgotten = 0;

	while (take(r, "192.0.2.1", RATE_FAILURE, START) == 0)
		;
	for (uint32_t i = 0; i < 100000; i++) {
		a.four.sin_addr.s_addr = htonl(0x0a000000 + i);
		n_forgotten += rates_take(r, &a.any, RATE_STRANGER, START + i) != 0;
	}
	assert_int_equal(n_forgotten, 0); /* a slot's old counts are not the next one's */
	assert_true(take(r, "192.0.2.1", RATE_FAILURE, START + 100000) != 0);
}

static void test_no_limit(void **state)
{
	static const struct rate_limit none[RATE_KIND_COUNT];
	struct rates *r;

	(void)state;
	assert_int_equal(rates_create(none, &r), 0);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(take(r, "192.0.2.1", RATE_STRANGER, START), 0);
	rates_destroy(r);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_a_burst_and_then_one_by_one),
		test(test_kinds_have_their_own),
		test(test_who_is_one_client),
		test(test_many_clients),
		test(test_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
