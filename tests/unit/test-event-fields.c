// SPDX-License-Identifier: Apache-2.0
/*
 * The promise of lksm/event_fields.h: a row added there reaches the struct, the line and
 * the schema with no other edit. Here event.c and schema.c are compiled as they stand
 * against another table, which has one more row of each kind.
 */
#define LKSM_EVENT_FIELDS_H /* keeps the real table out */
#define LKSM_SEED_FIELDS    6
#define LKSM_EVENT_FIELDS(X)                                   \
	X(seq, "Seq", SEQ, REQUIRED, TABLE, "")                \
	X(ts, "Since boot", SECONDS, REQUIRED, TABLE, "")      \
	X(type, "Type", TEXT, REQUIRED, TABLE, "")             \
	X(data, "Data", DATA, REQUIRED, TABLE, "")             \
	X(severity, "Severity", SEVERITY, REQUIRED, TABLE, "") \
	X(source, "Source", TEXT, REQUIRED, TABLE, "")         \
	X(message, "Message", TEXT, OPTIONAL, DETAIL, "")      \
	X(raw, "Raw", TEXT, OPTIONAL, DETAIL, "")              \
	X(new_seq, "A", SEQ, OPTIONAL, TABLE, "")              \
	X(new_seconds, "B", SECONDS, OPTIONAL, TABLE, "")      \
	X(new_text, "C", TEXT, OPTIONAL, TABLE, "")            \
	X(new_data, "D", DATA, OPTIONAL, TABLE, "")            \
	X(new_severity, "E", SEVERITY, OPTIONAL, DETAIL, "")   \
	X(new_time, "F", TIME, OPTIONAL, DETAIL, "")           \
	X(new_list, "G", LIST, OPTIONAL, DETAIL, "\"quoted\"") \
	X(new_required, "H", TEXT, REQUIRED, DETAIL, "")

#include "core/event.c"
#include "core/event_encode.c"
#include "core/schema.c"

#include "expect.h"

static const char seed[] = "{\"seq\": 0, \"ts\": 0.000000, \"type\": \"\", \"data\": {}, "
			   "\"severity\": \"info\", \"source\": \"\"";

static void test_unset(void **state)
{
	_cleanup_buffer_ struct buffer out = { 0 }, want = { 0 };
	struct lksm_event e;

	(void)state;
	event_init(&e);
	assert_int_equal(event_encode(&out, &e, EVENT_FULL), 0);
	buffer_appendf(&want, "%s, \"new_severity\": \"info\", \"new_required\": \"\"}\n",
		       seed);
	expect_span("unset", "line", buffer_span(&out), buffer_span(&want));
}

static void test_set(void **state)
{
	_cleanup_buffer_ struct buffer out = { 0 }, want = { 0 };
	struct lksm_event e;

	(void)state;
	event_init(&e);
	e.new_seq = 1;
	e.new_seconds = 2;
	e.new_text = SPAN("three");
	e.new_data.n = 1;
	e.new_data.items[0] = (struct datum){ .key = SPAN("k"), .kind = DATUM_INT };
	e.new_severity = LKSM_HIGH;
	e.new_time = 0;
	e.new_list = SPAN("x y");
	e.new_required = SPAN("here");
	assert_int_equal(event_encode(&out, &e, EVENT_FULL), 0);
	buffer_appendf(&want,
		       "%s, \"new_seq\": 1, \"new_seconds\": 0.000002, "
		       "\"new_text\": \"three\", \"new_data\": {\"k\": 0}, "
		       "\"new_severity\": \"high\", "
		       "\"new_time\": \"1970-01-01T00:00:00.000000Z\", "
		       "\"new_list\": [\"x\", \"y\"], \"new_required\": \"here\"}\n",
		       seed);
	assert_int_equal(event_encode(&out, &e, EVENT_SEED), 0);
	buffer_appendf(&want, "%s}\n", seed);
	expect_span("set", "lines", buffer_span(&out), buffer_span(&want));
}

static void test_schema(void **state)
{
	static const char *const want[] = {
		"\"new_seq\": {\n      \"title\": \"A\",",
		"\"new_data\": {\n      \"title\": \"D\",",
		"\"description\": \"\\\"quoted\\\"\",\n      \"type\": \"array\"",
		"\"source\", \"new_required\"]",
	};
	_cleanup_buffer_ struct buffer out = { 0 };

	(void)state;
	schema_append_event(&out);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		if (!span_contains(buffer_span(&out), span_from(want[i])))
			fail_msg("the schema has no %s", want[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unset),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
