/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the rules share: rules_parse.c fills a struct rule from YAML,
 * rules_load.c puts files together and runs the examples, rules.c matches.
 */
#ifndef CORE_RULES_INTERNAL_H
#define CORE_RULES_INTERNAL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/literals.h"
#include "core/rules.h"
#include "core/template.h"
#include "core/yaml.h"

#define RULES_MAX	     10000
#define RULE_LITERAL_MAX     16 /* bytes of a required literal that are looked for */
#define RULE_VALUE_PARTS_MAX 32
#define RULE_PATTERN_MAX     4096
#define RULES_REPORTED	     ((uint64_t)1 << 63) /* in a rule's count of limit hits */

struct rule_capture {
	struct span name;
	uint32_t group; /* of the regex */
	bool is_int;	/* a number when it looks like one */
};

/* A piece of a value: literal text, a capture, or the whole line. */
struct rule_part {
	enum {
		PART_LITERAL,
		PART_CAPTURE,
		PART_LINE
	} kind;
	struct span literal;
	size_t capture;
};

/* One key of data: fixed (a number, true, false), or text put together from parts. */
struct rule_value {
	struct datum fixed; /* its key counts for both; text absent: not fixed */
	bool is_fixed;
	const struct rule_part *parts;
	size_t n_parts;
};

struct rule_example {
	struct yaml_at at;
	struct span line;
	struct span type; /* absent: not checked */
	int severity;	  /* -1: not checked */
	bool is_no_match;
	bool has_data;
	const struct datum *data;
	size_t n_data;
};

struct rule {
	struct span id;
	struct span type;
	struct span tags;
	struct span attack;
	enum lksm_severity severity;
	enum rules_scope scope;
	bool is_drop;
	bool is_any;
	const struct template *template; /* or NULL */
	pcre2_code *regex;		 /* or NULL; owned */
	const struct span *contains;
	size_t n_contains;
	struct span condition; /* for people */
	struct span literal; /* every line that matches contains it; absent: not known */
	const struct rule_capture *captures;
	size_t n_captures;
	const struct rule_value *values;
	size_t n_values;
	const struct rule_example *examples;
	size_t n_examples;
	const char *file;
	struct yaml_at at;
	size_t index;  /* in rules->items */
	size_t folder; /* which of rules_load()'s paths it came from */
};

/* The rules of one scope in the order of trying them; bit i of a bitmap stands for
 * order[i]. */
struct rules_index {
	struct rule **order;
	size_t n;
	uint64_t *always; /* those without a literal */
	struct literals *literals;
};

struct rules_block;

struct rules {
	struct rules_block *blocks; /* memory of everything below but the regexes */
	struct rule **items;
	size_t n;
	size_t capacity;
	struct rules_index scopes[RULES_SCOPE_COUNT];
	bool is_known; /* rules_load_known() */
};

int rules_create(struct rules **ret);

/** rules_alloc() - zeroed memory that lives as long as the rules; NULL if there is none
 */
void *rules_alloc(struct rules *rules, size_t size);

/** rules_copy() - the same for a copy of bytes, with a NUL behind it; 0 or -ENOMEM */
int rules_copy(struct rules *rules, struct span s, struct span *ret);

/** rules_add() - an empty rule at the end; NULL if there is no memory */
struct rule *rules_add(struct rules *rules);

/** rules_build_index() - no rule is added afterwards; 0, -ENOMEM, -E2BIG */
int rules_build_index(struct rules *rules);

/** rules_parse() - add the rules of one parsed file; complaints go to @yaml; 0 or -ENOMEM
 */
int rules_parse(struct rules *rules, struct yaml *yaml, const char *file, size_t folder);

/** rule_matches() - 1, 0, or a negative PCRE2 error: the regex took too long */
int rule_matches(const struct rule *rule, struct rules_scratch *scratch,
		 struct span text);

/** rules_find() - the first rule that matches, NULL if none does */
const struct rule *rules_find(const struct rules *rules, struct rules_scratch *scratch,
			      enum rules_scope scope, struct span text);

/** rule_fill() - after a match: type, severity, data … of the event; 0 or -ENOMEM */
int rule_fill(const struct rule *rule, struct rules_scratch *scratch, struct span text,
	      struct lksm_event *event);

/**
 * rules_compile_regex() - 0; -EINVAL, @ret_offset and the reason; -ENOMEM
 * @may_make_code: machine code, which is faster
 */
int rules_compile_regex(struct span pattern, bool may_make_code, pcre2_code **ret,
			size_t *ret_offset, char reason[static 128]);

/**
 * rules_regex_literal() - bytes that every match of a regex contains
 * @ret: RULE_LITERAL_MAX bytes
 *
 * Return: how many; 0 if that cannot be told.
 */
size_t rules_regex_literal(struct span pattern, char *ret);

#endif
