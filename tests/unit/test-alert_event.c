// SPDX-License-Identifier: Apache-2.0
/* output/alerts/alert_event: what is taken from a line, and which receivers it goes to. */
#include "output/alerts/alert_event.h"

#include <errno.h>

#include "alert.h"

#define BEGIN "{\"seq\": 7, \"ts\": 1.000000, \"type\": \"module_loaded\", \"data\": "
#define END   ", \"severity\": \"high\", \"source\": \"x\"}"

static void test_lines(void **state)
{
	static const struct {
		const char *name, *line;
		int want;
		const char *summary;
	} cases[] = {
		{ "data", BEGIN "{\"module\": \"nf\", \"uid\": 0}" END, 0,
		  "module=nf uid=0" },
		{ "a message", BEGIN "{\"message\": \"hello\", \"uid\": 0}" END, 0,
		  "hello" },
		{ "controls",
		  BEGIN "{\"message\": \"a\\nb\\u001b[1m\\u0085c\\u007f\"}" END, 0,
		  "a b [1m  c " },
		{ "a NUL ends the text", BEGIN "{\"message\": \"a\\u0000b\"}" END, 0,
		  "a" },
		{ "nested data", BEGIN "{\"a\": {\"b\": [1]}}" END, 0, "a={\"b\":[1]}" },
		{ "no data", BEGIN "{}" END, 0, "" },
		{ "no JSON", "what?", -EBADMSG, NULL },
		{ "cut", BEGIN "{\"a\": ", -EBADMSG, NULL },
		{ "an array", "[1, 2]", -EBADMSG, NULL },
		{ "a key twice", "{\"seq\": 1, \"seq\": 2}", -EBADMSG, NULL },
		{ "no seq", "{\"type\": \"a\", \"severity\": \"high\"}", -EBADMSG, NULL },
		{ "a negative seq",
		  "{\"seq\": -1, \"type\": \"a\", \"severity\": \"high\"}", -EBADMSG,
		  NULL },
		{ "a type that is no word",
		  "{\"seq\": 1, \"type\": \"a b\", \"severity\": \"high\"}", -EBADMSG,
		  NULL },
		{ "no such severity",
		  "{\"seq\": 1, \"type\": \"a\", \"severity\": \"hgih\"}", -EBADMSG,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct alert_event e;

		expect_number(cases[i].name, "the result",
			      alert_event_parse(span_from(cases[i].line), &e),
			      cases[i].want);
		if (cases[i].summary)
			expect_text(cases[i].name, "the summary", span_from(e.summary),
				    cases[i].summary);
	}
}

static void test_long_texts_are_cut_between_characters(void **state)
{
	_cleanup_buffer_ struct buffer line = { 0 };
	struct alert_event e;

	(void)state;
	buffer_append_literal(&line, BEGIN "{\"message\": \"");
	for (int i = 0; i < 1000; i++)
		buffer_append_literal(&line, "€"); /* three bytes */
	buffer_append_literal(&line, "\"}, \"severity\": \"info\", \"source\": \"x\", "
				     "\"host\": \"a b\\\"\\n<!here>\"}");
	assert_int_equal(alert_event_parse(buffer_span(&line), &e), 0);
	assert_int_equal(strlen(e.summary), (ALERT_SUMMARY_SIZE - 1) / 3 * 3);
	assert_string_equal(e.host, "a_b____here_");
}

static void test_routes(void **state)
{
	static const char yaml[] =
		"alerts:\n"
		"  receivers:\n"
		"    a: { type: slack, url: http://x }\n"
		"    b: { type: exec, command: [/bin/true] }\n"
		"    c: { type: syslog, address: 'h:1' }\n"
		"  routes:\n"
		"    bad: { severity: critical, receivers: [a, b] }\n"
		"    modules: { severity: medium, types: ['module_*', kexec_load], "
		"receivers: [b] }\n"
		"    mine: { severity: info, rules: [my_rule], receivers: [c] }\n";
	static const struct {
		const char *type, *rule;
		enum lksm_severity severity;
		uint32_t want;
	} cases[] = {
		{ "x", "", LKSM_CRITICAL, 3 },
		{ "x", "", LKSM_HIGH, 0 },
		{ "module_loaded", "", LKSM_HIGH, 2 },
		{ "module_loaded", "", LKSM_INFO, 0 },
		{ "amodule_loaded", "", LKSM_HIGH, 0 },
		{ "kexec_load", "", LKSM_MEDIUM, 2 },
		{ "x", "my_rule", LKSM_INFO, 4 },
		{ "x", "my_rule", LKSM_CRITICAL, 7 },
		{ "my_rule", "", LKSM_INFO, 0 },
		{ ALERT_UNDELIVERED, "my_rule", LKSM_CRITICAL, 0 },
	};
	_cleanup_alert_config_ struct alert_config c = { 0 };
	_cleanup_buffer_ struct buffer errors = { 0 };

	(void)state;
	assert_int_equal(parse_alerts(yaml, &c, &errors), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct alert_event e = make_event(1, cases[i].type, cases[i].severity);

		(void)snprintf(e.rule, sizeof(e.rule), "%s", cases[i].rule);
		expect_number(cases[i].type, "receivers", alert_event_receivers(&c, &e),
			      cases[i].want);
	}
}

static void test_without_routes_what_matters_goes_to_all(void **state)
{
	struct alert_event high = make_event(1, "x", LKSM_HIGH),
			   medium = make_event(2, "x", LKSM_MEDIUM);
	_cleanup_alert_config_ struct alert_config c = { 0 };
	_cleanup_buffer_ struct buffer errors = { 0 };

	(void)state;
	assert_int_equal(
		parse_alerts("alerts: { receivers: { a: { type: slack, url: http://x }, "
			     "b: { type: desktop } } }\n",
			     &c, &errors),
		0);
	assert_int_equal(alert_event_receivers(&c, &high), 3);
	assert_int_equal(alert_event_receivers(&c, &medium), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_texts_are_cut_between_characters),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_without_routes_what_matters_goes_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
