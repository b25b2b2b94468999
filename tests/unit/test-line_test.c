// SPDX-License-Identifier: Apache-2.0
/* core/line_test: in which forms a line may be given, and what is told of it. */
#include "core/line_test.h"

#include "expect.h"

static const char text[] =
	"rules:\n"
	"  - {id: mine, match: 'hello {who}', examples: [{line: hello you}]}\n"
	"  - {id: rest, any: true, type: else, examples: [{line: x}]}\n"
	"  - {id: usb, for: kernel_log, contains: 'usb ', severity: medium,\n"
	"     examples: [{line: 'usb 1'}]}\n"
	"  - {id: quiet, for: kernel_log, contains: noise, drop: true,\n"
	"     examples: [{line: noise}]}\n";

static const struct line_case {
	const char *name, *line, *rule, *type;
	bool is_match, is_guess;
} cases[] = {
	{ "with the tag", "[PHOTON RING] hello me", "mine", "mine", true, false },
	{ "without", "hello me", "mine", "mine", true, false },
	{ "dmesg", "[    1.500000] [PHOTON RING] hello me", "mine", "mine", true, false },
	{ "a record", "6,7,1500,-;[PHOTON RING] hello me", "mine", "mine", true, false },
	{ "of user space", "14,7,1500,-;[PHOTON RING] hello me", NULL, "spoof_suspected",
	  false, false },
	{ "the kernel's", "usb 1-1: new", "usb", "usb", true, false },
	{ "the kernel's by dmesg", "[    1.500000] usb 1-1: new", "usb", "usb", true,
	  false },
	{ "a record of the kernel's", "6,7,1500,-;usb 1-1: new", "usb", "usb", true,
	  false },
	{ "dropped", "some noise", "quiet", NULL, true, false },
	{ "only the catch-all", "what else", "rest", "else", true, true },
	{ "nobody's", "[    1.500000] what else", NULL, NULL, false, false },
	{ "names itself", "[PHOTON RING] type=own_type severity=high a=1", NULL,
	  "own_type", true, false },
	{ "empty", "", "rest", "else", true, true },
};

static void check(struct line_test *t, const struct line_case *c)
{
	const struct line_outcome *o;

	assert_int_equal(line_test_try(t, span_from(c->line), &o), 0);
	expect_number(c->name, "match", o->is_match, c->is_match);
	expect_number(c->name, "guess", o->is_guess, c->is_guess);
	expect_number(c->name, "has a rule", o->has_info, c->rule != NULL);
	if (c->rule)
		expect_text(c->name, "rule", o->info.id, c->rule);
	expect_number(c->name, "result", o->result, c->type != NULL);
	if (c->type)
		expect_text(c->name, "type", o->event.type, c->type);
}

static void test_forms(void **state)
{
	_cleanup_(line_test_destroyp) struct line_test *t = NULL;
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	_cleanup_buffer_ struct buffer errors = { 0 };

	(void)state;
	assert_int_equal(rules_load_text("x.yaml", span_from(text), &rules, &errors), 0);
	assert_int_equal(line_test_create(rules, &t), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(t, &cases[i]);
}

static const struct json_case {
	const char *line, *want;
} json_cases[] = {
	{ "hello \"me\"\x1b",
	  "{\"line\": \"hello \\\"me\\\"\\u001b\", \"matched\": true, \"rule\": "
	  "\"rest\", "
	  "\"file\": \"x.yaml\", \"line_number\": 3, \"because\": \"any line\", "
	  "\"event\": "
	  "{\"seq\": 0, \"ts\": 0.000000, \"type\": \"else\", \"data\": {}, "
	  "\"severity\": "
	  "\"info\", \"source\": \"kprobe_reader\", \"facility\": 0, \"rule\": \"rest\", "
	  "\"message\": \"[PHOTON RING] hello \\\"me\\\"\\u001b\"}}" },
	{ "noise",
	  "{\"line\": \"noise\", \"matched\": true, \"rule\": \"quiet\", \"file\": "
	  "\"x.yaml\", \"line_number\": 6, \"because\": \"contains 'noise'\", \"event\": "
	  "null}" },
	{ "[    1.500000] x", "{\"line\": \"[    1.500000] x\", \"matched\": false, "
			      "\"rule\": null, \"event\": "
			      "null}" },
};

static void test_json(void **state)
{
	_cleanup_(rules_destroyp) struct rules *rules = NULL;
	_cleanup_buffer_ struct buffer errors = { 0 };

	(void)state;
	assert_int_equal(rules_load_text("x.yaml", span_from(text), &rules, &errors), 0);
	for (size_t i = 0; i < ARRAY_SIZE(json_cases); i++) {
		_cleanup_(line_test_destroyp) struct line_test *t = NULL;
		_cleanup_buffer_ struct buffer out = { 0 };
		struct span line = span_from(json_cases[i].line);
		const struct line_outcome *o;

		assert_int_equal(line_test_create(rules, &t), 0);
		assert_int_equal(line_test_try(t, line, &o), 0);
		line_outcome_append_json(line, o, &out);
		expect_span(json_cases[i].line, "JSON", buffer_span(&out),
			    span_from(json_cases[i].want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
