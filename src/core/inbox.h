/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What external modules said and is not in the log yet, in memory that the next core
 * inherits: one that is killed loses nothing of it, and nothing is logged twice.
 *
 *	bytes	as they were read, lines and all; behind them zeros. A line that has any is
 *		nonsense: those at its end are lost with a core that is killed over half of it
 *	mark	up to where they are done with, and what was counted on the way
 *
 * A turn's events are in flight until they are in the log: there is a mark behind each of
 * them, and the writer notes each one's seq before it writes. The log's end then says which
 * of them it has. Every change is one store, or of what no mark leads to yet.
 */
#ifndef CORE_INBOX_H
#define CORE_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INBOX_NAME_SIZE	  32
#define INBOX_REASON_SIZE 512
#define INBOX_SIDE	  (((size_t)64 << 10) + 1) /* the longest line and its newline */
#define INBOX_FLIGHT_MAX  256 /* events of one turn: LKSM_BATCH_EVENTS */
#define INBOX_MARKS	  512 /* two turns' */

/** INBOX_TRIES_MAX - cores that may end over the same lines before these are given up */
#define INBOX_TRIES_MAX 5

struct inbox_mark {
	uint64_t n_lines; /* the running number of the next */
	uint64_t n_excess, first_excess;
	uint64_t n_given_up, first_given_up;
	uint64_t n_nonsense;
	uint64_t pipe; /* st_ino of what is read; 0: nothing yet */
	uint32_t start;
	uint8_t side;
	uint8_t is_skipping; /* bool: inside a line that is too long */
};

struct inbox {
	_Atomic uint64_t
		at; /* the valid mark, and << 32: how many are in flight behind it */
	_Atomic uint32_t n_tries;
	struct inbox_mark marks[INBOX_MARKS];
	uint64_t seqs[INBOX_FLIGHT_MAX];
	char reason[INBOX_REASON_SIZE]; /* of the first nonsense */
	char sides[2][INBOX_SIDE];
};

struct inbox_set;

/**
 * inbox_set_create() - one inbox for each name, in memory that children share
 * @names: at most 31 bytes each count
 *
 * How many there are, and whose, is not in it, as core may write there what it likes.
 */
int inbox_set_create(const char *const names[], size_t n, struct inbox_set **ret);

/** inbox_set_unmap() - this process's view is gone, the others' stay */
void inbox_set_unmap(struct inbox_set *set);

/** inbox_set_find() - NULL if there is none of that name */
struct inbox *inbox_set_find(struct inbox_set *set, const char *name);

/**
 * inbox_set_settle() - a new core: what was in flight is in the log or to be said again
 * @next_seq: of the log's next event
 *
 * Before anything is written. What the last core left is not believed: marks that lead
 * nowhere empty their inbox, which is logged.
 */
void inbox_set_settle(struct inbox_set *set, uint64_t next_seq);

/**
 * inbox_set_end_well() - this core ends because it was told to: not over what is left in them,
 * as when the disk is full
 */
void inbox_set_end_well(struct inbox_set *set);

/** inbox_mark() - the valid one */
const struct inbox_mark *inbox_mark(const struct inbox *inbox);

/** inbox_end() - behind the last byte on the valid mark's side; never before its start */
size_t inbox_end(const struct inbox *inbox);

/** inbox_put_mark() - the @i-th mark behind the valid one; it counts for nothing yet */
void inbox_put_mark(struct inbox *inbox, size_t i, const struct inbox_mark *mark);

/** inbox_commit() - @mark is the valid one from now on; with nothing in flight */
void inbox_commit(struct inbox *inbox, const struct inbox_mark *mark);

/** inbox_take_off() - @n events, 1..INBOX_FLIGHT_MAX, with a mark behind each, are in flight */
void inbox_take_off(struct inbox *inbox, size_t n);

/** inbox_note_seq() - the writer: the @i-th event in flight is about to be logged as @seq */
void inbox_note_seq(struct inbox *inbox, size_t i, uint64_t seq);

/** inbox_land() - the writer: what was in flight is in the log */
void inbox_land(struct inbox *inbox);

bool inbox_is_in_flight(const struct inbox *inbox);

#endif
