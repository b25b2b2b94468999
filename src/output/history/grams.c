// SPDX-License-Identifier: Apache-2.0
/* See grams.h. */
#include "output/history/grams.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "output/history/history.h"
#include "output/history/words.h"

#define TALLIES	     8
#define SAMPLE_EACH  16	    /* of so many events one is looked at for what is frequent */
#define SAMPLE_SIZE  512    /* of these */
#define SAMPLE_GRAMS 32768  /* with more, the sample ends early */
#define LOOK_EVENTS  200000 /* that are counted again in one look; with these it ends */

/* Events of a dims row and a span that are not counted in the database yet. */
struct tally {
	int64_t dim, span, n;
};

struct gram {
	int64_t id;
	uint64_t event; /* that was counted last: a word twice is one event */
	struct tally tallies[TALLIES];
	size_t n_tallies;
};

struct grams {
	sqlite3 *db;
	struct words *words;
	sqlite3_stmt *count, *drop_empty;
	struct gram *items;
	size_t n;
	json_t *known;	/* text → index of items */
	json_t *sample; /* text → in how many of the sample, about */
	json_t *rare;	/* text → how many events there were when it was found so */
	size_t n_sampled;
	uint64_t event; /* number of the one that is taken */
	uint64_t seq;	/* of the newest that was taken */
};

/* An event on its way. */
struct visit {
	struct grams *grams;
	int64_t dim, span;
	int n;
	bool is_sampled;
	struct gram_text last;	/* word */
	const struct gram *was; /* that word, if it is frequent */
	struct buffer *phrases;
};

void grams_token(int64_t first, int64_t second, char ret[static GRAMS_TOKEN_SIZE])
{
	(void)snprintf(ret, GRAMS_TOKEN_SIZE, "p%" PRIx64 "x%" PRIx64, (uint64_t)first,
		       (uint64_t)second);
}

void gram_of_word(struct span word, struct gram_text *ret)
{
	ret->len = word.len <= GRAMS_BYTES ? word.len : 0;
	memcpy(ret->data, word.data, ret->len);
}

void gram_extend(struct gram_text *g, struct span word)
{
	if (!g->len || g->len + 1 + word.len > GRAMS_BYTES) {
		g->len = 0;
		return;
	}
	g->data[g->len] = ' ';
	memcpy(g->data + g->len + 1, word.data, word.len);
	g->len += 1 + word.len;
}

struct phrase {
	struct gram_text text;
	size_t n;
};

static int take_word_of_term(void *context, struct span word)
{
	struct phrase *p = context;

	if (p->n++ == 0)
		gram_of_word(word, &p->text);
	else if (p->n == 2)
		gram_extend(&p->text, word);
	else
		p->text.len = 0;
	return 0;
}

int gram_of_term(struct words *w, struct span text, struct gram_text *ret)
{
	struct phrase p = { .n = 0 };
	int r = words_each(w, text, take_word_of_term, &p);

	*ret = p.text;
	return r;
}

void gram_of_pair(struct span token, struct gram_text *ret)
{
	assert(token.len < HISTORY_TOKEN_SIZE);
	ret->data[0] = '=';
	ret->len = 1 + token.len;
	memcpy(ret->data + 1, token.data, token.len);
}

