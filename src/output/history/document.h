/* SPDX-License-Identifier: Apache-2.0 */
/* What the full-text index holds of an event, as texts for its columns. */
#ifndef OUTPUT_HISTORY_DOCUMENT_H
#define OUTPUT_HISTORY_DOCUMENT_H

#include "output/history/grams.h"
#include "output/history/history.h"
#include "output/history/pairs.h"

struct document {
	struct buffer text; /* words */
	struct buffer
		data; /* tokens, with a space before each: of pairs, then of phrases */
	struct buffer phrases; /* these, by themselves */
};

void document_deinit(struct document *d);

/**
 * document_fill() - all but the phrases, instead of what it was
 * @n: so many more events of @kind have the pairs
 *
 * Return: 0; -ENOMEM.
 */
int document_fill(struct document *d, const json_t *event,
		  const unsigned char secret[static HISTORY_KEY_BYTES],
		  struct pairs *pairs, int64_t kind, int n);

/**
 * document_count() - count what is frequent in it, and give it its phrases
 * @source: its text and data are filled in
 *
 * Return: 0; -errno.
 */
int document_count(struct document *d, struct grams *g, const struct gram_source *source);

/** document_uncount() - the same for one that goes; @phrases: what it was given */
int document_uncount(struct document *d, struct grams *g,
		     const struct gram_source *source, struct span phrases);

#endif
