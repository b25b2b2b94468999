/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying sealed logs: bytes come in, in order, in pieces of any size; out comes the first
 * span that is not as it was when it was sealed. No input or output of its own.
 */
#ifndef CORE_VERIFY_H
#define CORE_VERIFY_H

#include "core/seal.h"

#define VERIFY_NAME_SIZE 64
#define VERIFY_TIME_SIZE 32

enum verify_fault {
	VERIFY_SOUND,
	VERIFY_CHANGED,
	VERIFY_REMOVED,
	VERIFY_ADDED,
	VERIFY_REORDERED,
	VERIFY_FORGED,	 /* a seal that the key did not make */
	VERIFY_FOREIGN,	 /* a seal of a key that was not given */
	VERIFY_CUT,	 /* the end is missing */
	VERIFY_REPLACED, /* the key file is not the one that belongs to the log */
	VERIFY_FAULT_COUNT,
};

/** A run of lines; of none, count is 0. */
struct verify_lines {
	uint64_t count;
	uint64_t from, to; /* seq of the first and the last */
	char file[VERIFY_NAME_SIZE];
};

struct verify_report {
	enum verify_fault fault; /* the first one; what comes after it is not looked at */
	uint64_t seal,
		last_seal; /* the seals concerned: one, or those that are missing */
	struct verify_lines span; /* the lines concerned, as far as they are known */
	char after[VERIFY_TIME_SIZE],
		before[VERIFY_TIME_SIZE]; /* times of the seals around
								   them, or "" */

	uint64_t n_seals, first, last; /* read without a fault */
	uint64_t n_authentic;	       /* of these, by a key that was given */
	uint64_t n_lost, lost_first,
		lost_last;		  /* seals that a crash explains; the first gap */
	struct verify_lines unsealed;	  /* behind the last seal */
	struct verify_lines before_first; /* in files older than the first seal */
};

struct verifier;

/**
 * verifier_create() - @keys: verification keys, as they were given out; may be none: then
 * only hashes and numbers are looked at, which anybody could make anew
 * @now_us: since 1970 UTC: no seal has a number that there were no seconds for; to find the key
 *	of a forged one would take a quarter of an hour. 0: any number.
 */
int verifier_create(const struct seal_key *keys, size_t n_keys, uint64_t now_us,
		    struct verifier **ret);
void verifier_destroy(struct verifier *v);

/** verifier_begin() - the next file of the log */
void verifier_begin(struct verifier *v, const char *name);

/** verifier_feed() - its next bytes; 0, 1: a fault is found and nothing more is needed; -ENOMEM */
int verifier_feed(struct verifier *v, struct span bytes);

/** verifier_broken() - the rest of the file cannot be read, because it was changed */
void verifier_broken(struct verifier *v);

/**
 * verifier_finish() - that was all
 * @next: what is in the key file, or NULL if the log may go on elsewhere
 */
const struct verify_report *verifier_finish(struct verifier *v,
					    const struct seal_key *next);

#endif
