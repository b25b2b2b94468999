/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history: an SQLite database with an index of all events that are in the logs. The
 * logs stay the source of truth: it can be made anew from them at any time.
 *
 *	events	a row an event: its line as it was logged; its fields as columns, made of
 *		lksm/event_fields.h, are computed from the line; tokens of its phrases, because
 *		the index has to be told the same when it goes
 *	dims	what many events have in common: severity, type, source, host, rule, attack, tags,
 *		stream, boot_id; few rows. kind: the same number for those that differ only in
 *		the boot and in what of a stream's name is of one boot
 *	minutes	how many events of each dims row a minute has, and between which seqs
 *	words	full-text index: of message and values; of kinds of dims ("d7"); of key=value pairs
 *		and of phrases of frequent words
 *	pairs	how often each value of a key of data occurs in a kind, where they are few (pairs.h)
 *	grams	words, two in a row and pairs that many events have; since: the seq from which on
 *		phrases of it have tokens; gram_counts: how many, by dims and ten minutes (grams.h)
 *	meta	the schema's version, and the cursor in the log: changed with the rows that it
 *		is behind, in one transaction; and whether all logs that were there when it was
 *		made have been read
 *
 * One process writes (indexer.c), others read (reader.c).
 */
#ifndef OUTPUT_HISTORY_HISTORY_H
#define OUTPUT_HISTORY_HISTORY_H

#include <stdint.h>

#include "base/buffer.h"
#include "output/history/sqlite.h"

#define HISTORY_FILE	"history.db"
#define HISTORY_VERSION 6

/** HISTORY_MINUTE_US - what events are counted by */
#define HISTORY_MINUTE_US UINT64_C(60000000)

/**
 * history_enter() - the database is in this folder: it becomes the current one, because
 * who opens the database need not be able to reach it by its whole path; SQLite is loaded,
 * so this is before sandbox_enter()
 *
 * Return: 0 or -errno; what library_load() gives was logged.
 */
int history_enter(int folder);

/** HISTORY_VFS - SQLite's way to files whose names stay as they are given */
#define HISTORY_VFS "lksm"

/** history_schema() - append the statements that make an empty database ours, with a new key */
void history_schema(struct buffer *out);

/**
 * history_prepare() - make an empty database ours, or see that it is
 * Return: 0; -EUCLEAN: it is of another version, or has another schema; -errno.
 */
int history_prepare(sqlite3 *db);

/** history_remove() - the current folder's database, whatever it is; 0 or -errno */
int history_remove(void);

/** history_error() - an SQLite result as -errno: -EUCLEAN if the database is damaged, -EACCES if
 * it may not be written, -ENOENT if it cannot be opened */
int history_error(int result);

/** HISTORY_KEY_BYTES - of the database's secret, which is drawn when it is made */
#define HISTORY_KEY_BYTES  16
#define HISTORY_TOKEN_SIZE 18

/** history_load_key() - of an open database; 0; -EUCLEAN: it has none; -errno */
int history_load_key(sqlite3 *db, unsigned char ret[static HISTORY_KEY_BYTES]);

/**
 * history_token() - the word of the index that stands for key=value in an event's data
 *
 * Keyed (SipHash-2-4), so that nobody who chooses what stands in events can choose a value that
 * is found, or left out, as another.
 *
 * Return: 0; -ENOMEM.
 */
int history_token(const unsigned char secret[static HISTORY_KEY_BYTES], struct span key,
		  struct span value, char ret[static HISTORY_TOKEN_SIZE]);

/** history_scalar() - a JSON value as text, as it is searched for; false: it has none */
bool history_scalar(const void *json, char number[static 32], struct span *ret);

#endif
