// SPDX-License-Identifier: Apache-2.0
/* See rules_json.h. */
#include "core/rules_json.h"

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

void rules_append_json(const struct rules *rules, const struct rule_info *info,
		       const uint64_t *matches, struct buffer *out)
{
	buffer_append_literal(out, "{\"id\": ");
	json_append_string(out, info->id);
	json_append_member(out, "type", info->type);
	json_append_member(out, "severity", severity_span(info->severity));
	json_append_member(out, "for",
			   info->scope == RULES_KERNEL_LOG ? SPAN("kernel_log")
							   : SPAN("photon_ring"));
	json_append_member(out, "condition", info->condition);
	append_words(out, "tags", info->tags);
	append_words(out, "attack", info->attack);
	json_append_member(out, "file", span_from(info->file));
	buffer_appendf(out, ", \"line\": %d", info->line);
	append_examples(out, rules, info);
	buffer_appendf(out, ", \"drop\": %s", info->is_drop ? "true" : "false");
	if (matches) {
		buffer_append_literal(out, ", \"matches\": ");
		buffer_append_u64(out, *matches);
	}
	buffer_append_char(out, '}');
}
