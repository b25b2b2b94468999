// SPDX-License-Identifier: Apache-2.0
/*
 * A question's words as FTS5 wants them: what has to be there, joined by AND, and NOT what may not
 * be there. What stands in dims is looked for by its kind.
 */
#include <errno.h>
#include <inttypes.h>

#include "output/history/reader_internal.h"

#define KINDS_IN_TEXT 64 /* so many are looked for by the full-text index, too */

static int compare_kinds(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The kinds of some dims, each once; NULL: no memory. */
static int64_t *list_kinds(const struct reader *r,
			   bool (*is_one)(const struct dim *d, const void *context),
			   const void *context, size_t *ret_n)
{
	int64_t *kinds = malloc((r->n_dims + 1) * sizeof(*kinds));
	size_t n = 0, n_unique = 0;

	if (!kinds)
		return NULL;
	for (size_t i = 0; i < r->n_dims; i++)
		if (is_one(&r->dims[i], context))
			kinds[n++] = r->dims[i].kind;
	qsort(kinds, n, sizeof(*kinds), compare_kinds);
	for (size_t i = 0; i < n; i++)
		if (!n_unique || kinds[n_unique - 1] != kinds[i])
			kinds[n_unique++] = kinds[i];
	*ret_n = n_unique;
	return kinds;
}

static bool is_any(const struct dim *d, const void *context)
{
	(void)d, (void)context;
	return true;
}

static bool is_taken(const struct dim *d, const void *context)
{
	(void)context;
	return d->is_taken;
}

static bool is_named(const struct dim *d, const void *term)
{
	return d->is_taken && (query_term_names(term, d->fields[QUERY_TYPE]) ||
			       query_term_names(term, d->fields[QUERY_RULE]));
}

static void append_kinds(const int64_t *kinds, size_t n, const char *join,
			 struct buffer *out)
{
	for (size_t i = 0; i < n; i++, join = " OR ")
		buffer_appendf(out, "%sdims : \"d%" PRId64 "\"", join, kinds[i]);
}

/* A word may stand in the text, or be one of the type or rule, which is a dim. */
static int append_term(const struct reader *r, const struct query_term *term,
		       struct buffer *out)
{
	_cleanup_free_ int64_t *kinds = NULL;
	size_t n = 0;

	buffer_append_char(out, '(');
	query_append_term(out, term);
	if (!term->is_not) {
		kinds = list_kinds(r, is_named, term, &n);
		if (!kinds)
			return -ENOMEM;
	}
	append_kinds(kinds, n, " OR ", out);
	buffer_append_char(out, ')');
	return 0;
}

static int append_pair(const struct reader *r, const struct query_pair *pair,
		       struct buffer *out)
{
	char token[HISTORY_TOKEN_SIZE];
	int e = history_token(r->secret, pair->key, pair->value, token);

	if (e == 0)
		buffer_appendf(out, "data : \"%s\"", token);
	return e;
}

/* The words and pairs that have to be there, or may not. Return: how many; -errno. */
static int append_words(const struct reader *r, const struct query *q, bool is_not,
			struct buffer *out)
{
	const char *join = is_not ? " OR " : " AND ";
	int n = 0, e = 0;

	for (size_t i = 0; e == 0 && i < q->n_terms; i++) {
		if (q->terms[i].is_not != is_not)
			continue;
		buffer_appendf(out, "%s", n++ ? join : "");
		e = append_term(r, &q->terms[i], out);
	}
	for (size_t i = 0; e == 0 && i < q->n_pairs; i++) {
		if (q->pairs[i].is_not != is_not)
			continue;
		buffer_appendf(out, "%s", n++ ? join : "");
		e = append_pair(r, &q->pairs[i], out);
	}
	return e < 0 ? e : n;
}

/* The words that are looked for, and the dims, if they are few. Something has to be looked
 * for before anything can be left out: without words, all dims. */
static int append_wanted(const struct reader *r, const struct query *q,
			 struct buffer *out)
{
	size_t n_all = 0, n_taken = 0;
	_cleanup_free_ int64_t *all = list_kinds(r, is_any, NULL, &n_all),
			       *taken = list_kinds(r, is_taken, NULL, &n_taken);
	int n = append_words(r, q, false, out);

	if (n < 0 || !all || !taken)
		return n < 0 ? n : -ENOMEM;
	if (n && (n_taken == n_all || n_taken > KINDS_IN_TEXT))
		return 0;
	buffer_appendf(out, "%s", n ? " AND " : "");
	append_kinds(taken, n_taken, "(", out);
	buffer_append_char(out, ')');
	return 0;
}

int reader_match_text(const struct reader *r, const struct query *q, struct buffer *out)
{
	_cleanup_buffer_ struct buffer unwanted = { .limit = out->limit };
	int n = append_words(r, q, true, &unwanted), e = n;

	buffer_append_char(out, '(');
	if (n >= 0)
		e = append_wanted(r, q, out);
	buffer_append_char(out, ')');
	if (n > 0) {
		buffer_append_literal(out, " NOT (");
		buffer_append_span(out, buffer_span(&unwanted));
		buffer_append_char(out, ')');
	}
	if (e == 0 && unwanted.error)
		e = unwanted.error;
	if (e == 0 && !buffer_cstring(out))
		e = out->error;
	return e == -EMSGSIZE ? -ETIME : e;
}
