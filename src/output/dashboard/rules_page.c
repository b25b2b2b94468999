// SPDX-License-Identifier: Apache-2.0
/* See rules_page.h. */
#include "output/dashboard/rules_page.h"

#include "base/log.h"
#include "core/line_test.h"

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

/* "taint hook" → ["taint", "hook"] */
static void append_words(struct buffer *out, const char *key, struct span words)
{
	const char *join = "";

	buffer_appendf(out, ", \"%s\": [", key);
	while (words.len) {
		const char *end = memchr(words.data, ' ', words.len);
		struct span word = { words.data,
				     end ? (size_t)(end - words.data) : words.len };

		buffer_appendf(out, "%s", join);
		json_append_string(out, word);
		join = ", ";
		words = span_skip(words, word.len + (end ? 1 : 0));
	}
	buffer_append_char(out, ']');
}

static void append_examples(struct buffer *out, const struct rules *rules,
			    const struct rule_info *info)
{
	buffer_append_literal(out, ", \"examples\": [");
	for (size_t i = 0; i < info->n_examples; i++) {
		buffer_appendf(out, "%s", i ? ", " : "");
		json_append_string(out, rules_example(rules, info->id, i));
	}
	buffer_append_char(out, ']');
}

static void append_rule(struct buffer *out, const struct rules_page *page,
			const struct rule_info *info)
{
	buffer_append_literal(out, "{\"id\": ");
	json_append_string(out, info->id);
	json_append_member(out, "type", info->type);
	json_append_member(out, "severity", span_from(severity_name(info->severity)));
	json_append_member(out, "for",
			   info->scope == RULES_KERNEL_LOG ? SPAN("kernel_log")
							   : SPAN("photon_ring"));
	json_append_member(out, "condition", info->condition);
	append_words(out, "tags", info->tags);
	append_words(out, "attack", info->attack);
	json_append_member(out, "file", span_from(info->file));
	buffer_appendf(out, ", \"line\": %d", info->line);
	append_examples(out, page->rules, info);
	buffer_appendf(out, ", \"drop\": %s", info->is_drop ? "true" : "false");
	if (page->counters) {
		buffer_append_literal(out, ", \"matches\": ");
		buffer_append_u64(out, counters_of_rule(page->counters, info->id));
	}
	buffer_append_char(out, '}');
}

int rules_page_append_list(struct rules_page *page, struct buffer *out)
{
	int r = load(page);

	if (r < 0)
		return r;
	buffer_append_literal(out, "{\"rules\": [");
	for (size_t i = 0; i < rules_count(page->rules); i++) {
		struct rule_info info;

		rules_describe_at(page->rules, i, &info);
		buffer_appendf(out, "%s\n", i ? "," : "");
		append_rule(out, page, &info);
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
