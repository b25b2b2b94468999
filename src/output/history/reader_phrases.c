// SPDX-License-Identifier: Apache-2.0
/*
 * Phrases of frequent words that are not frequent together. The full-text index would compare all
 * events that have both; those that came since the words are known to be frequent have a token
 * for them (grams.h). What is older is looked for by its words: therefore a question is asked in
 * two pieces.
 */
#include "output/history/reader_internal.h"

#include <errno.h>

#define WORDS_MAX 16 /* of a term; what follows is looked for as it is */

/*
 * FTS5 goes on to the next match before it looks whether that is beyond the last rowid: for a
 * phrase that does not come again, to the end of the index. From the last rowid backwards it has
 * not far to go; so few rows can be turned round.
 */
#define BACKWARDS_MAX 262144

/* A term on its way. */
struct visit {
	struct reader *reader;
	struct phrase *phrase;
	struct gram_text last; /* word */
	int64_t id, since;     /* of that word; id 0: it is not frequent */
	size_t n_words, n_tokens;
	char token[GRAMS_TOKEN_SIZE]; /* of the last two words; empty: none */
	int64_t token_since;
};

int reader_find_gram(struct reader *r, const struct gram_text *text, int64_t *ret_id,
		     int64_t *ret_since)
{
	_cleanup_(reader_finalize) sqlite3_stmt *s = NULL;
	int e, step;

	if (!text->len)
		return 0;
	e = reader_prepare(r, "SELECT id, since FROM grams WHERE gram = ?1", &s);
	if (e < 0)
		return e;
	(void)sqlite.bind_text(s, 1, text->data, (int)text->len, SQLITE_STATIC);
	step = sqlite.step(s);
	if (step != SQLITE_ROW)
		return history_error(step);
	*ret_id = sqlite.column_int64(s, 0);
	*ret_since = sqlite.column_int64(s, 1);
	return 1;
}

int reader_find_term(struct reader *r, const struct query *q, size_t i, int64_t *ret_id)
{
	struct gram_text text = { .len = 0 };
	int64_t since;
	int e = 0;

	if (i >= q->n_terms) {
		const struct query_pair *pair = &q->pairs[i - q->n_terms];
		char token[HISTORY_TOKEN_SIZE];

		e = history_token(r->secret, pair->key, pair->value, token);
		if (e >= 0)
			gram_of_pair(span_from(token), &text);
	} else if (!q->terms[i].is_prefix) {
		e = gram_of_term(r->words, q->terms[i].text, &text);
	}
	return e < 0 ? e : reader_find_gram(r, &text, ret_id, &since);
}

/* A type or rule with the word gives it to all its events. */
static bool names_any(const struct reader *r, const struct query_term *term)
{
	for (size_t i = 0; i < r->n_dims; i++)
		if (reader_is_named(&r->dims[i], term))
			return true;
	return false;
}

int reader_is_rare(struct reader *r, const struct query *q, size_t i)
{
	int64_t id;
	int e;

	if (i < q->n_terms && (q->terms[i].is_prefix || names_any(r, &q->terms[i])))
		return 0;
	e = reader_find_term(r, q, i, &id);
	return e < 0 ? e : e == 0;
}

/* It is known now that its last word is a whole one. */
static void put_token(struct visit *v)
{
	struct buffer *out = &v->phrase->tokens;

	if (!*v->token)
		return;
	buffer_appendf(out, "%sdata : \"%s\"", out->len ? " AND " : "", v->token);
	v->n_tokens++;
	if (v->token_since > v->reader->phrases_since)
		v->reader->phrases_since = v->token_since;
	*v->token = '\0';
}

/* Of the word before and this one. Return: 0; -errno. */
static int make_token(struct visit *v, const struct gram_text *two, int64_t id,
		      int64_t since)
{
	int64_t both, both_since;
	int e;

	if (!v->id || !id || !two->len)
		return 0;
	e = reader_find_gram(v->reader, two, &both, &both_since);
	if (e)
		return e < 0 ? e : 0;
	grams_token(v->id, id, v->token);
	v->token_since = since > v->since ? since : v->since;
	return 0;
}

