// SPDX-License-Identifier: Apache-2.0
/* core/batch: what goes in comes out, within the limits, and nothing half-way. */
#include "core/batch.h"

#include <errno.h>

#include "expect.h"

static const struct now now = { 5000000, 1700000000000000 };

static struct lksm_batch *make(bool is_builtin)
{
	struct lksm_batch *b;

	assert_int_equal(batch_create(&b), 0);
	batch_reset(b, "some_module", is_builtin, now);
	return b;
}

static void test_event(void **state)
{
	struct lksm_batch *b = make(false);
	struct lksm_event event;
	char value[] = "copied";

	(void)state;
	assert_int_equal(batch_emit(b, 0, "first", LKSM_MEDIUM), 0);
	assert_int_equal(batch_add_str(b, "a", value, 6), 0);
	assert_int_equal(batch_add_int(b, "b", INT64_MIN), 0);
	assert_int_equal(batch_emit(b, 3000000, "second", LKSM_INFO), 0);
	assert_int_equal(batch_add_json(b, "c", SPAN("[1, 2]")), 0);
	memset(value, 'x', 6);
	assert_int_equal(batch_count(b), 2);
	assert_false(batch_get(b, 0, NULL, &event));
	expect_text("first", "type", event.type, "first");
	expect_text("first", "source", event.source, "some_module");
	expect_number("first", "severity", event.severity, LKSM_MEDIUM);
	expect_number("first", "ts is now", (int64_t)event.ts, 5000000);
	expect_number("first", "time is now", (int64_t)event.time, 1700000000000000);
	expect_number("first", "keys", (int64_t)event.data.n, 2);
	expect_text("first", "a", event.data.items[0].text, "copied");
	expect_number("first", "b", event.data.items[1].integer, INT64_MIN);
	expect_text("first", "raw", event.raw, NULL);
	assert_false(batch_get(b, 1, NULL, &event));
	expect_number("second", "ts", (int64_t)event.ts, 3000000);
	expect_number("second", "time", (int64_t)event.time, 1699999998000000);
	expect_number("second", "keys", (int64_t)event.data.n, 1);
	expect_text("second", "c", event.data.items[0].text, "[1, 2]");
	batch_destroy(b);
}

/* A registry, and the names in it, is gone before the writer has taken the last batch. */
static void test_source_outlives_its_module(void **state)
{
	char name[] = "some_module";
	struct lksm_batch *b;
	struct lksm_event event;

	(void)state;
	assert_int_equal(batch_create(&b), 0);
	batch_reset(b, name, false, now);
	assert_int_equal(batch_emit(b, 0, "first", LKSM_INFO), 0);
	memset(name, 'x', sizeof(name) - 1);
	assert_false(batch_get(b, 0, NULL, &event));
	expect_text("first", "source", event.source, "some_module");
	batch_destroy(b);
}

/* A module's own row of event_types.h gives its events their ids, nobody else's. */
static void test_attack(void **state)
{
	static const char *const names[] = { "crossview", "some_module" };
	static const char *const want[] = { "T1014", NULL };
	struct lksm_event event;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct lksm_batch *b = make(false);

		batch_reset(b, names[i], false, now);
		assert_int_equal(batch_emit(b, 0, "process_hidden", LKSM_CRITICAL), 0);
		assert_false(batch_get(b, 0, NULL, &event));
		expect_text(names[i], "source", event.source, names[i]);
		expect_text(names[i], "attack", event.attack, want[i]);
		batch_destroy(b);
	}
}

