// SPDX-License-Identifier: Apache-2.0
/* core/filter and core/json_members: which lines are chosen, and that jansson agrees. */
#include "core/filter.h"

#include <errno.h>
#include <jansson.h>

#include "core/json_members.h"
#include "expect.h"

#define LINE(type, data, severity, source, more)                                 \
	"{\"seq\": 7, \"ts\": 1.000002, \"type\": \"" type "\", \"data\": " data \
	", \"severity\": \"" severity "\", \"source\": \"" source "\"" more "}"
#define PLAIN                                                                           \
	LINE("module_loaded", "{\"module\": \"nf\", \"uid\": 0}", "high", "kernel_log", \
	     ", \"time\": \"2026-02-10T12:00:00.001234Z\", \"host\": \"web-1\", "       \
	     "\"rule\": \"r1\", \"tags\": [\"taint\"], \"message\": \"Hello "           \
	     "\\\"W\\\"\"")

struct choice {
	const char *name, *line;
	const char *type, *source, *host, *rule, *severities, *min, *text, *data, *since,
		*until;
	bool shows_routine;
	int want;
};

static const struct choice choices[] = {
	{ "nothing asked", PLAIN, .want = 1 },
	{ "type", PLAIN, .type = "module_loaded", .want = 1 },
	{ "one of the types", PLAIN, .type = "x,module_loaded", .want = 1 },
	{ "other type", PLAIN, .type = "module_load", .want = 0 },
	{ "pattern", PLAIN, .type = "mod*ed", .want = 1 },
	{ "no pattern", PLAIN, .type = "mod*x", .want = 0 },
	{ "source", PLAIN, .source = "kernel_log", .want = 1 },
	{ "other source", PLAIN, .source = "lksm", .want = 0 },
	{ "host", PLAIN, .host = "web-1", .want = 1 },
	{ "other host", PLAIN, .host = "web-2", .want = 0 },
	{ "rule", PLAIN, .rule = "r1", .want = 1 },
	{ "other rule", PLAIN, .rule = "r", .want = 0 },
	{ "no rule", LINE("a", "{}", "info", "s", ""), .rule = "*", .want = 0 },
	{ "not that type", PLAIN, .type = "!module_loaded", .want = 0 },
	{ "any but another type", PLAIN, .type = "!a", .want = 1 },
	{ "none of two types", PLAIN, .type = "!a,!module_*", .want = 0 },
	{ "a pattern without one", PLAIN, .type = "module_*,!module_loaded", .want = 0 },
	{ "a pattern without another", PLAIN, .type = "module_*,!module_x", .want = 1 },
	{ "not that source", PLAIN, .source = "!kernel_log", .want = 0 },
	{ "not that host", PLAIN, .host = "!web-1", .want = 0 },
	{ "any but another host", PLAIN, .host = "!web-2", .want = 1 },
	{ "not that rule", PLAIN, .rule = "!r1", .want = 0 },
	{ "no rule is not that rule", LINE("a", "{}", "info", "s", ""), .rule = "!r1",
	  .want = 1 },
	{ "a seal is no other type", LINE("log_sealed", "{}", "info", "lksm", ""),
	  .type = "!a", .want = 0 },
	{ "not, of what has no type", "{\"seq\": 1}", .type = "!a", .shows_routine = true,
	  .want = -EBADMSG },
	{ "not that severity", PLAIN, .severities = "!high", .want = 0 },
	{ "not another severity", PLAIN, .severities = "!info,!medium", .want = 1 },
	{ "severe enough, and not that", PLAIN, .severities = "!high", .min = "medium",
	  .want = 0 },
	{ "severe enough is more than that", PLAIN, .severities = "high",
	  .min = "critical", .want = 0 },
	{ "severity", PLAIN, .severities = "info,high", .want = 1 },
	{ "other severity", PLAIN, .severities = "critical", .want = 0 },
	{ "severe enough", PLAIN, .min = "medium", .want = 1 },
	{ "too mild", PLAIN, .min = "critical", .want = 0 },
	{ "data holds a severity",
	  LINE("a", "{\"a\": {\"b\": 1}, \"severity\": \"high\", \"source\": \"lksm\"}",
	       "info", "s", ""),
	  .severities = "high", .want = 0 },
	{ "data is like the end",
	  LINE("a", "{\"a\": \"}, \\\"severity\\\": \\\"high\\\"\"}", "info", "s", ""),
	  .severities = "high", .want = 0 },
	{ "since", PLAIN, .since = "2026-02-10T12:00:00.001234Z", .want = 1 },
	{ "too old", PLAIN, .since = "2026-02-10T12:00:00.001235Z", .want = 0 },
	{ "until", PLAIN, .until = "2026-02-10T12:00:00.001235Z", .want = 1 },
	{ "too new", PLAIN, .until = "2026-02-10T12:00:00.001234Z", .want = 0 },
	{ "no time", LINE("a", "{}", "info", "s", ""),
	  .since = "1970-01-01T00:00:00.000000Z", .want = 0 },
	{ "data", PLAIN, .data = "module=nf", .want = 1 },
	{ "number", PLAIN, .data = "uid=0", .want = 1 },
	{ "other number", PLAIN, .data = "uid=1", .want = 0 },
	{ "no such key", PLAIN, .data = "pid=1", .want = 0 },
	{ "as the API has it", PLAIN, .data = "data.uid=0", .want = 1 },
	{ "not that number", PLAIN, .data = "uid!=0", .want = 0 },
	{ "not another number", PLAIN, .data = "uid!=1", .want = 1 },
	{ "not, as the API has it", PLAIN, .data = "!data.uid=0", .want = 0 },
	{ "not that pattern", PLAIN, .data = "module!=n*", .want = 0 },
	{ "no such key is not that", PLAIN, .data = "pid!=1", .want = 1 },
	{ "no data is none of it", LINE("a", "{}", "info", "s", ""), .data = "uid!=0",
	  .want = 1 },
	{ "not, of what has no data", "{\"type\": \"a\", \"source\": \"s\"}",
	  .data = "uid!=0", .want = -EBADMSG },
	{ "key is not the event's", PLAIN, .data = "seq=7", .want = 0 },
	{ "the same key twice", LINE("a", "{\"k\": 1, \"k\": 1}", "info", "s", ""),
	  .data = "k=1", .want = 1 },
	{ "text in the message", PLAIN, .text = "hello", .want = 1 },
	{ "text with an escape", PLAIN, .text = "o \"w\"", .want = 1 },
	{ "text in data", PLAIN, .text = "NF", .want = 1 },
	{ "text in type", PLAIN, .text = "Loaded", .want = 1 },
	{ "text in tags", PLAIN, .text = "taint", .want = 1 },
	{ "text that only keys have", PLAIN, .text = "severity", .want = 0 },
	{ "all together", PLAIN, .type = "module_loaded", .text = "hello",
	  .data = "module=n?", .min = "high", .host = "web-1", .want = 1 },
	{ "a seal", LINE("log_sealed", "{}", "info", "lksm", ""), .want = 0 },
	{ "a seal asked for", LINE("log_sealed", "{}", "info", "lksm", ""),
	  .type = "log_sealed", .want = 1 },
	{ "a seal with all", LINE("log_sealed", "{}", "info", "lksm", ""),
	  .shows_routine = true, .want = 1 },
	{ "another's seal", LINE("log_sealed", "{}", "info", "guest", ""), .want = 1 },
	{ "no event", "{}", .want = -EBADMSG },
	{ "no severity", "{\"type\": \"a\", \"source\": \"s\"}", .min = "medium",
	  .want = -EBADMSG },
	{ "not JSON", "hello", .type = "a", .want = -EBADMSG },
	{ "empty", "", .type = "a", .want = -EBADMSG },
	{ "ends in a string", "{\"type\": \"a", .type = "a", .want = -EBADMSG },
	{ "ends in data", "{\"data\": {\"a\": [1", .data = "a=1", .want = -EBADMSG },
	{ "no value", "{\"type\"}", .type = "a", .want = -EBADMSG },
	{ "bad escape", "{\"type\": \"\\q\"}", .type = "a", .want = -EBADMSG },
};

