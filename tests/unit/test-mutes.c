// SPDX-License-Identifier: Apache-2.0
/* core/mutes: what a file of mutes says, which lines it hides, and what nothing hides. */
#include "core/mutes.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/mutes_file.h"
#include "core/mutes_page.h"
#include "expect.h"
#include "fixture.h"
#include "folder.h"

#define NOW_US ((uint64_t)1770724800 * 1000000) /* 2026-02-10T12:00:00Z */

#define LINE(type, data, more)                                                   \
	"{\"seq\": 7, \"ts\": 1.000002, \"type\": \"" type "\", \"data\": " data \
	", \"severity\": \"high\", \"source\": \"lksm\"" more "}\n"

static void parse(const char *name, const char *text, struct mutes *ret)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r = mutes_parse("m.yaml", span_from(text), ret, &errors);

	expect_span(name, "complaint", buffer_span(&errors), SPAN(""));
	expect_number(name, "result", r, 0);
}

static const struct match_case {
	const char *name, *criteria, *line;
	bool want;
} match_cases[] = {
	{ "type", "type: a", LINE("a", "{}", ""), true },
	{ "another type", "type: a", LINE("b", "{}", ""), false },
	{ "one of two", "type: 'b,a'", LINE("a", "{}", ""), true },
	{ "a pattern", "type: 'modu*'", LINE("module_loaded", "{}", ""), true },
	{ "rule", "rule: r", LINE("a", "{}", ", \"rule\": \"r\""), true },
	{ "no rule", "rule: r", LINE("a", "{}", ""), false },
	{ "data", "data: {k: v, n: 7}", LINE("a", "{\"k\": \"v\", \"n\": 7}", ""), true },
	{ "data in part", "data: {k: v, n: 7}", LINE("a", "{\"k\": \"v\"}", ""), false },
	{ "all of it", "{type: a, source: lksm, data: {k: v}}",
	  LINE("a", "{\"k\": \"v\"}", ""), true },
	{ "not all of it", "{type: a, source: x, data: {k: v}}",
	  LINE("a", "{\"k\": \"v\"}", ""), false },
	{ "not over", "{type: a, until: '2026-02-10T12:00:01Z'}", LINE("a", "{}", ""),
	  true },
	{ "over", "{type: a, until: '2026-02-10T12:00:00Z'}", LINE("a", "{}", ""),
	  false },
	{ "no event", "type: a", "hello", false },
	{ "no type", "source: lksm", "{\"seq\": 1, \"source\": \"lksm\"}", false },
	{ "what is ours", "source: lksm", LINE("clock_jumped", "{}", ""), true },
	{ "the sensor is gone", "source: lksm", LINE("sensor_gone", "{}", ""), false },
	{ "the log is changed", "source: lksm", LINE("log_tampered", "{}", ""), false },
	{ "records are lost", "source: lksm", LINE("records_lost", "{}", ""), false },
	{ "the sensor sees nothing", "source: lksm", LINE("sensor_disarmed", "{}", ""),
	  false },
	{ "somebody mutes", "source: lksm", LINE("mute_added", "{}", ""), false },
	{ "a type in disguise", "source: lksm", LINE("sensor\\u005fgone", "{}", ""),
	  false },
};

static void test_what_is_muted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(match_cases); i++) {
		const struct match_case *c = &match_cases[i];
		_cleanup_buffer_ struct buffer text = { 0 };
		_cleanup_mutes_ struct mutes m = { 0 };
		size_t n = strlen(c->criteria);

		if (*c->criteria == '{')
			buffer_appendf(&text, "mutes: [{id: 1, %.*s}]", (int)n - 2,
				       c->criteria + 1);
		else
			buffer_appendf(&text, "mutes: [{id: 1, %s}]", c->criteria);
		parse(c->name, buffer_cstring(&text), &m);
		expect_number(c->name, "muted",
			      mutes_match(&m, span_from(c->line), NOW_US), c->want);
	}
}

static void take_words(const json_t *mute, const char *key, enum filter_field field,
		       struct filter *ret)
{
	const json_t *word;
	size_t i;

