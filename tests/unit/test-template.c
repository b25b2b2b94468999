// SPDX-License-Identifier: Apache-2.0
/* core/template: patterns, what they take from lines, and that hostile lines stay cheap.
 */
#include "core/template.h"

#include "expect.h"

static struct template_part parts[TEMPLATE_PARTS_MAX];
static struct template_memo memo;

static int parse(const char *pattern, struct template *t, struct template_error *error)
{
	static char copy[512];

	assert_true(strlen(pattern) < sizeof(copy));
	memcpy(copy, pattern, strlen(pattern));
	return template_parse(copy, strlen(pattern), parts, t, error);
}

/* name=text; and name=#number; in the order of the pattern */
static void dump(const struct template *t, const struct captured *values,
		 struct buffer *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct captured *value;

		if (t->parts[i].kind == TEMPLATE_LITERAL || t->parts[i].capture < 0)
			continue;
		value = &values[t->parts[i].capture];
		buffer_append_span(out, t->parts[i].text);
		buffer_append_span(out, value->is_int ? SPAN("=#") : SPAN("="));
		if (value->is_int)
			buffer_append_i64(out, value->integer);
		else
			buffer_append_span(out, value->text);
		buffer_append_char(out, ';');
	}
}

static void test_match(void **state)
{
	static const struct {
		const char *name, *pattern;
		bool is_prefix;
		struct span line;
		const char *want; /* NULL: no match */
	} cases[] = {
		{ "literal", "abc", false, BYTES("abc"), "" },
		{ "literal, more", "abc", false, BYTES("abcd"), NULL },
		{ "literal, more, prefix", "abc", true, BYTES("abcd"), "" },
		{ "literal, less", "abc", false, BYTES("ab"), NULL },
		{ "white space at the end", "abc", false, BYTES("abc \t\r\n"), "" },
		{ "white space at the front", "abc", false, BYTES(" abc"), NULL },
		{ "word", "a {x} b", false, BYTES("a one b"), "x=one;" },
		{ "word is not empty", "a {x} b", false, BYTES("a  b"), NULL },
		{ "word is one", "a {x} b", false, BYTES("a one two b"), NULL },
		{ "word with anything but white space", "a {x}", false,
		  BYTES("a \xff+0x10,'\""), "x=\xff+0x10,'\";" },
		{ "word ends at a control byte", "{x} b", false, BYTES("a\x01 b"), NULL },
		{ "word at the end, more", "a {x}", false, BYTES("a b c"), NULL },
		{ "word at the end, prefix", "a {x}", true, BYTES("a b c"), "x=b;" },
		{ "word, literal inside", "{dev}: up", false, BYTES("eth0: up"),
		  "dev=eth0;" },
		{ "word, later place of the literal", "{a}.ko", false, BYTES("x.ko.ko"),
		  "a=x.ko;" },
		{ "two words in one", "{a}:{b} up", false, BYTES("0:1:2 up"),
		  "a=0;b=1:2;" },
		{ "int", "by uid {uid:int}", false, BYTES("by uid 1000"), "uid=#1000;" },
		{ "int, zero", "{x:int}", false, BYTES("0"), "x=#0;" },
		{ "int, negative", "{x:int}", false, BYTES("-17"), "x=#-17;" },
		{ "int, leading zero", "{x:int}", false, BYTES("007"), NULL },
		{ "int, minus zero", "{x:int}", false, BYTES("-0"), NULL },
		{ "int, minus only", "{x:int}", false, BYTES("-"), NULL },
		{ "int, smallest", "{x:int}", false, BYTES("-9223372036854775808"),
		  "x=#-9223372036854775808;" },
		{ "int, largest", "{x:int}", false, BYTES("9223372036854775807"),
		  "x=#9223372036854775807;" },
		{ "int, too large", "{x:int}", false, BYTES("9223372036854775808"),
		  NULL },
		{ "int, too long", "{x:int}", false, BYTES("18446744073709551616000"),
		  NULL },
		{ "int, unit", "{x:int}kB", false, BYTES("12kB"), "x=#12;" },
		{ "int, word behind", "{x:int}", false, BYTES("12kB"), NULL },
		{ "int, plus", "{x:int}", false, BYTES("+1"), NULL },
		{ "text", "a {x:text} b", false, BYTES("a one two b"), "x=one two;" },
		{ "text is not empty", "a{x:text}b", false, BYTES("ab"), NULL },
		{ "text, shortest", "{x:text}, {y:text}", false, BYTES("1, 2, 3"),
		  "x=1;y=2, 3;" },
		{ "text goes on where the rest needs it", "{x:text} by uid {uid:int}",
		  false, BYTES("m by uid x by uid 3"), "x=m by uid x;uid=#3;" },
		{ "text at the end", "a {x:text}", false, BYTES("a b c"), "x=b c;" },
		{ "rest", "a {x:rest}", false, BYTES("a b c"), "x=b c;" },
		{ "rest is perhaps empty", "a:{x:rest}", false, BYTES("a:"), "x=;" },
		{ "unnamed", "{_:text} up {_}", false, BYTES("a b up now"), "" },
		{ "braces", "{{{x}}}", false, BYTES("{a}"), "x=a;" },
		{ "empty line", "{x}", false, BYTES(""), NULL },
		{ "empty line, rest", "{x:rest}", false, BYTES(""), "x=;" },
		{ "of the sensor", "Module loaded: {module} by uid {uid:int}", false,
		  BYTES("Module loaded: nf_tables by uid 0"),
		  "module=nf_tables;uid=#0;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer out = { 0 };
		struct captured values[TEMPLATE_PARTS_MAX];
		struct template_error error;
		struct template t;
		bool is_match;

		expect_number(cases[i].name, "parse", parse(cases[i].pattern, &t, &error),
			      0);
		t.is_prefix = cases[i].is_prefix;
		is_match = template_match(&t, cases[i].line, &memo, values);
		expect_number(cases[i].name, "match", is_match, cases[i].want != NULL);
		if (!is_match)
			continue;
		dump(&t, values, &out);
		expect_span(cases[i].name, "values", buffer_span(&out),
			    span_from(cases[i].want));
	}
}

static void test_refuses(void **state)
{
	static const struct {
		const char *pattern;
		size_t offset;
		const char *reason;
	} cases[] = {
		{ "", 0, "an empty pattern" },
		{ "a {x", 2, "'{' without '}' (a brace itself is written '{{')" },
		{ "a x}", 3, "'}' without '{' (a brace itself is written '}}')" },
		{ "a {}", 3, "a placeholder's name is snake_case, 1 to 63 bytes" },
		{ "a {X}", 3, "a placeholder's name is snake_case, 1 to 63 bytes" },
		{ "a {x:hex}", 5, "a placeholder is word, int, text or rest" },
		{ "a {text}", 3, "this name stands for the whole line" },
		{ "{x} {x}", 5, "this name is used twice" },
		{ "a {x}{y}", 5, "two placeholders need some text between them" },
		{ "a {x:rest} b", 3, "a placeholder of kind rest must stand at the end" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct template_error error = { 0 };
		struct template t;

		if (parse(cases[i].pattern, &t, &error) == 0)
			fail_msg("%s: taken", cases[i].pattern);
		expect_text(cases[i].pattern, "reason", span_from(error.reason),
			    cases[i].reason);
		expect_number(cases[i].pattern, "offset", (int64_t)error.offset,
			      (int64_t)cases[i].offset);
	}
}

static void test_too_many(void **state)
{
	struct template_error error = { 0 };
	char pattern[TEMPLATE_PARTS_MAX * 4 + 8] = "";
	struct template t;

	(void)state;
	for (int i = 0; i < TEMPLATE_PARTS_MAX / 2; i++)
		memcpy(pattern + strlen(pattern), "{_} ", 5);
	assert_int_equal(parse(pattern, &t, &error), 0);
	memcpy(pattern + strlen(pattern), "{_}", 4);
	assert_true(parse(pattern, &t, &error) < 0);
	assert_string_equal(error.reason, "too many placeholders");
}

/* Tried one by one, the ways to cut these lines outnumber the atoms: it must not be
 * tried. */
static void test_hostile(void **state)
{
	static const char *const patterns[] = {
		("{_:text} {_:text} {_:text} {_:text} {_:text} {_:text} {_:text} "
		 "{_:text}x"),
		"{_}a{_}a{_}a{_}a{_}a{_}a{_}a{_}a{_}a{_}x",
		"{_:text}a{_}a{_:text}a{_}a{_:text}a{_}a{_:text}a{_}a{_:text} {_:int}",
		"{_:text}1{_:int}1{_:text}1{_:int}1{_:text}1{_:int}x",
	};
	static const char *const fillings[] = { "a ", "a", "aa a", "1", "1 a" };
	static char line[LKSM_VALUE_MAX];
	struct captured values[TEMPLATE_PARTS_MAX];
	struct template_error error;
	struct template t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		for (size_t k = 0; k < ARRAY_SIZE(fillings); k++) {
			assert_int_equal(parse(patterns[i], &t, &error), 0);
			for (size_t n = 0; n < sizeof(line); n++)
				line[n] = fillings[k][n % strlen(fillings[k])];
			line[sizeof(line) - 1] = 'b';
			assert_false(template_match(
				&t, (struct span){ line, sizeof(line) }, &memo, values));
		}
}

static void test_literal(void **state)
{
	static const struct {
		const char *pattern, *want;
	} cases[] = {
		{ "Module loaded: {module} by uid {uid:int}", "Module loaded: " },
		{ "{a}: up and running {b}", ": up and running " },
		{ "{a:rest}", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct template_error error;
		struct template t;

		assert_int_equal(parse(cases[i].pattern, &t, &error), 0);
		expect_span(cases[i].pattern, "literal", template_literal(&t),
			    span_from(cases[i].want));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),	 cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_literal),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
