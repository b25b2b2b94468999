/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of the history: the parameters of /api/v1, taken apart and checked. Pure:
 * no database, no clock. One table (query_parameters()) says what there is; it parses, and
 * /api/v1/openapi.json is made of it.
 */
#ifndef OUTPUT_HISTORY_QUERY_H
#define OUTPUT_HISTORY_QUERY_H

#include <stdint.h>

#include "base/buffer.h"

#define QUERY_VALUES_MAX 16
#define QUERY_LIMIT_MAX	 1000
#define QUERY_EXPORT_MAX 1000000

/** What can be asked; bits, because a parameter belongs to several. */
enum query_operation {
	QUERY_EVENTS = 1 << 0,
	QUERY_EVENT = 1 << 1,
	QUERY_HISTOGRAM = 1 << 2,
	QUERY_FACETS = 1 << 3,
	QUERY_STATS = 1 << 4,
	QUERY_EXPORT = 1 << 5,
};

/** The columns of dims that are words; X(name, column). */
#define QUERY_FIELDS(X)   \
	X(TYPE, type)     \
	X(SOURCE, source) \
	X(HOST, host)     \
	X(RULE, rule)     \
	X(ATTACK, attack) \
	X(TAGS, tags)     \
	X(STREAM, stream) \
	X(BOOT_ID, boot_id)

enum query_field {
#define X(name, column) QUERY_##name,
	QUERY_FIELDS(X)
#undef X
	QUERY_FIELD_COUNT,
};

/** QUERY_COLUMNS - ", type, source, …" */
#define QUERY_COLUMNS		   QUERY_FIELDS(QUERY_COLUMN)
#define QUERY_COLUMN(name, column) ", " #column

/** QUERY_SEPARATOR - between the words of a field that is a list: attack, tags */
#define QUERY_SEPARATOR '\x1f'

struct query_values {
	size_t n;
	struct {
		struct span text;
		bool is_not; /* "!text": all others */
	} items[QUERY_VALUES_MAX];
};

/** QUERY_TERMS_MAX - words and phrases of q */
#define QUERY_TERMS_MAX 64

/** A word or a phrase that is looked for, or may not be there. */
struct query_term {
	struct span text;
	bool is_prefix, is_not;
};

/** A key of data, and its value. */
struct query_pair {
	struct span key, value;
	bool is_not; /* all others, and those that have no such key */
};

struct query {
	enum query_operation operation;
	uint64_t since_us, until_us; /* since <= time < until */
	unsigned int severities;     /* bits */
	struct query_values fields[QUERY_FIELD_COUNT];
	size_t n_terms;
	struct query_term terms[QUERY_TERMS_MAX];
	size_t n_pairs;
	struct query_pair pairs[QUERY_VALUES_MAX];
	uint64_t limit;
	bool has_since, is_ascending, has_cursor, is_csv, has_too_much;
	uint64_t cursor;   /* the seq that was given last */
	uint64_t seq;	   /* QUERY_EVENT's */
	uint64_t bucket_s; /* a multiple of 60; 0: what fits */
	char *text;	   /* owned: what the spans point into */
};

struct query_parameter {
	const char *name;	 /* "data.KEY" stands for all that begin with "data." */
	unsigned int operations; /* that take it */
	const char *schema;	 /* JSON Schema of its value */
	const char *description;
	const char *takes; /* for who gave another value: "it takes ..." */
	int (*take)(struct query *q, struct span value); /* 0 or -EINVAL */
};

/** query_parameters() - the table; ends with a row whose name is NULL */
const struct query_parameter *query_parameters(void);

/**
 * query_parse() - a query string: "severity=high&q=nf_tables&data.uid=0"
 * @ret: query_deinit() is due in each case
 * @error: a sentence, if it is not well-formed
 *
 * Return: 0; -EINVAL; -ENOMEM.
 */
int query_parse(enum query_operation operation, struct span text, struct query *ret,
		struct buffer *error);
void query_deinit(struct query *q);

/** query_append_term() - @term of the full-text index, in FTS5's syntax */
void query_append_term(struct buffer *out, const struct query_term *term);

/**
 * query_term_names() - does a name have the words of @term? A phrase's, one after the other.
 * Words are of letters and digits, whatever the case of ASCII, as in the index.
 */
bool query_term_names(const struct query_term *term, struct span name);

/** query_needs_words() - minutes and dims alone cannot say what matches */
bool query_needs_words(const struct query *q);

/** query_field_is_list() - is this field a list of words? */
bool query_field_is_list(enum query_field field);

/** query_takes() - does an event with these words match, as far as dims can tell? What has
 * a word in its type or rule that may not be there does not. */
bool query_takes(const struct query *q, unsigned int severity,
		 const struct span fields[static QUERY_FIELD_COUNT]);

#endif
