// SPDX-License-Identifier: Apache-2.0
/* core/event: the line that an event becomes, byte for byte, and what is cut when it is
 * long. */
#include "core/event.h"

#include <errno.h>
#include <jansson.h>

#include "expect.h"

static const char golden[] =
	"{\"seq\": 7, \"ts\": 120.001234, \"type\": \"kprobe_registered\", "
	"\"data\": {\"symbol\": \"do_init_module\", \"uid\": -1}, \"severity\": "
	"\"info\", "
	"\"source\": \"kprobe_reader\"";
static const char golden_rest[] =
	", \"time\": \"2026-02-10T12:00:00.001234Z\", \"host\": \"web-1\", "
	"\"boot_id\": \"b\", \"stream\": \"kmsg\", \"stream_seq\": 4711, \"level\": 6, "
	"\"facility\": 0, \"rule\": \"r\", \"tags\": [\"a\", \"b\"], \"attack\": "
	"[\"T1014\"], "
	"\"message\": \"m\", \"raw\": \"\\\\xff\"";

static void fill(struct lksm_event *e)
{
	event_init(e);
	e->seq = 7;
	e->ts = 120001234;
	e->type = SPAN("kprobe_registered");
	e->source = SPAN("kprobe_reader");
	assert_int_equal(event_add_text(e, SPAN("symbol"), SPAN("do_init_module")), 0);
	assert_int_equal(event_add_int(e, SPAN("uid"), -1), 0);
}

static void fill_optional(struct lksm_event *e)
{
	e->time = 1770724800001234;
	e->host = SPAN("web-1");
	e->boot_id = SPAN("b");
	e->stream = SPAN("kmsg");
	e->stream_seq = 4711;
	e->level = 6;
	e->facility = 0;
	e->rule = SPAN("r");
	e->tags = SPAN(" a  b ");
	e->attack = SPAN("T1014");
	e->message = SPAN("m");
	e->raw = SPAN("\\xff");
}

static void test_line(void **state)
{
	_cleanup_buffer_ struct buffer out = { 0 }, want = { 0 };
	struct lksm_event e;

	(void)state;
	fill(&e);
	assert_int_equal(event_encode(&out, &e, EVENT_FULL), 0);
	buffer_appendf(&want, "%s}\n", golden);
	fill_optional(&e);
	assert_int_equal(event_encode(&out, &e, EVENT_FULL), 0);
	buffer_appendf(&want, "%s%s}\n", golden, golden_rest);
	assert_int_equal(event_encode(&out, &e, EVENT_SEED), 0);
	buffer_appendf(&want, "%s}\n", golden);
	expect_span("three lines", "text", buffer_span(&out), buffer_span(&want));
}

static void test_empty(void **state)
{
	_cleanup_buffer_ struct buffer out = { 0 };
	struct lksm_event e;

	(void)state;
	memset(&e, 0xa5, sizeof(e)); /* event_init() must not rely on zeroed memory */
	event_init(&e);
	assert_int_equal(event_encode(&out, &e, EVENT_FULL), 0);
	expect_text("required members", "line", buffer_span(&out),
		    "{\"seq\": 0, \"ts\": 0.000000, \"type\": \"\", \"data\": {}, "
		    "\"severity\": \"info\", \"source\": \"\"}\n");
}

/* The bytes of the value of @member in the line that @e becomes. */
static void encode_member(const struct lksm_event *e, const char *member,
			  struct buffer *ret)
{
	_cleanup_buffer_ struct buffer line = { 0 }, key = { 0 };
	const char *at, *end;

	assert_int_equal(event_encode(&line, e, EVENT_FULL), 0);
	buffer_appendf(&key, "\"%s\": ", member);
	at = memmem(line.data, line.len, key.data, key.len);
	if (!at)
		return;
	at += key.len;
	end = memmem(at, line.len - (size_t)(at - line.data), ", \"", 3);
	buffer_append(ret, at, (size_t)((end ? end : line.data + line.len - 2) - at));
}