	json_array_foreach(json_object_get(mute, key), i, word)
		assert_int_equal(filter_add(ret, field, json_string_value(word)), 0);
}

static void take_mute(const json_t *json, struct mutes *ret)
{
	_cleanup_mute_ struct mute m = { .id = 1 };
	const json_t *datum;
	size_t i;

	take_words(json, "type", FILTER_TYPE, &m.filter);
	take_words(json, "rule", FILTER_RULE, &m.filter);
	take_words(json, "source", FILTER_SOURCE, &m.filter);
	json_array_foreach(json_object_get(json, "data"), i, datum)
		assert_int_equal(filter_add_data(&m.filter, json_string_value(datum)), 0);
	assert_int_equal(mutes_add(ret, &m), 0);
}

/* The page does the same by itself: tests/browser/unit.test.mjs has the same cases. */
static void test_the_page_has_to_agree(void **state)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	json_t *cases;
	const json_t *c;
	size_t i;

	(void)state;
	read_fixture("mutes/agreement.json", &text);
	cases = json_loadb(text.data, text.len, 0, NULL);
	assert_true(json_array_size(cases) > 0);
	json_array_foreach(cases, i, c)
	{
		const char *line = json_string_value(json_object_get(c, "line"));
		_cleanup_mutes_ struct mutes m = { 0 };

		take_mute(json_object_get(c, "mute"), &m);
		expect_number(json_string_value(json_object_get(c, "name")), "muted",
			      mutes_match(&m, span_from(line), NOW_US),
			      json_is_true(json_object_get(c, "is_muted")));
	}
	json_decref(cases);
}

static const struct refusal {
	const char *name, *text, *want;
} refusals[] = {
	{ "no list", "mutes: 7", "m.yaml:1:8: mutes must be a list\n" },
	{ "unknown key", "mutes:\n  - {id: 1, tpye: a}",
	  "m.yaml:2:13: unknown key 'tpye' (did you mean 'type'?)\n" },
	{ "no id", "mutes:\n  - {type: a}", "m.yaml:2:6: a mute needs an id\n" },
	{ "id is a word", "mutes:\n  - {id: x, type: a}",
	  "m.yaml:2:10: id must be a number from 1 on\n" },
	{ "twice", "mutes:\n  - {id: 1, type: a}\n  - {id: 1, type: b}",
	  "m.yaml:3:6: id 1 comes twice\n" },
	{ "nothing chosen", "mutes:\n  - {id: 1, reason: x}",
	  "m.yaml:2:6: at least one of type, rule, source and data has to say which "
	  "events\n" },
	{ "no time", "mutes:\n  - {id: 1, type: a, until: soon}",
	  "m.yaml:2:29: until must be a time: 2026-02-10T12:00:00Z\n" },
	{ "a control character", "mutes:\n  - {id: 1, type: a, reason: \"\\e[2J\"}",
	  "m.yaml:2:31: reason must be text of 1 to 500 bytes without control "
	  "characters\n" },
	{ "protected", "mutes:\n  - {id: 1, type: 'a,sensor_gone'}",
	  "m.yaml:2:6: sensor_gone cannot be muted: it tells that somebody attacks LKSM "
	  "itself, or what it was told\n" },
	{ "protected by a pattern", "mutes:\n  - {id: 1, type: 'log_tam*'}",
	  "m.yaml:2:6: log_tampered cannot be muted: it tells that somebody attacks LKSM "
	  "itself, or what it was told\n" },
};

static void test_what_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		_cleanup_buffer_ struct buffer errors = { 0 };
		struct mutes m = { 0 };
		int r = mutes_parse("m.yaml", span_from(refusals[i].text), &m, &errors);

		expect_span(refusals[i].name, "complaint", buffer_span(&errors),
			    span_from(refusals[i].want));
		expect_number(refusals[i].name, "result", r, -EINVAL);
		expect_number(refusals[i].name, "mutes", (int64_t)m.n, 0);
	}
}