int grams_create(struct grams **ret)
{
	struct grams *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->items = calloc(GRAMS_MAX, sizeof(*g->items));
	g->known = json_object();
	g->sample = json_object();
	g->rare = json_object();
	if (!g->items || !g->known || !g->sample || !g->rare) {
		grams_destroy(g);
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

void grams_close(struct grams *g)
{
	words_destroy(g->words);
	(void)sqlite.finalize(g->count);
	(void)sqlite.finalize(g->drop_empty);
	g->words = NULL;
	g->count = g->drop_empty = NULL;
	g->db = NULL;
}

void grams_destroy(struct grams *g)
{
	if (!g)
		return;
	grams_close(g);
	json_decref(g->known);
	json_decref(g->sample);
	json_decref(g->rare);
	free(g->items);
	free(g);
}

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
	return history_error(sqlite.prepare_v2(db, sql, -1, ret, NULL));
}

static void finalize(sqlite3_stmt **s)
{
	(void)sqlite.finalize(*s);
}

static int open_for(struct grams *g, sqlite3 *db)
{
	int r;

	grams_close(g);
	r = words_create(db, &g->words);
	if (r >= 0)
		r = prepare(db,
			    "INSERT INTO gram_counts VALUES(?1, ?2, ?3, ?4) ON CONFLICT "
			    "DO UPDATE SET n = n + ?4",
			    &g->count);
	if (r >= 0)
		r = prepare(db,
			    "DELETE FROM gram_counts WHERE gram = ?1 AND dims = ?2 AND "
			    "span = ?3 AND n <= 0",
			    &g->drop_empty);
	g->db = r < 0 ? NULL : db;
	return r;
}

static int note_gram(struct grams *g, struct span text, int64_t id)
{
	if (g->n == GRAMS_MAX)
		return -EUCLEAN; /* more than we ever make */
	if (json_object_setn_new_nocheck(g->known, text.data, text.len,
					 json_integer((json_int_t)g->n)) < 0)
		return -ENOMEM;
	g->items[g->n++] = (struct gram){ .id = id };
	return 0;
}

static int load_known(struct grams *g)
{
	_cleanup_(finalize) sqlite3_stmt *s = NULL;
	int r = prepare(g->db, "SELECT id, gram FROM grams", &s), step = SQLITE_DONE;

	g->n = 0;
	(void)json_object_clear(g->known); /* it is one */
	while (r >= 0 && (step = sqlite.step(s)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite.column_text(s, 1);

		r = note_gram(g,
			      (struct span){ text ? text : "",
					     (size_t)sqlite.column_bytes(s, 1) },
			      sqlite.column_int64(s, 0));
	}
	return r < 0 ? r : history_error(step);
}

static void begin_sample(struct grams *g)
{
	g->n_sampled = 0;
	(void)json_object_clear(g->sample);
}

int grams_load(struct grams *g, sqlite3 *db)
{
	int r = g->db == db ? 0 : open_for(g, db);

	begin_sample(g);
	return r < 0 ? r : load_known(g);
}

static int store_tally(struct grams *g, int64_t id, const struct tally *t)
{
	int r;

	(void)sqlite.bind_int64(g->count, 1, id);
	(void)sqlite.bind_int64(g->count, 2, t->dim);
	(void)sqlite.bind_int64(g->count, 3, t->span);
	(void)sqlite.bind_int64(g->count, 4, t->n);
	r = history_error(sqlite.step(g->count));
	(void)sqlite.reset(g->count); /* says again what step() said */
	if (r < 0 || t->n > 0)
		return r;
	(void)sqlite.bind_int64(g->drop_empty, 1, id);
	(void)sqlite.bind_int64(g->drop_empty, 2, t->dim);
	(void)sqlite.bind_int64(g->drop_empty, 3, t->span);
	r = history_error(sqlite.step(g->drop_empty));
	(void)sqlite.reset(g->drop_empty);
	return r;
}

static int store_gram(struct grams *g, struct gram *gram)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < gram->n_tallies; i++)
		r = store_tally(g, gram->id, &gram->tallies[i]);
	gram->n_tallies = 0;
	return r;
}

int grams_store(struct grams *g)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < g->n; i++)
		r = store_gram(g, &g->items[i]);
	return r;
}

/* Most are of the same few dims and spans as those just before. */
static int count(struct visit *v, struct gram *gram)
{
	int r = 0;

	if (gram->event == v->grams->event)
		return 0;
	gram->event = v->grams->event;
	for (size_t i = gram->n_tallies; i-- > 0;) {
		struct tally *t = &gram->tallies[i];

		if (t->dim != v->dim || t->span != v->span)
			continue;
		t->n += v->n;
		return 0;
	}
	if (gram->n_tallies == TALLIES)
		r = store_gram(v->grams, gram);
	gram->tallies[gram->n_tallies++] = (struct tally){ v->dim, v->span, v->n };
	return r;
}

static int note_sampled(struct grams *g, const struct gram_text *text)
{
	json_t *n = json_object_getn(g->sample, text->data, text->len);

	if (n)
		return json_integer_set(n, json_integer_value(n) + 1);
	if (json_object_size(g->sample) == SAMPLE_GRAMS) {
		g->n_sampled = SAMPLE_SIZE;
		return 0;
	}
	return json_object_setn_new_nocheck(g->sample, text->data, text->len,
					    json_integer(1)) < 0
		       ? -ENOMEM
		       : 0;
}