static void test_seconds(void **state)
{
	static const struct {
		uint64_t in;
		const char *want;
	} cases[] = {
		{ 0, "0.000000" },
		{ 1, "0.000001" },
		{ 999999, "0.999999" },
		{ 1000000, "1.000000" },
		{ 120001234, "120.001234" },
		{ 12345678901, "12345.678901" },
		{ 9007199254740993, "9007199254.740993" }, /* no double holds it */
		{ UINT64_MAX, "18446744073709.551615" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer got = { 0 };
		struct lksm_event e;

		event_init(&e);
		e.ts = cases[i].in;
		encode_member(&e, "ts", &got);
		expect_text(cases[i].want, "ts", buffer_span(&got), cases[i].want);
	}
}

static void test_time(void **state)
{
	static const struct {
		uint64_t in;
		const char *want;
	} cases[] = {
		{ 0, "\"1970-01-01T00:00:00.000000Z\"" },
		{ 951782400000001, "\"2000-02-29T00:00:00.000001Z\"" },
		{ 951868799999999, "\"2000-02-29T23:59:59.999999Z\"" },
		{ 951868800000000, "\"2000-03-01T00:00:00.000000Z\"" },
		{ 1709164799000000, "\"2024-02-28T23:59:59.000000Z\"" },
		{ 1709164800000000, "\"2024-02-29T00:00:00.000000Z\"" },
		{ 1767225599999999, "\"2025-12-31T23:59:59.999999Z\"" },
		{ 1770724800001234, "\"2026-02-10T12:00:00.001234Z\"" },
		{ 4107542399000000, "\"2100-02-28T23:59:59.000000Z\"" },
		{ 4107542400000000, "\"2100-03-01T00:00:00.000000Z\"" },
		{ 253402300799999999, "\"9999-12-31T23:59:59.999999Z\"" },
		{ 253402300800000000, "\"9999-12-31T23:59:59.999999Z\"" },
		{ UINT64_MAX - 1, "\"9999-12-31T23:59:59.999999Z\"" },
		{ EVENT_UNSET, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer got = { 0 };
		struct lksm_event e;

		event_init(&e);
		e.time = cases[i].in;
		encode_member(&e, "time", &got);
		expect_text(cases[i].want ? cases[i].want : "unset", "time",
			    buffer_span(&got), cases[i].want);
	}
}

static void test_list(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ NULL, NULL },
		{ "", NULL },
		{ "  ", NULL },
		{ "a", "[\"a\"]" },
		{ "a\"b", "[\"a\\\"b\"]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer got = { 0 };
		struct lksm_event e;

		event_init(&e);
		e.tags = span_from(cases[i].in);
		encode_member(&e, "tags", &got);
		expect_text(cases[i].in ? cases[i].in : "absent", "tags",
			    buffer_span(&got), cases[i].want);
	}
}

static void test_strings(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		const char *want;
	} cases[] = {
		{ "nothing", BYTES(""), "\"\"" },
		{ "plain", BYTES("a plain text that is longer than eight bytes"),
		  "\"a plain text that is longer than eight bytes\"" },
		{ "quote and backslash", BYTES("\"C:\\x\""), "\"\\\"C:\\\\x\\\"\"" },
		{ "slash", BYTES("a/b</script>"), "\"a/b</script>\"" },
		{ "C0", BYTES("\0\1\b\t\n\f\r\x1b\x1f"),
		  "\"\\u0000\\u0001\\u0008\\u0009\\u000a\\u000c\\u000d\\u001b\\u001f\"" },
		{ "DEL", BYTES("a\x7f"), "\"a\\u007f\"" },
		{ "C1 is text", BYTES("\xc2\x85"), "\"\xc2\x85\"" },
		{ "UTF-8", BYTES("G\xc3\xbcnstig \xe5\x85\x89 \xf0\x9f\x98\x80"),
		  "\"G\xc3\xbcnstig \xe5\x85\x89 \xf0\x9f\x98\x80\"" },
		{ "separators", BYTES("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
		  "\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"" },
		{ "bad bytes", BYTES("a\xff\xfe z\x80"),
		  "\"a\xef\xbf\xbd\xef\xbf\xbd z\xef\xbf\xbd\"" },
		{ "overlong", BYTES("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "surrogate", BYTES("\xed\xa0\x80"),
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "cut", BYTES("caf\xc3"), "\"caf\xef\xbf\xbd\"" },
		{ "the replacement character itself", BYTES("\xef\xbf\xbd"),
		  "\"\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer got = { 0 };

		json_append_string(&got, cases[i].in);
		expect_text(cases[i].name, "string", buffer_span(&got), cases[i].want);
	}
}

/* Each byte at each place of a word of eight: the fast path must not miss one. */
static void test_every_byte_everywhere(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		for (size_t at = 0; at < 17; at++) {
			_cleanup_buffer_ struct buffer got = { 0 }, want = { 0 };
			char text[17];

			memset(text, 'x', sizeof(text));
			text[at] = (char)byte;
			json_append_string(&got, (struct span){ text, sizeof(text) });
			buffer_appendf(&want, "\"%.*s", (int)at, "xxxxxxxxxxxxxxxxx");
			if (byte == '"' || byte == '\\')
				buffer_appendf(&want, "\\%c", (char)byte);
			else if (byte < 0x20 || byte == 0x7f)
				buffer_appendf(&want, "\\u%04x", byte);
			else if (byte < 0x80)
				buffer_append_char(&want, (char)byte);
			else
				buffer_append_literal(&want, "\xef\xbf\xbd");
			buffer_appendf(&want, "%.*s\"", (int)(16 - at),
				       "xxxxxxxxxxxxxxxxx");
			expect_span("byte", "string", buffer_span(&got),
				    buffer_span(&want));
		}
	}
}

static void test_data(void **state)
{
	_cleanup_buffer_ struct buffer got = { 0 };
	struct lksm_event e;

	(void)state;
	event_init(&e);
	assert_int_equal(event_add_text(&e, SPAN("k\"ey"), SPAN("")), 0);
	assert_int_equal(event_add_int(&e, SPAN("i"), INT64_MIN), 0);
	assert_int_equal(event_add_json(&e, SPAN("j"), SPAN("[1, {\"a\": null}]")), 0);
	e.type = SPAN("t");
	assert_int_equal(event_encode(&got, &e, EVENT_SEED), 0);
	expect_text("data", "line", buffer_span(&got),
		    "{\"seq\": 0, \"ts\": 0.000000, \"type\": \"t\", \"data\": "
		    "{\"k\\\"ey\": \"\", \"i\": -9223372036854775808, "
		    "\"j\": [1, {\"a\": null}]}, \"severity\": \"info\", \"source\": "
		    "\"\"}\n");
	assert_int_equal(event_add_int(&e, (struct span){ "a\0b", 3 }, 1), -EINVAL);
	assert_int_equal(e.data.n, 3);
	while (e.data.n < EVENT_DATA_MAX)
		assert_int_equal(event_add_int(&e, SPAN("n"), 1), 0);
	assert_int_equal(event_add_int(&e, SPAN("n"), 1), -ENOSPC);
	assert_int_equal(event_add_text(&e, SPAN("n"), SPAN("")), -ENOSPC);
	assert_int_equal(event_add_json(&e, SPAN("n"), SPAN("1")), -ENOSPC);
	assert_int_equal(e.data.n, EVENT_DATA_MAX);
}

static json_t *parse_line(const struct buffer *out)
{
	json_t *root;

	assert_in_range(out->len, 1, EVENT_LINE_MAX);
	assert_int_equal(out->data[out->len - 1], '\n');
	assert_null(memchr(out->data, '\n', out->len - 1));
	root = json_loadb(out->data, out->len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	return root;
}

static void test_long_lines(void **state)
{
	static const struct {
		const char *name;
		size_t raw, message, data, type;
		bool has_raw, has_message, has_data;
		int want;
	} cases[] = {
		{ "all fits", 80000, 80000, 80000, 1, true, true, true, 0 },
		{ "raw goes first", 200000, 80000, 80000, 1, false, true, true, 0 },
		{ "then message", 200000, 200000, 80000, 1, false, false, true, 0 },
		{ "then data", 200000, 200000, 300000, 1, false, false, false, 0 },
		{ "data alone", 0, 0, 300000, 1, false, false, false, 0 },
		{ "type", 0, 0, 0, 300000, false, false, false, -EMSGSIZE },
	};
	_cleanup_free_ char *text = malloc(300000);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 300000);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer out = { 0 };
		struct lksm_event e;
		json_t *root;

		event_init(&e);
		e.type = (struct span){ text, cases[i].type };
		e.raw = (struct span){ cases[i].raw ? text : NULL, cases[i].raw };
		e.message = (struct span){ cases[i].message ? text : NULL,
					   cases[i].message };
		assert_int_equal(event_add_text(&e, SPAN("k"),
						(struct span){ text, cases[i].data }),
				 0);
		expect_number(cases[i].name, "result", event_encode(&out, &e, EVENT_FULL),
			      cases[i].want);
		if (cases[i].want < 0) {
			assert_int_equal(out.len, 0);
			assert_int_equal(buffer_error(&out), 0);
			continue;
		}
		root = parse_line(&out);
		expect_number(cases[i].name, "has raw", !!json_object_get(root, "raw"),
			      cases[i].has_raw);
		expect_number(cases[i].name, "has message",
			      !!json_object_get(root, "message"), cases[i].has_message);
		expect_number(cases[i].name, "truncated",
			      json_integer_value(json_object_get(
				      json_object_get(root, "data"), "truncated")),
			      cases[i].has_data ? 0 : (int64_t)cases[i].data + 9);
		json_decref(root);
	}
}

/* A buffer that has no room keeps what it had, and no half of a line. */
static void test_buffer_error(void **state)
{
	struct lksm_event e;

	(void)state;
	fill(&e);
	fill_optional(&e);
	for (size_t limit = 1; limit < 378; limit += 3) {
		_cleanup_buffer_ struct buffer out = { .limit = limit };

		buffer_append_char(&out, '\n');
		assert_int_equal(event_encode(&out, &e, EVENT_FULL), -EMSGSIZE);
		assert_int_equal(out.len, 1);
	}
}

static void test_severity(void **state)
{
	enum lksm_severity severity = LKSM_INFO;

	(void)state;
	for (int i = 0; i < EVENT_SEVERITY_COUNT; i++) {
		const char *name = severity_name((enum lksm_severity)i);

		assert_int_equal(severity_parse(span_from(name), &severity), 0);
		assert_int_equal(severity, i);
	}
	assert_string_equal(severity_name(LKSM_INFO), "info");
	assert_string_equal(severity_name(LKSM_CRITICAL), "critical");
	assert_int_equal(severity_parse(SPAN("hgih"), &severity), -EINVAL);
	assert_int_equal(severity_parse(SPAN("High"), &severity), -EINVAL);
	assert_int_equal(severity_parse(SPAN(""), &severity), -EINVAL);
	assert_int_equal(severity, LKSM_CRITICAL);
}

static void test_types(void **state)
{
	const struct event_type *type = event_type_find(SPAN("spoof_suspected"));

	(void)state;
	assert_non_null(type);
	assert_string_equal(type->name, "spoof_suspected");
	assert_int_equal(type->severity, LKSM_HIGH);
	assert_string_equal(type->source, "lksm");
	assert_string_equal(type->keys, "line reason");
	assert_null(event_type_find(SPAN("spoof_suspecte")));
	assert_null(event_type_find(SPAN("")));
	for (type = event_types(); type->name; type++)
		assert_ptr_equal(event_type_find(span_from(type->name)), type);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_every_byte_everywhere),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_buffer_error),
		cmocka_unit_test(test_severity),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
