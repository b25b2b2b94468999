/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the history: batches of events out of the logs, and what is too old or too much
 * out again. Each batch is one transaction with the cursor behind it.
 */
#ifndef OUTPUT_HISTORY_INDEXER_H
#define OUTPUT_HISTORY_INDEXER_H

#include "core/log_follower.h"
#include "output/history/history.h"

/** INDEXER_BATCH - most events of one transaction */
#define INDEXER_BATCH 20000

struct indexer_options {
	int log_folder; /* open */
	uint64_t
		keep_days; /* events older than that go, critical ones after four times as
			       many; 0: never */
	uint64_t keep_bytes; /* the database stays below that; 0: no limit */
};

struct indexer;

/**
 * indexer_create() - open the current folder's database (history_enter()) and go on at its cursor; make it anew if it is
 * missing, damaged, of another version or not ours to write
 *
 * Return: 0; -errno.
 */
int indexer_create(const struct indexer_options *options, struct indexer **ret);
void indexer_destroy(struct indexer *x);

/** indexer_watch() - readable when there may be more events; -1: ask now and then, also
 * without an indexer */
int indexer_watch(const struct indexer *x);

/**
 * indexer_turn() - take at most INDEXER_BATCH events in
 *
 * Return: how many, 0: there are none for now; -EUCLEAN: the database is damaged,
 * -ESTALE: the log began anew, -EACCES: somebody took it: then indexer_renew() is due;
 * -ENOSPC: the disk is full; -errno.
 */
int indexer_turn(struct indexer *x);

/**
 * indexer_renew() - throw the database away and begin with the oldest log
 * Return: 0; -errno: it has no database then, and is to be destroyed.
 */
int indexer_renew(struct indexer *x);

/**
 * indexer_trim() - remove some of what is beyond the limits at @now_us
 * Return: how many events, 0: nothing is; -errno.
 */
int indexer_trim(struct indexer *x, uint64_t now_us);

/** indexer_tidy() - after indexer_trim(): give the room of the database's journal back */
void indexer_tidy(struct indexer *x);

#endif
