// SPDX-License-Identifier: Apache-2.0
/* core/schema: one property for each row of the table, in its order, with what it says.
 */
#include "core/schema.h"

#include <jansson.h>

#include "core/event.h"
#include "expect.h"

enum {
	REQUIRED = true,
	OPTIONAL = false,
};

static const struct {
	const char *name, *title, *kind, *view, *description;
	bool is_required;
} rows[] = {
#define X(name, title, kind, presence, view, description) \
	{ #name, title, #kind, #view, description, presence },
	LKSM_EVENT_FIELDS(X)
#undef X
};

static const struct {
	const char *kind, *type;
} kinds[] = {
	{ "SEQ", "integer" }, { "SECONDS", "number" },	{ "TEXT", "string" },
	{ "DATA", "object" }, { "SEVERITY", "string" }, { "TIME", "string" },
	{ "LIST", "array" },
};

static const char *string_of(const json_t *object, const char *key)
{
	const char *string = json_string_value(json_object_get(object, key));

	return string ? string : "";
}

static json_t *load_schema(void)
{
	_cleanup_buffer_ struct buffer out = { 0 };
	json_t *schema;

	schema_append_event(&out);
	assert_int_equal(buffer_error(&out), 0);
	assert_int_equal(out.data[out.len - 1], '\n');
	schema = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(schema);
	return schema;
}

static void test_document(void **state)
{
	json_t *schema = load_schema();

	(void)state;
	assert_string_equal(string_of(schema, "$schema"),
			    "https://json-schema.org/draft/2020-12/schema");
	assert_string_equal(string_of(schema, "type"), "object");
	json_decref(schema);
}

static void check_row(const char *key, json_t *property, size_t i)
{
	assert_string_equal(key, rows[i].name);
	assert_string_equal(string_of(property, "title"), rows[i].title);
	assert_string_equal(string_of(property, "description"), rows[i].description);
	assert_string_equal(string_of(property, "x-lksm-view"),
			    strcmp(rows[i].view, "TABLE") ? "detail" : "table");
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		if (strcmp(kinds[k].kind, rows[i].kind) == 0)
			assert_string_equal(string_of(property, "type"), kinds[k].type);
	}
}

static void test_properties(void **state)
{
	json_t *schema = load_schema(), *property;
	size_t n = 0;
	const char *key;

	(void)state;
	json_object_foreach(json_object_get(schema, "properties"), key, property)
	{
		assert_in_range(n, 0, ARRAY_SIZE(rows) - 1);
		check_row(key, property, n++);
	}
	assert_int_equal(n, ARRAY_SIZE(rows));
	json_decref(schema);
}

static void test_required(void **state)
{
	json_t *schema = load_schema(), *required = json_object_get(schema, "required");
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].is_required)
			assert_string_equal(
				json_string_value(json_array_get(required, n++)),
				rows[i].name);
	}
	assert_int_equal(n, json_array_size(required));
	assert_int_equal(n, LKSM_SEED_FIELDS);
	json_decref(schema);
}

static void test_severities(void **state)
{
	json_t *schema = load_schema();
	json_t *words = json_object_get(
		json_object_get(json_object_get(schema, "properties"), "severity"),
		"enum");

	(void)state;
	assert_int_equal(json_array_size(words), EVENT_SEVERITY_COUNT);
	for (size_t i = 0; i < EVENT_SEVERITY_COUNT; i++)
		assert_string_equal(json_string_value(json_array_get(words, i)),
				    severity_name((enum lksm_severity)i));
	json_decref(schema);
}

static void test_types(void **state)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	json_t *types, *type;
	size_t n = 0;

	(void)state;
	schema_append_types(&text);
	types = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(types);
	for (const struct event_type *t = event_types(); t->name; t++, n++)
		assert_string_equal(json_string_value(json_object_get(
					    json_object_get(types, t->name), "sentence")),
				    t->sentence);
	for (const struct sensor_type *t = sensor_types(); t->name; t++)
		n += !event_type_find(span_from(t->name));
	assert_int_equal(json_object_size(types), n);
	type = json_object_get(json_object_get(types, "sandbox_violated"), "attack");
	assert_int_equal(json_array_size(type), 2);
	assert_string_equal(json_string_value(json_array_get(type, 1)), "T1068");
	json_decref(types);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document), cmocka_unit_test(test_properties),
		cmocka_unit_test(test_required), cmocka_unit_test(test_severities),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
