// SPDX-License-Identifier: Apache-2.0
/*
 * A question's words as FTS5 wants them: what has to be there, joined by AND, and NOT what may not
 * be there. What stands in dims is looked for by its kind, and a phrase of frequent words by its
 * token.
 */
#include <errno.h>
#include <inttypes.h>

#include "output/history/reader_internal.h"

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

bool reader_is_named(const struct dim *d, const void *term)
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

/* A question on its way to the full-text index. */
struct text {
	struct reader *reader;
	const struct query *query;
	bool has_tokens;
	struct buffer wanted, unwanted; /* joined by AND, by OR */
};

/* A word may stand in the text, or be one of the type or rule, which is a dim. */
static int append_term(const struct text *t, size_t i, struct buffer *out)
{
	const struct query_term *term = &t->query->terms[i];
	_cleanup_free_ int64_t *kinds = NULL;
	size_t n = 0;

	buffer_append_char(out, '(');
	reader_append_words(t->reader, t->query, i, t->has_tokens, out);
	if (!term->is_not) {
		kinds = list_kinds(t->reader, reader_is_named, term, &n);
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

int64_t *reader_taken_kinds(const struct reader *r, size_t *ret_n)
{
	return list_kinds(r, is_taken, NULL, ret_n);
}

static void join(struct buffer *out, const char *word)
{
	buffer_appendf(out, "%s", out->len ? word : "");
}

static int add_terms(struct text *t)
{
	const struct query *q = t->query;
	int e = 0;

	for (size_t i = 0; e == 0 && i < q->n_terms; i++) {
		bool is_not = q->terms[i].is_not;
		struct buffer *out = is_not ? &t->unwanted : &t->wanted;

		join(out, is_not ? " OR " : " AND ");
		e = append_term(t, i, out);
	}
	return e;
}

/* What is not this value: one of the others, or, if these are not known, all that is left. */
static int add_without(struct text *t, const struct query_pair *pair)
{
	_cleanup_buffer_ struct buffer others = { .limit = t->wanted.limit };
	int e = reader_append_without(t->reader, pair, &others);

	if (e == READER_NOT_SAID) {
		join(&t->unwanted, " OR ");
		return append_pair(t->reader, pair, &t->unwanted);
	}
	if (e == 0) {
		join(&t->wanted, " AND ");
		buffer_append_span(&t->wanted, buffer_span(&others));
		e = others.error;
	}
	return e;
}

static int add_pairs(struct text *t)
{
	const struct query *q = t->query;
	int e = 0;

	for (size_t i = 0; e == 0 && i < q->n_pairs; i++) {
		if (q->pairs[i].is_not) {
			e = add_without(t, &q->pairs[i]);
			continue;
		}
		join(&t->wanted, " AND ");
		e = append_pair(t->reader, &q->pairs[i], &t->wanted);
	}
	return e;
}

/*
 * What has a phrase that is looked for by its words is not looked for by its kind, too: backwards,
 * as most of it is read, FTS5 takes a hundred times as long for each step where two have to meet.
 */
static bool is_told_by_phrase(const struct text *t)
{
	for (size_t i = 0; !t->has_tokens && i < t->query->n_terms; i++)
		if (!t->query->terms[i].is_not && t->reader->phrases[i].tokens.len)
			return true;
	return false;
}

/* The dims, if they are few. Something has to be looked for before anything can be left out:
 * without words, all dims. */
static int add_kinds(struct text *t)
{
	size_t n_all = 0, n_taken = 0;
	_cleanup_free_ int64_t *all = list_kinds(t->reader, is_any, NULL, &n_all),
			       *taken = reader_taken_kinds(t->reader, &n_taken);

	if (!all || !taken)
		return -ENOMEM;
	if (t->wanted.len &&
	    (n_taken == n_all || n_taken > READER_KINDS_IN_TEXT || is_told_by_phrase(t)))
		return 0;
	join(&t->wanted, " AND ");
	append_kinds(taken, n_taken, "(", &t->wanted);
	buffer_append_char(&t->wanted, ')');
	return 0;
}

static void put_together(const struct text *t, struct buffer *out)
{
	buffer_append_char(out, '(');
	buffer_append_span(out, buffer_span(&t->wanted));
	buffer_append_char(out, ')');
	if (!t->unwanted.len)
		return;
	buffer_append_literal(out, " NOT (");
	buffer_append_span(out, buffer_span(&t->unwanted));
	buffer_append_char(out, ')');
}

int reader_match_text(struct reader *r, const struct query *q, bool has_tokens,
		      struct buffer *out)
{
	struct text t = {
		r, q, has_tokens, { .limit = out->limit }, { .limit = out->limit }
	};
	int e = add_terms(&t);

	if (e == 0)
		e = add_pairs(&t);
	if (e == 0)
		e = add_kinds(&t);
	if (e == 0) {
		put_together(&t, out);
		e = t.wanted.error ? t.wanted.error : t.unwanted.error;
	}
	if (e == 0 && !buffer_cstring(out))
		e = out->error;
	buffer_deinit(&t.wanted);
	buffer_deinit(&t.unwanted);
	return e == -EMSGSIZE ? -ETIME : e;
}
