// SPDX-License-Identifier: Apache-2.0
/*
 * core/filter and core/json_members on any bytes: members lie in the line, and where the
 * line is JSON, jansson finds as many members with the same values.
 */
#include "core/filter.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "core/json_members.h"
#include "fuzz.h"

static size_t count_members(struct span line, json_t *object)
{
	struct json_members m;
	struct span key, value;
	size_t n = 0;

	json_members_begin(&m, line);
	while (json_members_next(&m, &key, &value) > 0) {
		json_t *got, *want;

		MUST(lies_in(key, line) && lies_in(value, line));
		n++;
		if (!object || memchr(key.data, '\\', key.len))
			continue;
		want = json_object_getn(object, key.data, key.len);
		got = json_loadb(
			value.data, value.len,
			JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
		MUST(want && got && json_equal(want, got));
		json_decref(got);
	}
	return n;
}

static void match(struct span line, struct filter *f)
{
	int r = filter_match(f, line);

	MUST(r == 0 || r == 1 || r == -EBADMSG);
	filter_deinit(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span line = { (const char *)data, size };
	/* jansson 2.14 overlooks a NUL behind a number */
	json_t *object = size && memchr(data, 0, size)
				 ? NULL
				 : json_loadb(line.data, line.len,
					      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
					      NULL);
	struct filter all = { .hides_routine = true };
	struct filter some = { .since = "2026-02-10T00:00:00.000000Z" };
	struct filter none = { .hides_routine = true };
	size_t n = count_members(line, json_is_object(object) ? object : NULL);

	MUST(!json_is_object(object) || n == json_object_size(object));
	json_decref(object);
	match(line, &all);
	MUST(filter_add(&some, FILTER_TYPE, "a,m*") == 0);
	MUST(filter_add_text(&some, "x") == 0 && filter_add_data(&some, "k=1") == 0);
	MUST(filter_add_min_severity(&some, "medium") == 0);
	match(line, &some);
	MUST(filter_choose(&none, FILTER_TYPE, "m*,!a") == 0);
	MUST(filter_choose(&none, FILTER_RULE, "!x,!y*") == 0);
	MUST(filter_choose_data(&none, "k!=1") == 0);
	MUST(filter_add_severities(&none, "!high") == 0);
	match(line, &none);
	return 0;
}
