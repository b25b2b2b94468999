/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each value of a key of data occurs in a kind of events, where they are few: uid,
 * comm, a reason. The table pairs has them; what is not a certain value is then looked for as one
 * of the others, which the full-text index finds, instead of one by one.
 */
#ifndef OUTPUT_HISTORY_PAIRS_H
#define OUTPUT_HISTORY_PAIRS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/span.h"
#include "output/history/sqlite.h"

/** PAIRS_VALUES - more of a key are too many to be counted; PAIRS_KEYS - of all kinds */
#define PAIRS_VALUES 32
#define PAIRS_KEYS   2048

struct pairs {
	json_t *keys;	 /* "KIND:KEY" → {token: count}, or null: too many values */
	json_t *changed; /* "KIND:KEY" → true: the database has another */
	bool is_full;	 /* some keys are not counted */
};

/** pairs_init() - 0; -ENOMEM; pairs_deinit() is due in each case */
int pairs_init(struct pairs *p);
void pairs_deinit(struct pairs *p);

/**
 * pairs_add() - @n more events of this kind have this value
 * @token: that stands for the pair (history_token()); "": there are too many
 *
 * Return: 0; -ENOMEM.
 */
int pairs_add(struct pairs *p, int64_t kind, struct span key, struct span token,
	      int64_t n);

/** pairs_store() - into the database, what is not there yet; 0; -errno */
int pairs_store(struct pairs *p, sqlite3 *db);

/** pairs_load() - what the database has, and nothing else; 0; -errno */
int pairs_load(struct pairs *p, sqlite3 *db);

#endif