/* @ret: NULL if it is not known to be frequent */
static int take_gram(struct visit *v, const struct gram_text *text,
		     const struct gram **ret)
{
	const json_t *known;

	*ret = NULL;
	if (!text->len)
		return 0;
	known = json_object_getn(v->grams->known, text->data, text->len);
	if (known) {
		struct gram *gram = &v->grams->items[json_integer_value(known)];

		*ret = gram;
		return count(v, gram);
	}
	return v->is_sampled ? note_sampled(v->grams, text) : 0;
}

static void append_phrase(struct visit *v, const struct gram *first,
			  const struct gram *second)
{
	char token[GRAMS_TOKEN_SIZE];

	grams_token(first->id, second->id, token);
	buffer_append_char(v->phrases, ' ');
	buffer_append_span(v->phrases, span_from(token));
}

static int take_word(void *context, struct span word)
{
	struct visit *v = context;
	struct gram_text two = v->last;
	const struct gram *both, *is;
	int r;

	gram_extend(&two, word);
	r = take_gram(v, &two, &both);
	gram_of_word(word, &v->last);
	if (r >= 0)
		r = take_gram(v, &v->last, &is);
	if (r < 0)
		return r;
	if (v->phrases && two.len && v->was && is && !both)
		append_phrase(v, v->was, is);
	v->was = is;
	return 0;
}

static int take_pairs(struct visit *v, struct span data)
{
	int r = 0;

	while (r >= 0 && data.len) {
		const struct gram *known;
		struct gram_text text;
		const char *end;

		data = span_skip(data, 1);
		end = data.len ? memchr(data.data, ' ', data.len) : NULL;
		gram_of_pair((struct span){ data.data,
					    end ? (size_t)(end - data.data) : data.len },
			     &text);
		data = span_skip(data, text.len - 1);
		r = take_gram(v, &text, &known);
	}
	return r;
}

int grams_add(struct grams *g, const struct gram_source *source, int n,
	      struct buffer *phrases)
{
	struct visit v = { .grams = g,
			   .dim = source->dim,
			   .span = (int64_t)(source->at_us / HISTORY_MINUTE_US) /
				   GRAMS_SPAN_MINUTES,
			   .n = n,
			   .phrases = phrases };
	int r;

	g->event++;
	if (n > 0)
		g->seq = source->seq;
	v.is_sampled = n > 0 && g->event % SAMPLE_EACH == 0 && g->n_sampled < SAMPLE_SIZE;
	if (!v.is_sampled && !g->n)
		return 0;
	g->n_sampled += v.is_sampled;
	r = words_each(g->words, source->text, take_word, &v);
	return r < 0 ? r : take_pairs(&v, source->data);
}

/* What the full-text index is asked for; its words are of letters and digits. */
static void append_match(struct buffer *out, struct span text)
{
	bool is_pair = span_starts_with(text, SPAN("="));

	buffer_append_span(out, is_pair ? SPAN("data : \"") : SPAN("text : \""));
	buffer_append_span(out, span_skip(text, is_pair));
	buffer_append_char(out, '"');
}

/* One number of the events with @text; @limit: bound to the second parameter */
static int ask_index(struct grams *g, const char *sql, struct span text, int64_t limit,
		     int64_t *ret)
{
	_cleanup_(finalize) sqlite3_stmt *s = NULL;
	_cleanup_buffer_ struct buffer match = { 0 };
	int r = prepare(g->db, sql, &s), step;

	append_match(&match, text);
	if (r >= 0)
		r = match.error;
	if (r < 0)
		return r;
	(void)sqlite.bind_text(s, 1, match.data, (int)match.len, SQLITE_STATIC);
	(void)sqlite.bind_int64(s, 2, limit);
	step = sqlite.step(s);
	if (step == SQLITE_ROW && ret)
		*ret = sqlite.column_int64(s, 0);
	return history_error(step);
}

static int make_gram(struct grams *g, struct span text)
{
	_cleanup_(finalize) sqlite3_stmt *s = NULL;
	int64_t id;
	int r = prepare(g->db, "INSERT INTO grams(gram, since) VALUES(?1, ?2)", &s);

	if (r < 0)
		return r;
	(void)sqlite.bind_text(s, 1, text.data, (int)text.len, SQLITE_STATIC);
	(void)sqlite.bind_int64(s, 2, (int64_t)g->seq + 1);
	r = history_error(sqlite.step(s));
	if (r < 0)
		return r;
	id = sqlite.last_insert_rowid(g->db);
	r = ask_index(g,
		      "INSERT INTO gram_counts SELECT ?2, dim, at / 600000000 AS span, "
		      "count(*) FROM words JOIN events ON seq = words.rowid WHERE words "
		      "MATCH ?1 GROUP BY dim, span",
		      text, id, NULL);
	return r < 0 ? r : note_gram(g, text, id);
}