static void test_source(void **state)
{
	static const struct {
		const char *name, *type;
		bool is_builtin, is_own;
		const char *want;
	} cases[] = {
		{ "our own type by a built-in", "records_lost", true, false, "lksm" },
		{ "our own type by a guest", "records_lost", false, false,
		  "some_module" },
		{ "another type by a built-in", "disk_hot", true, false, "some_module" },
		{ "about a guest", "module_failed", false, true, "lksm" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct lksm_batch *b = make(cases[i].is_builtin);
		struct lksm_event event;
		int r = cases[i].is_own ? batch_emit_own(b, cases[i].type, LKSM_HIGH)
					: batch_emit(b, 0, cases[i].type, LKSM_HIGH);

		expect_number(cases[i].name, "emit", r, 0);
		(void)batch_get(b, 0, NULL, &event);
		expect_text(cases[i].name, "source", event.source, cases[i].want);
		batch_destroy(b);
	}
}

static void test_types(void **state)
{
	static const struct {
		const char *in;
		int want;
	} cases[] = {
		{ "a", 0 },
		{ "a_1", 0 },
		{ "x23456789012345678901234567890123456789012345678901234567890123", 0 },
		{ "x234567890123456789012345678901234567890123456789012345678901234",
		  -EINVAL },
		{ "", -EINVAL },
		{ "1a", -EINVAL },
		{ "_a", -EINVAL },
		{ "Disk", -EINVAL },
		{ "a-b", -EINVAL },
		{ "a\"b", -EINVAL },
		{ NULL, -EINVAL },
	};
	struct lksm_batch *b = make(false);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number(cases[i].in ? cases[i].in : "NULL", "emit",
			      batch_emit(b, 0, cases[i].in, LKSM_INFO), cases[i].want);
	expect_number("severity", "emit", batch_emit(b, 0, "a", (enum lksm_severity)4),
		      -EINVAL);
	expect_number("severity", "emit", batch_emit(b, 0, "a", (enum lksm_severity) - 1),
		      -EINVAL);
	batch_destroy(b);
}

static void test_keys(void **state)
{
	static char long_text[LKSM_VALUE_MAX + 1];
	struct lksm_batch *b = make(false);
	char key[24];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	expect_number("no event", "add", batch_add_int(b, "a", 1), -EINVAL);
	assert_int_equal(batch_emit(b, 0, "type", LKSM_INFO), 0);
	expect_number("empty key", "add", batch_add_int(b, "", 1), -EINVAL);
	expect_number("no key", "add", batch_add_int(b, NULL, 1), -EINVAL);
	expect_number("key that is no text", "add", batch_add_int(b, "\xff", 1), -EINVAL);
	expect_number("no value", "add", batch_add_str(b, "a", NULL, 0), -EINVAL);
	expect_number("long value", "add",
		      batch_add_str(b, "a", long_text, sizeof(long_text)), -EINVAL);
	expect_number("longest value", "add",
		      batch_add_str(b, "a", long_text, LKSM_VALUE_MAX), 0);
	expect_number("a key twice", "add", batch_add_int(b, "a", 1), -EINVAL);
	for (int i = 1; i < EVENT_DATA_MAX; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		expect_number(key, "add", batch_add_int(b, key, i), 0);
	}
	expect_number("one key too many", "add", batch_add_int(b, "more", 1), -ENOSPC);
	batch_destroy(b);
}

/* What is not UTF-8 is kept in raw; several keys stand side by side. */
static void test_raw(void **state)
{
	struct lksm_batch *b = make(false);
	struct lksm_event event;

	(void)state;
	assert_int_equal(batch_emit(b, 0, "first", LKSM_INFO), 0);
	assert_int_equal(batch_add_str(b, "a", "x\xff", 2), 0);
	assert_int_equal(batch_add_str(b, "fine", "y", 1), 0);
	assert_int_equal(batch_add_str(b, "b", "\xfe z", 3), 0);
	assert_int_equal(batch_emit(b, 0, "second", LKSM_INFO), 0);
	assert_int_equal(batch_set_raw(b, SPAN("given")), 0);
	(void)batch_get(b, 0, NULL, &event);
	expect_text("made", "raw", event.raw, "a=x\\xff b=\\xfe z");
	(void)batch_get(b, 1, NULL, &event);
	expect_text("given", "raw", event.raw, "given");
	batch_destroy(b);
}

static void test_record(void **state)
{
	const struct lksm_record in = { .stream = "kmsg",
					.stream_seq = 7,
					.ts_us = 4000000,
					.level = 6,
					.facility = 1,
					.text = "hello",
					.text_len = 5 };
	struct lksm_record dated = in, out, longer = in;
	struct lksm_batch *b = make(false);

	(void)state;
	expect_number("by a guest", "emit_record", batch_emit_record(b, &in),
		      -EOPNOTSUPP);
	batch_reset(b, "some_module", true, now);
	dated.time_us = 12345;
	longer.text_len = LKSM_VALUE_MAX + 1;
	expect_number("by a built-in", "emit_record", batch_emit_record(b, &in), 0);
	expect_number("dated", "emit_record", batch_emit_record(b, &dated), 0);
	expect_number("too long", "emit_record", batch_emit_record(b, &longer), -EINVAL);
	expect_number("a key of a record", "add", batch_add_int(b, "a", 1), -EINVAL);
	assert_int_equal(batch_count(b), 2);
	assert_true(batch_get(b, 0, &out, NULL));
	assert_string_equal(out.stream, "kmsg");
	assert_string_equal(out.text, "hello");
	assert_ptr_not_equal(out.text, in.text);
	expect_number("record", "stream_seq", (int64_t)out.stream_seq, 7);
	expect_number("record", "facility", out.facility, 1);
	expect_number("record", "time", (int64_t)out.time_us, 1699999999000000);
	assert_true(batch_get(b, 1, &out, NULL));
	expect_number("dated", "time", (int64_t)out.time_us, 12345);
	batch_destroy(b);
}

/* has_room() promises two of the longest records and some items: always true to its word. */
static void test_room(void **state)
{
	static char text[LKSM_VALUE_MAX];
	const struct lksm_record record = { .stream = "kmsg",
					    .text = text,
					    .text_len = sizeof(text) };
	struct lksm_batch *b = make(true);
	size_t n;

	(void)state;
	for (n = 0; batch_has_room(b); n++)
		assert_int_equal(batch_emit_record(b, &record), 0);
	assert_true(n > 32 && n < LKSM_BATCH_EVENTS);
	assert_int_equal(batch_emit_record(b, &record),
			 0); /* the second of the promised two */
	while (batch_emit_record(b, &record) == 0)
		n++;
	assert_int_equal(batch_emit_record(b, &record), -ENOSPC);

	batch_reset(b, "some_module", true, now);
	for (n = 0; batch_has_room(b); n++)
		assert_int_equal(batch_emit(b, 0, "x", LKSM_INFO), 0);
	assert_int_equal(n, LKSM_BATCH_EVENTS - BATCH_RESERVE_ITEMS + 1);
	while (batch_emit(b, 0, "x", LKSM_INFO) == 0)
		n++;
	assert_int_equal(n, LKSM_BATCH_EVENTS);
	assert_int_equal(batch_emit(b, 0, "x", LKSM_INFO), -ENOSPC);
	assert_int_equal(batch_count(b), LKSM_BATCH_EVENTS);
	batch_destroy(b);
}

/* Filled with keys and texts to the last byte, both ends of the arena stay apart. */
static void test_full(void **state)
{
	struct lksm_batch *b = make(false);
	struct lksm_event event;
	char key[32], value[100];
	size_t n_events = 0, n_keys = 0;

	(void)state;
	memset(value, 'v', sizeof(value));
	while (batch_emit(b, 0, "event", LKSM_INFO) == 0) {
		n_events++;
		for (size_t i = 0; i < EVENT_DATA_MAX; i++) {
			(void)snprintf(key, sizeof(key), "key%zu", i);
			n_keys += batch_add_str(b, key, value, sizeof(value)) == 0;
		}
	}
	assert_true(n_keys > 3000 && n_keys < n_events * EVENT_DATA_MAX);
	for (size_t i = 0; i < n_events; i++) {
		assert_false(batch_get(b, i, NULL, &event));
		n_keys -= event.data.n;
		for (size_t k = 0; k < event.data.n; k++) {
			(void)snprintf(key, sizeof(key), "key%zu", k);
			expect_text("full", "key", event.data.items[k].key, key);
			expect_span("full", "value", event.data.items[k].text,
				    (struct span){ value, sizeof(value) });
		}
	}
	assert_int_equal(n_keys, 0);
	batch_destroy(b);
}

static void test_cancel(void **state)
{
	struct lksm_batch *b = make(false);
	struct lksm_event event;

	(void)state;
	assert_int_equal(batch_emit(b, 0, "stays", LKSM_INFO), 0);
	assert_int_equal(batch_add_int(b, "a", 1), 0);
	assert_int_equal(batch_emit(b, 0, "goes", LKSM_INFO), 0);
	assert_int_equal(batch_add_int(b, "b", 2), 0);
	batch_cancel(b);
	assert_int_equal(batch_emit(b, 0, "next", LKSM_INFO), 0);
	assert_int_equal(batch_add_int(b, "c", 3), 0);
	assert_int_equal(batch_count(b), 2);
	(void)batch_get(b, 0, NULL, &event);
	expect_number("stays", "a", event.data.items[0].integer, 1);
	(void)batch_get(b, 1, NULL, &event);
	expect_text("next", "type", event.type, "next");
	expect_number("next", "keys", (int64_t)event.data.n, 1);
	expect_number("next", "c", event.data.items[0].integer, 3);
	for (int i = 0; i < 20000; i++) { /* what is taken back takes no room */
		assert_int_equal(batch_emit(b, 0, "goes", LKSM_INFO), 0);
		assert_int_equal(batch_add_str(b, "text", "some text of its own", 20), 0);
		batch_cancel(b);
	}
	batch_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_attack),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_source_outlives_its_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
