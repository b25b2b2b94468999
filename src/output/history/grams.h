/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is frequent in events: words, two words one after the other, and key=value pairs. The
 * full-text index finds a million events with a word in a tenth of a second, which is too long for
 * a count when there are ten million. Therefore the table gram_counts has how many events of each
 * dims row and span of time have what many have; what few have is counted by the index.
 *
 * What is frequent is found in samples, and counted out of the index once before it is counted
 * as it comes, so that each count is exact from the beginning.
 *
 * Two frequent words one after the other that are not frequent together are what the index finds
 * slowest: it compares all events with both. An event that has them has a word of its own for
 * them in the index, a phrase's token, from the time when both words were known to be frequent.
 */
#ifndef OUTPUT_HISTORY_GRAMS_H
#define OUTPUT_HISTORY_GRAMS_H

#include <jansson.h>
#include <stdint.h>

#include "base/buffer.h"
#include "output/history/sqlite.h"

/** GRAMS_SPAN_MINUTES - of what is counted together */
#define GRAMS_SPAN_MINUTES 10

/** GRAMS_SHARE - one of so many events has what is frequent; GRAMS_MAX - so much is, at most;
 * GRAMS_FROM - with fewer events nothing is; GRAMS_BYTES - longer ones are not counted */
#define GRAMS_SHARE 32
#define GRAMS_MAX   512
#define GRAMS_FROM  20000
#define GRAMS_BYTES 64

struct words;

/** A gram's text: "word", "one two", or "=" and the pair's token (history_token()). */
struct gram_text {
	char data[GRAMS_BYTES + 2];
	size_t len; /* 0: none that could be counted */
};

/** GRAMS_TOKEN_SIZE - of a phrase's token, as text */
#define GRAMS_TOKEN_SIZE 36

/** grams_token() - what stands in the index for two frequent words, by their rows of grams; no
 * pair's token is like it */
void grams_token(int64_t first, int64_t second, char ret[static GRAMS_TOKEN_SIZE]);

/** gram_of_term() - of a word or phrase that is looked for; 0; -ENOMEM */
int gram_of_term(struct words *w, struct span text, struct gram_text *ret);

/** gram_of_word() - of one word, as the index has it */
void gram_of_word(struct span word, struct gram_text *ret);

/** gram_extend() - makes "one two" of "one"; none, if that is too long, or there was none */
void gram_extend(struct gram_text *g, struct span word);

/** gram_of_pair() - of a pair's token */
void gram_of_pair(struct span token, struct gram_text *ret);

struct grams;

/** What of an event is counted. */
struct gram_source {
	struct span text; /* words */
	struct span data; /* tokens of its pairs, with a space before each */
	int64_t dim;
	uint64_t seq, at_us;
};

int grams_create(struct grams **ret); /* 0; -ENOMEM */
void grams_destroy(struct grams *g);

/** grams_load() - what @db has, and nothing else; it has to be open until grams_close(); 0; -errno */
int grams_load(struct grams *g, sqlite3 *db);
void grams_close(struct grams *g);

/**
 * grams_add() - an event
 * @n: 1, or -1: it goes
 * @phrases: tokens of its phrases are appended, with a space before each; NULL: these are known
 *
 * Return: 0; -errno.
 */
int grams_add(struct grams *g, const struct gram_source *source, int n,
	      struct buffer *phrases);

/** grams_store() - into the database, what is not there yet; 0; -errno */
int grams_store(struct grams *g);

/**
 * grams_look() - is there more that is frequent, by the last sample? Then it is counted from now on
 * Called when all events so far are in the database; 0; -errno
 */
int grams_look(struct grams *g);

#endif