/* Return: how many events were looked at; -errno. */
static int64_t try_gram(struct grams *g, struct span text, int64_t n_events)
{
	const json_t *before = json_object_getn(g->rare, text.data, text.len);
	int64_t least = n_events / GRAMS_SHARE / 2, n = 0;
	int r;

	/* it takes its time to become frequent */
	if (before && n_events < json_integer_value(before) / 4 * 5)
		return 0;
	r = ask_index(g,
		      "SELECT count(*) FROM (SELECT rowid FROM words WHERE words MATCH "
		      "?1 LIMIT ?2)",
		      text, least, &n);
	if (r >= 0 && n >= least)
		r = make_gram(g, text);
	else if (r >= 0 && json_object_setn_new_nocheck(g->rare, text.data, text.len,
							json_integer(n_events)) < 0)
		r = -ENOMEM;
	return r < 0 ? r : n >= least ? n_events : n;
}

/* With the grams that less than @least events have: bound to the first parameter; @seq to the
 * second, if there is one. */
static int change_rare(struct grams *g, const char *sql, int64_t least, int64_t seq)
{
	_cleanup_(finalize) sqlite3_stmt *s = NULL;
	int r = prepare(g->db, sql, &s);

	if (r < 0)
		return r;
	(void)sqlite.bind_int64(s, 1, least);
	(void)sqlite.bind_int64(s, 2, seq);
	return history_error(sqlite.step(s));
}

#define IS_RARE                                                         \
	"id NOT IN (SELECT gram FROM gram_counts GROUP BY gram HAVING " \
	"sum(n) >= ?1)"

/*
 * So that there is room for what has become frequent since. While two words were frequent
 * together, events got no token for them: tokens of the first word are complete from here on only.
 */
static int forget_some(struct grams *g, int64_t n_events)
{
	int64_t least = n_events / GRAMS_SHARE / 4;
	int r = change_rare(g,
			    "UPDATE grams SET since = ?2 WHERE gram IN (SELECT "
			    "substr(gram, 1, instr(gram, ' ') - 1) FROM grams WHERE "
			    "instr(gram, ' ') AND " IS_RARE ")",
			    least, (int64_t)g->seq + 1);

	if (r >= 0)
		r = change_rare(g, "DELETE FROM grams WHERE " IS_RARE, least, 0);
	if (r >= 0)
		r = history_error(sqlite.exec(g->db,
					      "DELETE FROM gram_counts WHERE gram NOT "
					      "IN (SELECT id FROM grams)",
					      NULL, NULL, NULL));
	return r < 0 ? r : load_known(g);
}

static int count_events(struct grams *g, int64_t *ret)
{
	_cleanup_(finalize) sqlite3_stmt *s = NULL;
	int r = prepare(g->db, "SELECT total(n) FROM dims", &s);

	if (r < 0)
		return r;
	r = history_error(sqlite.step(s));
	*ret = sqlite.column_int64(s, 0);
	return r;
}

static int look_at_sample(struct grams *g, int64_t n_events)
{
	int64_t n_looked = 0;
	const char *text;
	json_t *n;
	size_t len;

	json_object_keylen_foreach(g->sample, text, len, n)
	{
		int64_t looked;

		if (json_integer_value(n) < SAMPLE_SIZE / GRAMS_SHARE ||
		    g->n == GRAMS_MAX)
			continue;
		looked = try_gram(g, (struct span){ text, len }, n_events);
		if (looked < 0)
			return (int)looked;
		n_looked += looked;
		if (n_looked > LOOK_EVENTS)
			break; /* the next sample has it, too */
	}
	return 0;
}

int grams_look(struct grams *g)
{
	int64_t n_events;
	int r;

	if (g->n_sampled < SAMPLE_SIZE)
		return 0;
	r = count_events(g, &n_events);
	if (r >= 0 && g->n == GRAMS_MAX)
		r = forget_some(g, n_events);
	if (r >= 0 && n_events >= GRAMS_FROM)
		r = look_at_sample(g, n_events);
	if (json_object_size(g->rare) > SAMPLE_GRAMS)
		(void)json_object_clear(g->rare);
	begin_sample(g);
	return r;
}