static int take_word(void *context, struct span word)
{
	struct visit *v = context;
	struct gram_text two = v->last;
	int64_t id = 0, since = 0;
	int e;

	put_token(v);
	if (v->n_words++ >= WORDS_MAX)
		return 0;
	gram_extend(&two, word);
	gram_of_word(word, &v->last);
	e = reader_find_gram(v->reader, &v->last, &id, &since);
	if (e >= 0)
		e = make_token(v, &two, id, since);
	v->id = id;
	v->since = since;
	return e;
}

static int load_phrase(struct reader *r, const struct query_term *term,
		       struct phrase *phrase)
{
	struct visit v = { .reader = r, .phrase = phrase };
	int e = words_each(r->words, term->text, take_word, &v);

	if (!term->is_prefix)
		put_token(&v);
	phrase->is_whole = v.n_words == 2 && v.n_tokens == 1;
	return e < 0 ? e : phrase->tokens.error;
}

void reader_forget_phrases(struct reader *r)
{
	for (size_t i = 0; i < QUERY_TERMS_MAX; i++)
		buffer_deinit(&r->phrases[i].tokens);
}

int reader_load_phrases(struct reader *r, const struct query *q)
{
	int e = 0;

	reader_forget_phrases(r);
	r->phrases_since = 0;
	for (size_t i = 0; e >= 0 && i < q->n_terms; i++)
		e = load_phrase(r, &q->terms[i], &r->phrases[i]);
	return e;
}

void reader_append_words(const struct reader *r, const struct query *q, size_t i,
			 bool has_tokens, struct buffer *out)
{
	const struct phrase *p = &r->phrases[i];

	if (!has_tokens || !p->tokens.len) {
		query_append_term(out, &q->terms[i]);
		return;
	}
	buffer_append_char(out, '(');
	buffer_append_span(out, buffer_span(&p->tokens));
	if (!p->is_whole) {
		buffer_append_literal(out, " AND ");
		query_append_term(out, &q->terms[i]);
	}
	buffer_append_char(out, ')');
}

bool reader_piece(const struct reader *r, const struct range *range, bool has_tokens,
		  bool is_ascending, struct piece *ret)
{
	struct range *of = &ret->range;

	*ret = (struct piece){ .range = *range, .has_tokens = has_tokens };
	if (has_tokens && of->first < r->phrases_since)
		of->first = r->phrases_since;
	if (has_tokens || of->last < r->phrases_since)
		return of->first <= of->last;
	of->last = r->phrases_since - 1;
	ret->is_backwards = is_ascending && of->last - of->first < BACKWARDS_MAX;
	return of->first <= of->last;
}

static void take_columns(const struct rows *rows, int64_t ret[static READER_COLUMNS])
{
	for (int i = 0; i < rows->n_columns; i++)
		ret[i] = sqlite.column_int64(rows->statement, i);
}

static int keep_rows(struct rows *rows)
{
	size_t room = 0;
	int step;

	rows->has_kept = true;
	while ((step = sqlite.step(rows->statement)) == SQLITE_ROW) {
		if (rows->n_kept == room) {
			int64_t(*more)[READER_COLUMNS];

			room = room ? 2 * room : 256;
			more = reallocarray(rows->kept, room, sizeof(*more));
			if (!more)
				return -ENOMEM;
			rows->kept = more;
		}
		take_columns(rows, rows->kept[rows->n_kept++]);
	}
	return history_error(step);
}

int reader_next_row(struct rows *rows, int64_t ret[static READER_COLUMNS])
{
	int e = 0, step;

	if (rows->is_backwards) {
		if (!rows->has_kept)
			e = keep_rows(rows);
		if (e < 0 || !rows->n_kept)
			return e;
		memcpy(ret, rows->kept[--rows->n_kept], sizeof(*rows->kept));
		return 1;
	}
	step = sqlite.step(rows->statement);
	if (step != SQLITE_ROW)
		return history_error(step);
	take_columns(rows, ret);
	return 1;
}

void reader_end_rows(struct rows *rows)
{
	reader_finalize(&rows->statement);
	free(rows->kept);
}
