/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one rule from YAML: what rules_parse.c and rules_parse_data.c share. */
#ifndef CORE_RULES_READER_H
#define CORE_RULES_READER_H

#include "core/rules_internal.h"

enum key {
	KEY_ID,
	KEY_FOR,
	KEY_MATCH,
	KEY_PREFIX,
	KEY_CONTAINS,
	KEY_REGEX,
	KEY_INT,
	KEY_ANY,
	KEY_TYPE,
	KEY_SEVERITY,
	KEY_DATA,
	KEY_TAGS,
	KEY_ATTACK,
	KEY_DROP,
	KEY_EXAMPLES,
	KEY_COUNT,
};

struct reader {
	struct rules *rules;
	struct rule *rule;
	struct yaml *yaml;
	struct yaml_pair pairs[KEY_COUNT];
	bool is_out_of_memory; /* what was read is not to be trusted: see rules_parse() */
};

/** Memory and copies that live as long as the rules; a failure is noted in the reader. */
void *reader_alloc(struct reader *rd, size_t n, size_t size);
struct span reader_copy(struct reader *rd, struct span s);

static inline bool reader_has(const struct reader *rd, enum key key)
{
	return rd->pairs[key].key != NULL;
}

/** reader_name() - a snake_case name; absent after a complaint */
struct span reader_name(struct reader *rd, const struct yaml_pair *pair,
			const char *what);
bool reader_is_name(struct span s);

/** reader_severity() - -1 after a complaint */
int reader_severity(struct reader *rd, const struct yaml_pair *pair);

/** reader_inside() - where byte @offset of a value stands: exact if written in the line
 */
struct yaml_at reader_inside(const struct yaml_pair *pair, size_t offset);

/** reader_capture() - the capture of this name, NULL if there is none */
const struct rule_capture *reader_capture(const struct rule *rule, struct span name);
void reader_complain_capture(struct reader *rd, struct yaml_at at, struct span name);

/** reader_data(), reader_examples() - the two larger keys */
void reader_data(struct reader *rd);
void reader_examples(struct reader *rd);

#endif