static int add(struct filter *f, const struct choice *c)
{
	int r = 0;

	f->hides_routine = !c->shows_routine;
	r = r ?: c->type ? filter_choose(f, FILTER_TYPE, c->type) : 0;
	r = r ?: c->source ? filter_choose(f, FILTER_SOURCE, c->source) : 0;
	r = r ?: c->host ? filter_choose(f, FILTER_HOST, c->host) : 0;
	r = r ?: c->rule ? filter_choose(f, FILTER_RULE, c->rule) : 0;
	r = r ?: c->severities ? filter_add_severities(f, c->severities) : 0;
	r = r ?: c->min ? filter_add_min_severity(f, c->min) : 0;
	r = r ?: c->text ? filter_add_text(f, c->text) : 0;
	r = r ?: c->data ? filter_choose_data(f, c->data) : 0;
	if (c->since)
		memcpy(f->since, c->since, TIME_TEXT_SIZE);
	if (c->until)
		memcpy(f->until, c->until, TIME_TEXT_SIZE);
	return r;
}

static void test_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct filter f = { 0 };

		expect_number(choices[i].name, "filter", add(&f, &choices[i]), 0);
		expect_number(choices[i].name, "match",
			      filter_match(&f, span_from(choices[i].line)),
			      choices[i].want);
		filter_deinit(&f);
	}
}

