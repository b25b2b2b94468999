// SPDX-License-Identifier: Apache-2.0
/*
 * What is not a certain value, without a look at each event: where a kind has few values of a key,
 * and each of its events has one, it is one of the others. The table pairs says so (pairs.h).
 */
#include "output/history/reader_internal.h"

#include <errno.h>
#include <inttypes.h>

#include "output/history/pairs.h"

/* What is known of one kind. */
struct kind_values {
	int64_t kind;
	uint64_t n;	      /* events of it */
	uint64_t n_has;	      /* that have the key */
	uint64_t n_with;      /* that have the pair */
	bool is_many;	      /* it is not known */
	struct buffer others; /* "data : "…" OR data : "…"": of the other values */
};

enum part {
	PART_ALL,    /* none of its events has the pair */
	PART_NONE,   /* all have it */
	PART_OTHERS, /* they have one of the others */
	PART_REST,   /* those that have not */
};

static enum part part_of(const struct kind_values *k)
{
	if (k->is_many)
		return PART_REST;
	if (!k->n_with)
		return PART_ALL;
	if (k->n_has != k->n)
		return PART_REST;
	return k->others.len ? PART_OTHERS : PART_NONE;
}

static void free_values(struct kind_values *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buffer_deinit(&values[i].others);
	free(values);
}

static struct kind_values *find_kind(struct kind_values *values, size_t n, int64_t kind)
{
	for (size_t i = 0; i < n; i++) /* they are few */
		if (values[i].kind == kind)
			return &values[i];
	return NULL;
}

static void take_row(struct kind_values *k, const char *wanted, const char *token,
		     int64_t n)
{
	if (!*token)
		k->is_many = true;
	else if (n > 0)
		k->n_has += (uint64_t)n;
	if (!*token || n <= 0)
		return;
	if (!strcmp(token, wanted))
		k->n_with = (uint64_t)n;
	else
		buffer_appendf(&k->others, "%sdata : \"%s\"", k->others.len ? " OR " : "",
			       token);
}

static int read_rows(struct reader *r, const struct query_pair *pair, const char *wanted,
		     struct kind_values *values, size_t n)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r, "SELECT kind, token, n FROM pairs WHERE key = ?1", &s),
	    step = SQLITE_DONE;

	if (e < 0)
		return e;
	(void)sqlite.bind_text(s, 1, pair->key.data, (int)pair->key.len, SQLITE_STATIC);
	while ((step = sqlite.step(s)) == SQLITE_ROW) {
		const char *token = (const char *)sqlite.column_text(s, 1);
		struct kind_values *k = find_kind(values, n, sqlite.column_int64(s, 0));

		if (k && token)
			take_row(k, wanted, token, sqlite.column_int64(s, 2));
	}
	return history_error(step);
}

/* A key that is not there may be one that was not counted. */
static int forget_if_full(struct reader *r, struct kind_values *values, size_t n)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e = reader_prepare(r, "SELECT value FROM meta WHERE key = 'pairs_full'", &s);
	int step = e < 0 ? SQLITE_DONE : sqlite.step(s);

	if (e >= 0)
		e = history_error(step);
	if (e >= 0 && step == SQLITE_ROW && sqlite.column_int(s, 0))
		for (size_t i = 0; i < n; i++)
			values[i].is_many = values[i].is_many || !values[i].n_has;
	return e;
}

/* Of the kinds that are taken. Return: 0; -E2BIG: they are too many; -errno. */
static int read_values(struct reader *r, const struct query_pair *pair,
		       const char *wanted, struct kind_values **ret, size_t *ret_n)
{
	_cleanup_free_ int64_t *kinds = NULL;
	struct kind_values *values;
	size_t n = 0;
	int e;

	kinds = reader_taken_kinds(r, &n);
	if (!kinds)
		return -ENOMEM;
	if (n > READER_KINDS_IN_TEXT)
		return -E2BIG;
	values = calloc(n + 1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		values[i].kind = kinds[i];
	for (size_t i = 0; i < r->n_dims; i++) {
		struct kind_values *k = find_kind(values, n, r->dims[i].kind);

		if (k)
			k->n += r->dims[i].n;
	}
	e = read_rows(r, pair, wanted, values, n);
	if (e >= 0)
		e = forget_if_full(r, values, n);
	if (e < 0) {
		free_values(values, n);
		return e;
	}
	*ret = values;
	*ret_n = n;
	return 0;
}

static void append_part(const struct kind_values *k, const char *wanted, const char *join,
			struct buffer *out)
{
	switch (part_of(k)) {
	case PART_NONE:
		return;
	case PART_ALL:
		buffer_appendf(out, "%sdims : \"d%" PRId64 "\"", join, k->kind);
		return;
	case PART_OTHERS:
		buffer_appendf(out, "%s(dims : \"d%" PRId64 "\" AND (%.*s))", join,
			       k->kind, (int)k->others.len, k->others.data);
		return;
	case PART_REST:
		buffer_appendf(out, "%s(dims : \"d%" PRId64 "\" NOT data : \"%s\")", join,
			       k->kind, wanted);
		return;
	}
}

int reader_append_without(struct reader *r, const struct query_pair *pair,
			  struct buffer *out)
{
	struct kind_values *values = NULL;
	char wanted[HISTORY_TOKEN_SIZE];
	size_t n = 0, n_parts[PART_REST + 1] = { 0 };
	int e = history_token(r->secret, pair->key, pair->value, wanted);

	if (e >= 0)
		e = read_values(r, pair, wanted, &values, &n);
	if (e < 0)
		return e == -E2BIG ? READER_NOT_SAID : e;
	for (size_t i = 0; i < n; i++)
		n_parts[part_of(&values[i])]++;
	if (n_parts[PART_NONE] == n) {
		e = READER_NOTHING;
	} else if (!n_parts[PART_NONE] && !n_parts[PART_OTHERS]) {
		e = READER_NOT_SAID;
	} else {
		buffer_append_char(out, '(');
		for (size_t i = 0, at = out->len; i < n; i++)
			append_part(&values[i], wanted, out->len > at ? " OR " : "", out);
		buffer_append_char(out, ')');
		e = 0;
	}
	free_values(values, n);
	return e;
}

int reader_count_pair(struct reader *r, const struct query_pair *pair, uint64_t *ret_with,
		      uint64_t *ret_without)
{
	struct kind_values *values = NULL;
	char wanted[HISTORY_TOKEN_SIZE];
	size_t n = 0;
	int e = history_token(r->secret, pair->key, pair->value, wanted);

	if (e >= 0)
		e = read_values(r, pair, wanted, &values, &n);
	if (e < 0)
		return e == -E2BIG ? 0 : e;
	e = 1;
	*ret_with = *ret_without = 0;
	for (size_t i = 0; i < n; i++) {
		e = e && !values[i].is_many;
		*ret_with += values[i].n_with;
		/* what is left has to be looked for one by one */
		*ret_without += part_of(&values[i]) == PART_REST
					? values[i].n
					: values[i].n - values[i].n_with;
	}
	free_values(values, n);
	return e;
}
