// SPDX-License-Identifier: Apache-2.0
/* core/logfmt: what is logfmt, what is only text, and values as bytes and numbers. */
#include "core/logfmt.h"

#include <errno.h>

#include "expect.h"

/* The pairs of a line as "key|value;", quoted values as "key|'value';" */
static void dump(const struct logfmt_line *line, struct buffer *out)
{
	for (size_t i = 0; i < line->n; i++) {
		const struct logfmt_pair *pair = &line->pairs[i];

		buffer_append_span(out, pair->key);
		buffer_append_span(out, pair->is_quoted ? SPAN("|'") : SPAN("|"));
		logfmt_unquote(out, pair);
		buffer_append_span(out, pair->is_quoted ? SPAN("';") : SPAN(";"));
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *name;
		struct span in, want;
	} cases[] = {
		{ "one", BYTES("type=x"), BYTES("type|x;") },
		{ "as the sensor writes it",
		  BYTES("type=symbol_hunt severity=medium symbol=no_such error=-2 "
			"comm=\"a b\""),
		  BYTES("type|symbol_hunt;severity|medium;symbol|no_such;error|-2;"
			"comm|'a b';") },
		{ "escapes of the sensor", BYTES("comm=\"a\\x22\\x5c\\x0a\\xff\""),
		  BYTES("comm|'a\"\\\n\xff';") },
		{ "escapes of others", BYTES("a=\"\\\"\\\\\\n\\t\\r\""),
		  BYTES("a|'\"\\\n\t\r';") },
		{ "a decoded NUL", BYTES("a=\"\\x00\""), BYTES("a|'\0';") },
		{ "escapes in a bare value stay", BYTES("a=C:\\x41"),
		  BYTES("a|C:\\x41;") },
		{ "equals and spaces in quotes", BYTES("a=\"b=c d\" e=f"),
		  BYTES("a|'b=c d';e|f;") },
		{ "empty values", BYTES("a= b=\"\" c="), BYTES("a|;b|'';c|;") },
		{ "several spaces", BYTES("a=1   b=2"), BYTES("a|1;b|2;") },
		{ "key with digits and underscores", BYTES("_a1_=2"), BYTES("_a1_|2;") },
		{ "beyond ASCII", BYTES("a=\xc3\xa9 b=\"\xff\""),
		  BYTES("a|\xc3\xa9;b|'\xff';") },
		{ "an apostrophe is no quote", BYTES("a='b'"), BYTES("a|'b';") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer out = { 0 };
		struct logfmt_line line;

		expect_number(cases[i].name, "result", logfmt_parse(cases[i].in, &line),
			      0);
		dump(&line, &out);
		expect_span(cases[i].name, "pairs", buffer_span(&out), cases[i].want);
	}
}

static void test_refuses(void **state)
{
	static const struct {
		const char *name;
		struct span in;
	} cases[] = {
		{ "nothing", BYTES("") },
		{ "a word", BYTES("type") },
		{ "a sentence", BYTES("Module loaded: x by uid=0") },
		{ "no key", BYTES("=x") },
		{ "space before", BYTES(" a=1") },
		{ "space behind", BYTES("a=1 ") },
		{ "a word behind", BYTES("a=1 b") },
		{ "capital key", BYTES("Type=x") },
		{ "key that begins with a digit", BYTES("1a=x") },
		{ "key with a dash", BYTES("a-b=x") },
		{ "key of 64 bytes",
		  BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaaa=x") },
		{ "key twice", BYTES("a=1 b=2 a=3") },
		{ "open quote", BYTES("a=\"b") },
		{ "quote that only seems to end", BYTES("a=\"b\\\"") },
		{ "text behind the quote", BYTES("a=\"b\"c") },
		{ "quote inside", BYTES("a=b\"c\"") },
		{ "equals in a bare value", BYTES("a=b=c") },
		{ "unknown escape", BYTES("a=\"\\q\"") },
		{ "broken escape", BYTES("a=\"\\x1\"") },
		{ "tab between", BYTES("a=1\tb=2") },
		{ "newline behind", BYTES("a=1\n") },
		{ "control byte in quotes", BYTES("a=\"\x1b\"") },
		{ "DEL in quotes", BYTES("a=\"\x7f\"") },
		{ "NUL", BYTES("a=\0") },
	};
	struct logfmt_line line;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number(cases[i].name, "result", logfmt_parse(cases[i].in, &line),
			      -EBADMSG);
}

static void test_limits(void **state)
{
	_cleanup_buffer_ struct buffer b = { 0 };
	struct logfmt_line line;

	(void)state;
	assert_int_equal(
		logfmt_parse(SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				  "aaaaaaaaaaaa=x"),
			     &line),
		0);
	for (int i = 0; i < LOGFMT_PAIRS_MAX; i++)
		buffer_appendf(&b, "%sk%d=%d", i ? " " : "", i, i);
	assert_int_equal(logfmt_parse(buffer_span(&b), &line), 0);
	assert_int_equal(line.n, LOGFMT_PAIRS_MAX);
	buffer_append_literal(&b, " one_more=1");
	assert_int_equal(logfmt_parse(buffer_span(&b), &line), -E2BIG);
}

static void test_integer(void **state)
{
	static const struct {
		const char *name, *in;
		int result;
		int64_t want;
	} cases[] = {
		{ "zero", "a=0", 0, 0 },
		{ "positive", "a=42", 0, 42 },
		{ "negative", "a=-2", 0, -2 },
		{ "largest", "a=9223372036854775807", 0, INT64_MAX },
		{ "smallest", "a=-9223372036854775808", 0, INT64_MIN },
		{ "too large", "a=9223372036854775808", -EINVAL, 0 },
		{ "too small", "a=-9223372036854775809", -EINVAL, 0 },
		{ "far too large", "a=99999999999999999999", -EINVAL, 0 },
		{ "quoted", "a=\"42\"", -EINVAL, 0 },
		{ "leading zero", "a=007", -EINVAL, 0 },
		{ "negative zero", "a=-0", -EINVAL, 0 },
		{ "plus sign", "a=+1", -EINVAL, 0 },
		{ "minus alone", "a=-", -EINVAL, 0 },
		{ "empty", "a=", -EINVAL, 0 },
		{ "hexadecimal", "a=0x10", -EINVAL, 0 },
		{ "fraction", "a=1.5", -EINVAL, 0 },
		{ "letter behind", "a=1a", -EINVAL, 0 },
		{ "byte before '0'", "a=1/", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct logfmt_line line;
		int64_t got = 0;

		assert_int_equal(logfmt_parse(span_from(cases[i].in), &line), 0);
		expect_number(cases[i].name, "result",
			      logfmt_integer(&line.pairs[0], &got), cases[i].result);
		expect_number(cases[i].name, "value", got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_integer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