static void test_refuses(void **state)
{
	struct filter f = { 0 };

	(void)state;
	assert_int_equal(filter_add(&f, FILTER_TYPE, ""), -EINVAL);
	assert_int_equal(filter_add(&f, FILTER_TYPE, "a,,b"), -EINVAL);
	assert_int_equal(filter_add_data(&f, "module"), -EINVAL);
	assert_int_equal(filter_add_data(&f, "=x"), -EINVAL);
	assert_int_equal(filter_add_text(&f, ""), -EINVAL);
	assert_int_equal(filter_add_severities(&f, "high,hgih"), -EINVAL);
	assert_int_equal(filter_add_min_severity(&f, ""), -EINVAL);
	for (size_t i = 0; i < FILTER_WORDS_MAX; i++)
		assert_int_equal(filter_add_text(&f, "x"), 0);
	assert_int_equal(filter_add_text(&f, "x"), -E2BIG);
	filter_deinit(&f);
}

/* The log of a day may hold events that are older, never newer ones. */
static void test_skips_day(void **state)
{
	struct filter f = { .since = "2026-02-10T12:00:00.000000Z" }, none = { 0 };

	(void)state;
	assert_true(filter_skips_day(&f, "2026-02-07.jsonl"));
	assert_true(filter_skips_day(&f, "2025-12-31.jsonl.zst"));
	assert_false(
		filter_skips_day(&f, "2026-02-09.jsonl")); /* -12:00 is there still */
	assert_false(filter_skips_day(&f, "2026-02-10.jsonl"));
	assert_false(filter_skips_day(&f, "2027-01-01.jsonl"));
	assert_false(filter_skips_day(&none, "1970-01-01.jsonl"));
}

/* Each member as jansson sees it: as many, with the same values. */
static void expect_agreement(const char *line)
{
	_cleanup_buffer_ struct buffer scratch = { 0 };
	json_t *object = json_loads(line, 0, NULL);
	struct json_members m;
	struct span key, value, text;
	size_t n = 0;

	assert_non_null(object);
	json_members_begin(&m, span_from(line));
	while (json_members_next(&m, &key, &value) > 0) {
		json_t *want = json_object_getn(object, key.data, key.len);
		json_t *got = json_loadb(value.data, value.len, JSON_DECODE_ANY, NULL);

		n++;
		if (!json_equal(want, got))
			fail_msg("%s: %.*s", line, (int)value.len, value.data);
		assert_int_equal(json_member_text(value, &scratch, &text), 0);
		if (json_is_string(want))
			expect_span(line, "text", text,
				    (struct span){ json_string_value(want),
						   json_string_length(want) });
		json_decref(got);
	}
	assert_int_equal(n, json_object_size(object));
	assert_int_equal(m.rest.len, 0);
	json_decref(object);
}

static void test_agreement(void **state)
{
	(void)state;
	expect_agreement("{}");
	expect_agreement(" { } ");
	expect_agreement(
		"{\"a\":1,\"b\":[{},\"]\",[]],\"c\" : {\"d\":\"}\"} , \"e\":null}");
	expect_agreement(
		"{\"a\": \"\\\\\", \"b\": \"\\\"\", \"c\": \"\\\\\\\"\", \"d\": -1.5}");
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		if (choices[i].want >= 0 && *choices[i].line == '{' &&
		    strcmp(choices[i].name, "the same key twice") != 0)
			expect_agreement(choices[i].line);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_skips_day),
		cmocka_unit_test(test_agreement),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
