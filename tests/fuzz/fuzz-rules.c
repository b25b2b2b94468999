// SPDX-License-Identifier: Apache-2.0
/*
 * Rules files, and lines against them. Input: a rules file, then, behind the first NUL
 * byte, lines separated by NUL bytes. A rule that the literals' table passed over must
 * not match: that is checked here for every rule and line.
 */
#include "core/rules.h"
#include "core/rules_internal.h"
#include "fuzz.h"

/* The first rule that matches, looked for one by one. */
static const struct rule *find_slowly(const struct rules *rules,
				      struct rules_scratch *scratch,
				      enum rules_scope scope, struct span line)
{
	const struct rules_index *index = &rules->scopes[scope];

	for (size_t i = 0; i < index->n; i++)
		if (rule_matches(index->order[i], scratch, line) > 0)
			return index->order[i];
	return NULL;
}

static void match_line(const struct rules *rules, struct rules_scratch *scratch,
		       struct span line)
{
	for (int scope = 0; scope < RULES_SCOPE_COUNT; scope++) {
		_cleanup_buffer_ struct buffer out = { 0 };
		struct lksm_event event;
		const struct rule *want;
		int r;

		event_init(&event);
		r = rules_match(rules, scratch, (enum rules_scope)scope, line, &event);
		MUST(r >= 0);
		if (r == 1)
			MUST(event_encode(&out, &event, EVENT_FULL) == 0);
		if (line.len > LKSM_VALUE_MAX)
			line.len = LKSM_VALUE_MAX;
		want = find_slowly(rules, scratch, (enum rules_scope)scope, line);
		MUST((r != 0) == (want != NULL));
		if (want)
			MUST(span_equal(event.rule, want->id));
	}
}

static void match_lines(const struct rules *rules, struct span lines)
{
	struct rules_scratch *scratch = NULL;

	MUST(rules_scratch_create(rules, &scratch) == 0);
	while (lines.len) {
		const char *end = memchr(lines.data, '\0', lines.len);
		size_t n = end ? (size_t)(end - lines.data) : lines.len;

		match_line(rules, scratch, (struct span){ lines.data, n });
		lines = span_skip(lines, end ? n + 1 : n);
	}
	rules_scratch_destroy(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	struct span text = { (const char *)data, size },
		    lines = { (const char *)data, 0 };
	const char *end = size ? memchr(data, '\0', size) : NULL;
	struct rules *rules = NULL;
	int r;

	if (end) {
		text.len = (size_t)(end - text.data);
		lines = (struct span){ end + 1, size - text.len - 1 };
	}
	r = rules_load_text("fuzz.yaml", text, &rules, &errors);
	MUST(r == 0 || errors.len > 0);
	if (r == 0)
		match_lines(rules, lines);
	rules_destroy(rules);
	return 0;
}
