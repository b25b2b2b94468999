// SPDX-License-Identifier: Apache-2.0
/* See rules_page.h. */
#include "output/dashboard/rules_page.h"

#include "base/log.h"
#include "core/line_test.h"
#include "core/rules_json.h"

void rules_page_deinit(struct rules_page *page)
{
	rules_destroy(page->rules);
	page->rules = NULL;
}

static int load(struct rules_page *page)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	int r;

	if (page->rules)
		return 0;
	r = rules_load_known(page->files, &page->rules, &errors);
	if (r < 0)
		(void)log_warning_errno(r, "the rules that are in force cannot be shown");
	return r;
}

int rules_page_append_list(struct rules_page *page, struct buffer *out)
{
	int r = load(page);

	if (r < 0)
		return r;
	buffer_append_literal(out, "{\"rules\": [");
	for (size_t i = 0; i < rules_count(page->rules); i++) {
		struct rule_info info;
		uint64_t matches;

		rules_describe_at(page->rules, i, &info);
		matches = page->counters ? counters_of_rule(page->counters, info.id) : 0;
		buffer_appendf(out, "%s\n", i ? "," : "");
		rules_append_json(page->rules, &info, page->counters ? &matches : NULL,
				  out);
	}
	buffer_append_literal(out, "]}\n");
	return buffer_error(out);
}

int rules_page_append_test(struct rules_page *page, struct span line, struct buffer *out)
{
	_cleanup_(line_test_destroyp) struct line_test *test = NULL;
	const struct line_outcome *outcome;
	int r = load(page);

	if (r >= 0)
		r = line_test_create(page->rules, &test);
	if (r >= 0)
		r = line_test_try(test, line, &outcome);
	if (r < 0)
		return r;
	line_outcome_append_json(line, outcome, out);
	buffer_append_char(out, '\n');
	return buffer_error(out);
}
