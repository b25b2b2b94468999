// SPDX-License-Identifier: Apache-2.0
/* base/buffer: growth up to the limit, errors that stick, and numbers as text. */
#include "base/buffer.h"

#include <errno.h>

#include "expect.h"

static void test_numbers(void **state)
{
	static const struct {
		const char *name;
		int64_t in;
		const char *want;
	} cases[] = {
		{ "zero", 0, "0" },
		{ "one digit", 7, "7" },
		{ "negative", -42, "-42" },
		{ "largest", INT64_MAX, "9223372036854775807" },
		{ "smallest", INT64_MIN, "-9223372036854775808" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer b = { 0 };

		buffer_append_i64(&b, cases[i].in);
		expect_text(cases[i].name, "text", buffer_span(&b), cases[i].want);
	}
}

static void test_u64_max(void **state)
{
	_cleanup_buffer_ struct buffer b = { 0 };

	(void)state;
	buffer_append_u64(&b, UINT64_MAX);
	expect_text("u64", "text", buffer_span(&b), "18446744073709551615");
}

static void test_grows(void **state)
{
	_cleanup_buffer_ struct buffer b = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		buffer_appendf(&b, "%04d,", i);
	assert_int_equal(buffer_error(&b), 0);
	assert_int_equal(b.len, 50000);
	assert_memory_equal(b.data + 49995, "9999,", 5);
	assert_int_equal(strlen(buffer_cstring(&b)), 50000);
}

static void test_limit_sticks(void **state)
{
	_cleanup_buffer_ struct buffer b = { .limit = 300 };
	char block[300] = { 0 };

	(void)state;
	buffer_append(&b, block, sizeof(block));
	assert_int_equal(buffer_error(&b), 0);
	buffer_append_char(&b, 'x');
	assert_int_equal(buffer_error(&b), -EMSGSIZE);
	assert_int_equal(b.len, 300);
	b.len = 0;
	buffer_append_char(&b, 'x');
	assert_int_equal(b.len, 0); /* still refused: the error sticks ... */
	assert_null(buffer_cstring(&b));
	buffer_clear(&b);
	buffer_append_char(&b, 'x'); /* ... until it is cleared */
	assert_int_equal(b.len, 1);
	assert_true(b.capacity <= 300);
}

static void test_absurd_size(void **state)
{
	_cleanup_buffer_ struct buffer b = { 0 };

	(void)state;
	buffer_append_char(&b, 'x');
	assert_null(buffer_reserve(&b, SIZE_MAX));
	assert_int_equal(buffer_error(&b), -EMSGSIZE);
}

static void test_used_again_after_deinit(void **state)
{
	struct buffer b = { .limit = 1000 };

	(void)state;
	buffer_append_literal(&b, "first");
	buffer_deinit(&b);
	assert_null(b.data);
	assert_int_equal(b.limit, 1000);
	buffer_append_literal(&b, "second");
	expect_text("again", "text", buffer_span(&b), "second");
	buffer_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_u64_max),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_limit_sticks),
		cmocka_unit_test(test_absurd_size),
		cmocka_unit_test(test_used_again_after_deinit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
