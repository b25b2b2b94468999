// SPDX-License-Identifier: Apache-2.0
/* output/history/query: each parameter, and what a stranger may send instead. */
#include "output/history/query.h"

#include <errno.h>

#include "expect.h"

static void test_refused(void **state)
{
	static const struct {
		enum query_operation operation;
		const char *in, *want;
	} cases[] = {
		{ QUERY_EVENTS, "nonsense=1", "there is no parameter nonsense" },
		{ QUERY_EVENTS, "severty=high",
		  "there is no parameter severty (did you mean 'severity'?)" },
		{ QUERY_EVENTS, "bucket=60", "there is no parameter bucket" },
		{ QUERY_STATS, "limit=1", "there is no parameter limit" },
		{ QUERY_EVENTS, "limit",
		  "this is no value for limit: ; it takes 1 to 1000, and up to 1000000 "
		  "for an export" },
		{ QUERY_EVENTS, "limit=0",
		  "this is no value for limit: 0; it takes 1 to 1000, and up to 1000000 "
		  "for an export" },
		{ QUERY_EVENTS, "limit=1001",
		  "this is no value for limit: 1001; it takes 1 to 1000, and up to "
		  "1000000 for an export" },
		{ QUERY_EVENTS, "limit=1;DROP",
		  "this is no value for limit: 1;DROP; it takes 1 to 1000, and up to "
		  "1000000 for an export" },
		{ QUERY_EXPORT, "limit=1000001",
		  "this is no value for limit: 1000001; it takes 1 to 1000, and up to "
		  "1000000 for an export" },
		{ QUERY_EVENTS, "cursor=-1",
		  "this is no value for cursor: -1; it takes the next_cursor of an "
		  "answer" },
		{ QUERY_EVENTS, "cursor=99999999999999999999",
		  "this is no value for cursor: 99999999999999999999; it takes the "
		  "next_cursor of an answer" },
		{ QUERY_EVENTS, "order=up",
		  "this is no value for order: up; it takes asc or desc" },
		{ QUERY_EVENTS, "severity=bad",
		  "this is no value for severity: bad; it takes info, medium, high or "
		  "critical, several: a,b; or !a for all others" },
		{ QUERY_EVENTS, "severity=",
		  "this is no value for severity: ; it takes info, medium, high or "
		  "critical, several: a,b; or !a for all others" },
		{ QUERY_EVENTS, "severity=!",
		  "this is no value for severity: !; it takes info, medium, high or "
		  "critical, several: a,b; or !a for all others" },
		{ QUERY_EVENTS, "attack=!",
		  "this is no value for attack: !; it takes up to 16 values: a,b; or !a "
		  "for all others" },
		{ QUERY_EVENTS, "!data.=1",
		  "this is no value for !data.: 1; it takes up to 16 pairs, each with a "
		  "key" },
		{ QUERY_EVENTS, "!type=a",
		  "there is no parameter !type (did you mean 'type'?)" },
		{ QUERY_EVENTS, "severity=info,", "" },
		{ QUERY_EVENTS, "min_severity=",
		  "this is no value for min_severity: ; it takes info, medium, high or "
		  "critical" },
		{ QUERY_EVENTS, "since=2+hours%20ago%0a",
		  "this is no value for since: 2 hours ago?; it takes RFC 3339 "
		  "(2026-02-10T12:00:00Z), or seconds since 1970" },
		{ QUERY_EVENTS, "since=yesterday",
		  "this is no value for since: yesterday; it takes RFC 3339 "
		  "(2026-02-10T12:00:00Z), or seconds since 1970" },
		{ QUERY_EVENTS, "type=",
		  "this is no value for type: ; it takes up to 16 values: a,b; or !a for "
		  "all others" },
		{ QUERY_EVENTS, "type=a,,b",
		  "this is no value for type: a,,b; it takes up to 16 values: a,b; or !a "
		  "for all others" },
		{ QUERY_EVENTS, "type=!",
		  "this is no value for type: !; it takes up to 16 values: a,b; or !a "
		  "for all others" },
		{ QUERY_EVENTS, "type=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
		  "this is no value for type: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q; it "
		  "takes up to 16 values: a,b; or !a for all others" },
		{ QUERY_EVENTS, "data.=1",
		  "this is no value for data.: 1; it takes up to 16 pairs, each with a "
		  "key" },
		{ QUERY_HISTOGRAM, "bucket=0",
		  "this is no value for bucket: 0; it takes a multiple of 60 seconds, up "
		  "to a year" },
		{ QUERY_HISTOGRAM, "bucket=61",
		  "this is no value for bucket: 61; it takes a multiple of 60 seconds, "
		  "up to a year" },
		{ QUERY_EXPORT, "format=xml",
		  "this is no value for format: xml; it takes jsonl or csv" },
		{ QUERY_EVENTS, "q=%", "a % has no two digits behind it" },
		{ QUERY_EVENTS, "q=%4", "a % has no two digits behind it" },
		{ QUERY_EVENTS, "q=%4g", "a % has no two digits behind it" },
		{ QUERY_EVENTS, "%1b=1", "there is no parameter ?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer error = { 0 };
		struct query q;
		int r = query_parse(cases[i].operation, span_from(cases[i].in), &q,
				    &error);

		expect_number(cases[i].in, "result", r, *cases[i].want ? -EINVAL : 0);
		expect_text(cases[i].in, "reason",
			    (struct span){ error.data ? error.data : "", error.len },
			    cases[i].want);
		query_deinit(&q);
	}
}

static void append_terms(const struct query *q, bool is_not, const char *join,
			 struct buffer *out)
{
	for (size_t i = 0; i < q->n_terms; i++) {
		if (q->terms[i].is_not != is_not)
			continue;
		buffer_appendf(out, "%s", out->len ? join : "");
		query_append_term(out, &q->terms[i]);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *term, *name;
		bool is_prefix, want;
	} cases[] = {
		{ "spoof", "spoof_suspected", false, true },
		{ "SUSPECTED", "spoof_suspected", false, true },
		{ "spoof_suspected", "spoof_suspected", false, true },
		{ "spoof suspected", "spoof_suspected", false, true },
		{ "suspected spoof", "spoof_suspected", false, false },
		{ "spoo", "spoof_suspected", false, false },
		{ "spoo", "spoof_suspected", true, true },
		{ "spoof susp", "spoof_suspected", true, true },
		{ "spo susp", "spoof_suspected", true, false },
		{ "a b", "a a b", false, true },
		{ "a b c", "a b", false, false },
		{ "spoof", "", false, false },
		{ "spoof", "__", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct query_term term = { span_from(cases[i].term),
						 .is_prefix = cases[i].is_prefix };

		expect_number(cases[i].term, "names",
			      query_term_names(&term, span_from(cases[i].name)),
			      cases[i].want);
	}
}

static void test_match(void **state)
{
	static const struct {
		const char *in, *match, *except;
	} cases[] = {
		{ "", "", "" },
		{ "q=nf_tables", "text : \"nf_tables\"", "" },
		{ "q=a+b", "text : \"a\" AND text : \"b\"", "" },
		{ "q=%22a+b%22", "text : \"a b\"", "" },
		{ "q=%22a+b%22*", "text : \"a b\"*", "" },
		{ "q=ab*", "text : \"ab*\"*", "" },
		{ "q=a+-b+-c", "text : \"a\"", "text : \"b\" OR text : \"c\"" },
		{ "q=a-b", "text : \"a-b\"", "" },
		{ "q=a%22b", "text : \"a\"\"b\"", "" },
		{ "q=a%00b", "text : \"a b\"", "" },
		{ "q=a+OR+b", "text : \"a\" AND text : \"OR\" AND text : \"b\"", "" },
		{ "q=dims%3Ad1", "text : \"dims:d1\"", "" },
		{ "q=--+%22%22+*+%22", "", "" },
		{ "q=%22never+ends", "text : \"never ends\"", "" },
		{ "q=-a", "", "text : \"a\"" },
		{ "attack=T1014&tags=!a", "", "" },
		{ "data.uid=0&!data.pid=1", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer error = { 0 };
		_cleanup_buffer_ struct buffer match = { 0 }, except = { 0 };
		struct query q;

		expect_number(
			cases[i].in, "result",
			query_parse(QUERY_EVENTS, span_from(cases[i].in), &q, &error), 0);
		append_terms(&q, false, " AND ", &match);
		append_terms(&q, true, " OR ", &except);
		expect_span(cases[i].in, "match", buffer_span(&match),
			    span_from(cases[i].match));
		expect_span(cases[i].in, "except", buffer_span(&except),
			    span_from(cases[i].except));
		query_deinit(&q);
	}
}

static void test_values(void **state)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	struct query q;

	(void)state;
	assert_int_equal(
		query_parse(QUERY_EVENTS,
			    SPAN("since=1&until=2026-02-10T12:00:00Z&limit=7&cursor=44&"
				 "order=asc&&data.a%3Db=c%26d&severity=high,info"),
			    &q, &error),
		0);
	assert_int_equal(q.since_us, 1000000);
	assert_int_equal(q.until_us, 1770724800000000);
	assert_int_equal(q.limit, 7);
	assert_true(q.has_cursor && q.is_ascending);
	assert_int_equal(q.cursor, 44);
	assert_int_equal(q.severities, 5);
	expect_span("data", "key", q.pairs[0].key, SPAN("a=b"));
	expect_span("data", "value", q.pairs[0].value, SPAN("c&d"));
	query_deinit(&q);
}

static void test_a_zone_whose_plus_became_a_space(void **state)
{
	static const struct {
		const char *in;
		int want;
	} cases[] = {
		{ "since=2026-02-10T13:00:00+01:00", 0 },
		{ "since=2026-02-10T13:00:00%2B01:00", 0 },
		{ "since=2026-02-10T11:00:00-01:00", 0 },
		{ "since=2026-02-10+13:00", -EINVAL },
		{ "since=+01:00", -EINVAL },
		{ "since=2026-02-10T13:00:00.000000000000000000+01:00", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer error = { 0 };
		struct query q;
		int r = query_parse(QUERY_EVENTS, span_from(cases[i].in), &q, &error);

		expect_number(cases[i].in, "result", r, cases[i].want);
		if (r == 0)
			expect_number(cases[i].in, "time", (int64_t)q.since_us,
				      1770724800000000);
		query_deinit(&q);
	}
}

static void test_pairs(void **state)
{
	static const struct {
		const char *in, *key, *value;
		bool is_not;
	} cases[] = {
		{ "data.uid=0", "uid", "0", false },
		{ "data.a=!b", "a", "!b", false },
		{ "!data.uid=0", "uid", "0", true },
		{ "!data.uid=", "uid", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer error = { 0 };
		struct query q;

		expect_number(
			cases[i].in, "result",
			query_parse(QUERY_EVENTS, span_from(cases[i].in), &q, &error), 0);
		expect_number(cases[i].in, "pairs", (int64_t)q.n_pairs, 1);
		expect_span(cases[i].in, "key", q.pairs[0].key, span_from(cases[i].key));
		expect_span(cases[i].in, "value", q.pairs[0].value,
			    span_from(cases[i].value));
		expect_number(cases[i].in, "not", q.pairs[0].is_not, cases[i].is_not);
		expect_number(cases[i].in, "needs words", query_needs_words(&q), true);
		query_deinit(&q);
	}
}

static void test_takes(void **state)
{
	static const struct {
		const char *in;
		unsigned int severity;
		const char *type, *host;
		bool want;
	} cases[] = {
		{ "", 0, "a", "h", true },
		{ "type=a", 0, "a", "h", true },
		{ "type=a", 0, "ab", "h", false },
		{ "type=a,b", 0, "b", "h", true },
		{ "type=a&type=b", 0, "b", "h", true },
		{ "type=!a", 0, "a", "h", false },
		{ "type=!a", 0, "b", "h", true },
		{ "q=-a", 0, "a_b", "h", false },
		{ "q=-a+b", 0, "b", "h", true },
		{ "q=a", 0, "b", "h", true },
		{ "type=a&host=g", 0, "a", "h", false },
		{ "severity=high", 2, "a", "h", true },
		{ "severity=high", 1, "a", "h", false },
		{ "severity=!high", 2, "a", "h", false },
		{ "severity=!high", 1, "a", "h", true },
		{ "severity=!high,!info", 0, "a", "h", false },
		{ "severity=high,!info", 2, "a", "h", true },
		{ "severity=high,!info", 1, "a", "h", false },
		{ "min_severity=medium", 1, "a", "h", true },
		{ "min_severity=medium", 0, "a", "h", false },
		{ "min_severity=high&severity=info", 0, "a", "h", false },
		{ "", 4, "a", "h", false },
		{ "attack=T2", 0, "a", "h", true },
		{ "attack=T1,T3", 0, "a", "h", true },
		{ "attack=T3", 0, "a", "h", false },
		{ "attack=T", 0, "a", "h", false },
		{ "attack=!T1", 0, "a", "h", false },
		{ "attack=!T3", 0, "a", "h", true },
		{ "tags=x", 0, "a", "h", false },
		{ "tags=!x", 0, "a", "h", true },
		{ "stream=proc:1&boot_id=b", 0, "a", "h", true },
		{ "stream=proc", 0, "a", "h", false },
		{ "boot_id=!b", 0, "a", "h", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer error = { 0 };
		const struct span fields[QUERY_FIELD_COUNT] = {
			[QUERY_TYPE] = span_from(cases[i].type),
			[QUERY_SOURCE] = SPAN("s"),
			[QUERY_HOST] = span_from(cases[i].host),
			[QUERY_RULE] = SPAN(""),
			[QUERY_ATTACK] = SPAN("T1\x1fT2"),
			[QUERY_TAGS] = SPAN(""),
			[QUERY_STREAM] = SPAN("proc:1"),
			[QUERY_BOOT_ID] = SPAN("b"),
		};
		struct query q;

		assert_int_equal(
			query_parse(QUERY_EVENTS, span_from(cases[i].in), &q, &error), 0);
		expect_number(cases[i].in, "takes",
			      query_takes(&q, cases[i].severity, fields), cases[i].want);
		query_deinit(&q);
	}
}

static void test_too_much(void **state)
{
	_cleanup_buffer_ struct buffer text = { 0 }, error = { 0 };
	struct query q;

	(void)state;
	buffer_append_literal(&text, "q=");
	for (int i = 0; i < 2000; i++)
		buffer_append_literal(&text, "a+");
	assert_int_equal(query_parse(QUERY_EVENTS, buffer_span(&text), &q, &error),
			 -EINVAL);
	expect_span("many words", "reason", buffer_span(&error),
		    SPAN("too much is looked for at once"));
	query_deinit(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_a_zone_whose_plus_became_a_space),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
