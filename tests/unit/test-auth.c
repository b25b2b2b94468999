// SPDX-License-Identifier: Apache-2.0
/* The token's file, the bearer header, the cookie. */
#include "output/dashboard/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "expect.h"
#include "output/dashboard/dashboard.h"

/* In the library's place: what is secret is compared by this, which takes as long for each. */
static size_t n_compared;

int sodium_memcmp(const void *const a, const void *const b, size_t n)
{
	unsigned char differences = 0;

	n_compared++;
	for (size_t i = 0; i < n; i++)
		differences |= ((const unsigned char *)a)[i] ^
			       ((const unsigned char *)b)[i];
	return differences ? -1 : 0;
}

#define TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int file_with(const char *content)
{
	int fd = memfd_create("token", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	return fd;
}

static void test_token_is_made_once(void **state)
{
	char first[DASHBOARD_TOKEN_SIZE], again[DASHBOARD_TOKEN_SIZE],
		other[DASHBOARD_TOKEN_SIZE];
	_cleanup_close_ int fd = file_with("");
	_cleanup_close_ int other_fd = file_with("");
	struct stat st;

	(void)state;
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(dashboard_token_load(fd, first), 0);
	assert_int_equal(strspn(first, "0123456789abcdef"), 64);
	assert_int_equal(strlen(first), 64);
	assert_int_equal(dashboard_token_load(fd, again), 0);
	assert_string_equal(first, again);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(dashboard_token_load(other_fd, other), 0);
	assert_string_not_equal(first, other);
}

/* What a crash can leave of a token: nobody was given it, and another is made. */
static void test_token_after_a_crash(void **state)
{
	static const struct span cases[] = {
		BYTES(""),
		BYTES("0"),
		BYTES("0123456789abcdef0123456789abcdef"),
		BYTES("\0\0\0\0"),
		BYTES("0123456789abcdef\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = memfd_create("token", MFD_CLOEXEC);
		char got[DASHBOARD_TOKEN_SIZE] = "", again[DASHBOARD_TOKEN_SIZE];

		assert_true(fd >= 0 && write(fd, cases[i].data, cases[i].len) ==
					       (ssize_t)cases[i].len);
		assert_int_equal(fchmod(fd, 0600), 0);
		assert_int_equal(dashboard_token_load(fd, got), 0);
		assert_int_equal(strlen(got), DASHBOARD_TOKEN_SIZE - 1);
		assert_int_equal(dashboard_token_load(fd, again), 0);
		assert_string_equal(got, again);
	}
}

static void test_token_file(void **state)
{
	static const struct {
		const char *in;
		int want;
	} cases[] = {
		{ TOKEN, 0 },
		{ TOKEN "\n", 0 },
		{ TOKEN "\r\n", 0 },
		{ TOKEN "0", -EBADMSG },
		{ "00112233\n", -EBADMSG },
		{ "password\n", -EBADMSG },
		{ TOKEN "\n" TOKEN "\n", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = file_with(cases[i].in);
		char got[DASHBOARD_TOKEN_SIZE] = "";

		expect_number(cases[i].in, "result", dashboard_token_load(fd, got),
			      cases[i].want);
		expect_text(cases[i].in, "token", span_from(got),
			    cases[i].want ? "" : TOKEN);
	}
}

static void test_bearer(void **state)
{
	struct auth a;

	(void)state;
	assert_int_equal(auth_init(&a, TOKEN), 0);
	n_compared = 0;
	assert_true(auth_has_bearer(&a, SPAN("Bearer " TOKEN)));
	assert_false(auth_has_bearer(&a, SPAN("Bearer " OTHER)));
	assert_false(auth_has_bearer(&a, SPAN("Bearer " TOKEN "0")));
	assert_int_equal(n_compared, 3);
	assert_false(auth_has_bearer(&a, SPAN(TOKEN)));
	assert_false(auth_has_bearer(&a, (struct span){ 0 }));
	/* The cookie's value is no token. */
	assert_false(auth_has_bearer(&a, span_from(a.cookie_value)));
	auth_deinit(&a);
}

static void test_cookie(void **state)
{
	_cleanup_buffer_ struct buffer cookies = { 0 };
	struct auth a, again, other;

	(void)state;
	assert_int_equal(auth_init(&a, TOKEN), 0);
	assert_int_equal(auth_init(&again, TOKEN), 0);
	assert_int_equal(auth_init(&other, OTHER), 0);
	assert_string_equal(a.cookie_value, again.cookie_value);
	assert_string_not_equal(a.cookie_value, other.cookie_value);
	assert_string_not_equal(a.cookie_value, TOKEN);
	buffer_appendf(&cookies, "theme=dark; " AUTH_COOKIE "=old; " AUTH_COOKIE "=%s",
		       a.cookie_value);
	assert_true(auth_has_cookie(&a, buffer_span(&cookies)));
	assert_false(auth_has_cookie(&other, buffer_span(&cookies)));
	assert_false(auth_has_cookie(&a, SPAN(AUTH_COOKIE "=" TOKEN)));
	assert_false(auth_has_cookie(&a, SPAN(AUTH_COOKIE "=")));
	assert_false(auth_has_cookie(&a, (struct span){ 0 }));
}

static void test_off(void **state)
{
	struct auth a;

	(void)state;
	assert_int_equal(auth_init(&a, NULL), 0);
	assert_true(auth_has_bearer(&a, (struct span){ 0 }));
	assert_true(auth_has_cookie(&a, (struct span){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_is_made_once),
		cmocka_unit_test(test_token_after_a_crash),
		cmocka_unit_test(test_token_file),
		cmocka_unit_test(test_bearer),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
