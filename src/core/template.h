/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates: what a line looks like, with names for the parts that vary.
 *
 *	Module loaded: {module} by uid {uid:int}
 *
 *	{x}		one word: bytes other than white space and control bytes, at least
 *one
 *	{x:int}		a canonical decimal number that fits into 64 bits, -17 or 0 but
 *not 007 {x:text}	at least one byte, white space too, as short as the rest allows
 *	{x:rest}	everything to the end of the line, perhaps nothing; only at the
 *end
 *	{_} {_:text} …	the same without a name: not kept
 *	{{ }}		a brace
 *
 * Matching begins at the first byte of the line. It remembers what failed where, so that
 *a hostile line costs spans × bytes, not more.
 */
#ifndef CORE_TEMPLATE_H
#define CORE_TEMPLATE_H

#include <stdint.h>

#include "lksm/module.h"

#include "base/span.h"

/** TEMPLATE_PARTS_MAX - literals and spans of one template */
#define TEMPLATE_PARTS_MAX 64

/** TEMPLATE_NAME_MAX - longest name of a span */
#define TEMPLATE_NAME_MAX 63

enum template_kind {
	TEMPLATE_LITERAL,
	TEMPLATE_WORD,
	TEMPLATE_INT,
	TEMPLATE_TEXT,
	TEMPLATE_REST,
};

struct template_part {
	enum template_kind kind;
	struct span text; /* a literal's bytes; a span's name, absent for {_} */
	int capture;	  /* place of a span's value, -1 if it is not kept */
};

struct template
{
	const struct template_part
		*parts; /* literals and spans, never two spans in a row */
	size_t n;
	size_t n_captures;
	bool is_prefix; /* the line may go on behind the last part */
};

/** What a span or a regex group took from a line. */
struct captured {
	struct span text; /* absent: a group that took no part */
	int64_t integer;
	bool is_int;
};

struct template_error {
	size_t offset; /* in the pattern as it was given */
	const char *reason;
};

/**
 * template_parse() - read a pattern
 * @pattern: 1.. bytes; changed in place ({{ becomes {), and parts point into it
 * @parts: room for TEMPLATE_PARTS_MAX
 *
 * Return: 0; -EINVAL and @error.
 */
int template_parse(char *pattern, size_t len, struct template_part *parts,
		   struct template *ret, struct template_error *error);

/** template_literal() - its longest literal, which every line that matches contains */
struct span template_literal(const struct template *t);

/** Where which span has failed within one match: one bit each. */
struct template_memo {
	size_t stride; /* bits for one part */
	uint64_t failed[(TEMPLATE_PARTS_MAX / 2 * (LKSM_VALUE_MAX + 1) + 63) / 64];
};

/**
 * template_match() - does @line look like this?
 * @line: at most LKSM_VALUE_MAX bytes; white space at its end does not count
 * @values: gets n_captures values, pointing into @line
 */
bool template_match(const struct template *t, struct span line,
		    struct template_memo *memo, struct captured *values);

/** integer_parse() - 0 and @ret if the whole of @s is a canonical decimal number, else
 * -EINVAL */
int integer_parse(struct span s, int64_t *ret);

#endif
