/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a text, as the full-text index has them: FTS5's own tokenizer says. */
#ifndef OUTPUT_HISTORY_WORDS_H
#define OUTPUT_HISTORY_WORDS_H

#include "base/span.h"
#include "output/history/sqlite.h"

struct words;

/**
 * words_create() - for texts of @db, which has to be open until words_destroy()
 * Return: 0; -ENOSYS: this SQLite has no FTS5; -ENOMEM.
 */
int words_create(sqlite3 *db, struct words **ret);
void words_destroy(struct words *w);

/**
 * words_each() - call @take for each word of @text, in order; it returns 0 or a negative errno,
 * which ends it. The word is valid during the call.
 *
 * Return: 0; what @take said; -ENOMEM.
 */
int words_each(struct words *w, struct span text,
	       int (*take)(void *context, struct span word), void *context);

#endif