static void test_every_word_for_all_is_refused(void **state)
{
	static const char *const types[] = {
		"*",	   "?*",	 "records_lost", "sensor_*",	   "log_*",
		"mute_*",  "sandbox_v*", "*_stopped",	 "[l]og_tampered", "log_filtered",
		"x,*gone", "mutes_*",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_buffer_ struct buffer why = { 0 };
		_cleanup_mute_ struct mute m = { .id = 1 };

		assert_int_equal(filter_add(&m.filter, FILTER_TYPE, types[i]), 0);
		expect_number(types[i], "result", mute_check(&m, &why), -EINVAL);
	}
}

static void test_there_may_be_so_many(void **state)
{
	_cleanup_buffer_ struct buffer text = { 0 }, errors = { 0 };
	struct mutes m = { 0 };

	(void)state;
	buffer_append_literal(&text, "mutes:\n");
	for (int i = 1; i <= MUTES_MAX; i++)
		buffer_appendf(&text, "  - {id: %d, type: a}\n", i);
	assert_int_equal(mutes_parse("m.yaml", buffer_span(&text), &m, &errors), 0);
	assert_int_equal(m.n, MUTES_MAX);
	mutes_deinit(&m);
	buffer_appendf(&text, "  - {id: %d, type: a}\n", MUTES_MAX + 1);
	assert_int_equal(mutes_parse("m.yaml", buffer_span(&text), &m, &errors), -EINVAL);
	expect_span("too many", "complaint", buffer_span(&errors),
		    SPAN("m.yaml:202:6: more than 200 mutes\n"));
}

static const char whole[] =
	"# Events that are muted: `lksm mute` writes this file, and docs/daily-work.md "
	"tells of it.\n"
	"mutes:\n"
	"  - id: 3\n"
	"    type: \"a,b*\"\n"
	"    rule: \"r: #x\"\n"
	"    source: \"s\"\n"
	"    data: {\"k\": \"it's \\\"so\\\"\", \"n\": \"7\"}\n"
	"    until: 2026-02-10T12:00:00.000001Z\n"
	"    reason: \"für immer \\u2028 {x}\"\n"
	"    added: 2026-02-10T11:00:00.000000Z\n"
	"    by: \"root (uid 0)\"\n"
	"  - id: 4\n"
	"    type: \"c\"\n";

/* And the first of them for programs. */
#define JSON                                                                         \
	"{\"id\": 3, \"type\": [\"a\", \"b*\"], \"rule\": [\"r: #x\"], \"source\": " \
	"[\"s\"], \"data\": [\"k=it's \\\"so\\\"\", \"n=7\"], \"until\": "           \
	"\"2026-02-10T12:00:00.000001Z\", \"reason\": \"für immer \\u2028 {x}\", "  \
	"\"by\": \"root (uid 0)\"}"

static void test_what_is_written_is_read(void **state)
{
	_cleanup_buffer_ struct buffer again = { 0 }, what = { 0 };
	_cleanup_mutes_ struct mutes m = { 0 };

	(void)state;
	parse("whole", whole, &m);
	mutes_format(&m, &again);
	expect_span("whole", "text", buffer_span(&again), span_from(whole));
	mute_append_what(&m.items[0], &what);
	expect_span("whole", "what", buffer_span(&what),
		    SPAN("type=a,b* rule=r: #x source=s data.k=it's \"so\" data.n=7"));
	assert_int_equal(m.items[0].until_us, NOW_US + 1);
	mutes_remove(&m, 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.items[0].id, 4);
}

/* A file that is not there says the same as an empty one. */
static void test_a_file_comes_changes_and_goes(void **state)
{
	char folder[] = "/tmp/lksm-test-mutes-XXXXXX", path[64];
	_cleanup_buffer_ struct buffer errors = { 0 }, lines = { 0 };
	_cleanup_mutes_ struct mutes m = { 0 }, read = { 0 };
	struct mutes_file file = { .path = path };

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/mutes.yaml", folder);
	assert_true(mutes_file_is_news(&file));
	assert_false(mutes_file_is_news(&file));
	assert_int_equal(mutes_load(path, &m, &errors), 0);
	assert_int_equal(m.n, 0);
	parse("whole", whole, &m);
	assert_int_equal(mutes_store(path, &m), 0);
	assert_true(mutes_file_is_news(&file));
	assert_false(mutes_file_is_news(&file));
	assert_int_equal(mutes_load(path, &read, &errors), 0);
	assert_int_equal(read.n, 2);
	assert_int_equal(mutes_load_lines(path, &lines), 0);
	expect_span("lines", "text", buffer_span(&lines),
		    SPAN("3\ttype=a,b* rule=r: #x source=s data.k=it's \"so\" data.n=7\t"
			 "2026-02-10T12:00:00.000001Z\tfür immer \u2028 {x}\t"
			 "root (uid 0)\t" JSON "\n4\ttype=c\t\t\t\t{\"id\": 4, \"type\": "
			 "[\"c\"]}\n"));
	assert_int_equal(unlink(path), 0);
	assert_true(mutes_file_is_news(&file));
	remove_folder(folder);
}

static void test_the_protected_are_listed(void **state)
{
	_cleanup_buffer_ struct buffer list = { 0 };

	(void)state;
	mutes_append_protected(&list);
	assert_true(span_contains(buffer_span(&list), SPAN("[\"records_lost\", ")));
	assert_true(span_contains(buffer_span(&list), SPAN(", \"log_tampered\"")));
	assert_false(span_contains(buffer_span(&list), SPAN("module_loaded")));
	for (const struct event_type *row = event_types(); row->name; row++) {
		_cleanup_buffer_ struct buffer name = { 0 };

		buffer_appendf(&name, "\"%s\"", row->name);
		if (span_contains(buffer_span(&list), buffer_span(&name)) !=
		    mutes_protects(span_from(row->name)))
			fail_msg("%s", row->name);
	}
}

/* A page has one whole text, or says that it has none. */
static void test_a_page_has_a_whole_text(void **state)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	const struct mutes_page *view;
	struct mutes_page *page;

	(void)state;
	assert_int_equal(mutes_page_create(&page, &view), 0);
	assert_int_equal(mutes_page_read(page, &text), 0);
	assert_int_equal(mutes_page_write(page, SPAN("one")), 0);
	assert_int_equal(mutes_page_write(page, SPAN("two")), 0);
	assert_int_equal(mutes_page_write(page, (struct span){ "", MUTES_PAGE_MAX + 1 }),
			 -EFBIG);
	assert_int_equal(mutes_page_read(page, &text), 4);
	expect_span("page", "text", buffer_span(&text), SPAN("two"));
	atomic_fetch_add(&page->number, 1); /* a third is being written */
	assert_int_equal(mutes_page_read(page, &text), 0);
	expect_span("page", "text", buffer_span(&text), SPAN("two"));
	mutes_page_unmap(view);
	mutes_page_unmap(page);
}

/* Whoever has the process that reads asks the kernel in vain. */
static void test_a_view_can_only_be_read(void **state)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	const struct mutes_page *view;
	struct mutes_page *page;

	(void)state;
	assert_int_equal(mutes_page_create(&page, &view), 0);
	assert_int_equal(mutes_page_write(page, SPAN("one")), 0);
	mutes_page_unmap(page);
	assert_int_equal(mutes_page_read(view, &text), 2);
	expect_span("page", "text", buffer_span(&text), SPAN("one"));
	assert_int_equal(
		mprotect((void *)(uintptr_t)view, sizeof(*view), PROT_READ | PROT_WRITE),
		-1);
	assert_int_equal(errno, EACCES);
	mutes_page_unmap(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_muted),
		cmocka_unit_test(test_the_page_has_to_agree),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_every_word_for_all_is_refused),
		cmocka_unit_test(test_there_may_be_so_many),
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_a_file_comes_changes_and_goes),
		cmocka_unit_test(test_the_protected_are_listed),
		cmocka_unit_test(test_a_page_has_a_whole_text),
		cmocka_unit_test(test_a_view_can_only_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
