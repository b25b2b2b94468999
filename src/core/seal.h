/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals. A log_sealed line vouches for the bytes before it, back to the seal before or to
 * the beginning of the file: it carries their hash, the hash of the seal before, and a mac
 * over its own line by a key that is then replaced (core/seal_key.h).
 *
 *	{"seq": 42, …, "type": "log_sealed", "data": {"seal": 7, "from": 30, "to": 41,
 *	"count": 12, "offset": 18211, "key": "…", "hash": "…", "previous": "…", "mac": "…"}, …}
 */
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

#include "core/lines.h"
#include "core/resume.h"
#include "core/seal_key.h"

/** SEAL_AFTER_US - what was written is sealed so long after it at the latest */
#define SEAL_AFTER_US USEC_PER_SEC

struct seal {
	uint64_t seq;
	uint64_t number;
	uint64_t from, to; /* seq of the first and last line that it vouches for */
	uint64_t count;	   /* of these lines */
	uint64_t offset;   /* where in the file the first one begins */
	unsigned char key[SEAL_KEY_ID_SIZE];
	unsigned char hash[SEAL_HASH_SIZE];
	unsigned char previous[SEAL_HASH_SIZE];
	unsigned char mac[SEAL_KEY_SIZE];
	size_t mac_at; /* where in the line its digits are */
};

/** seal_parse() - is @line, newline included, a seal as we write it? */
bool seal_parse(struct span line, struct seal *ret);

/** seal_parse_lost() - is it our log_tail_lost, and which seals does it name? */
bool seal_parse_lost(struct span line, uint64_t *ret_first, uint64_t *ret_last);

/** seal_hash_line() - what the next seal has in "previous" */
void seal_hash_line(struct span line, unsigned char ret[static SEAL_HASH_SIZE]);

/** seal_is_authentic() - was @line, which is @seal, made with @key? */
bool seal_is_authentic(const struct seal *seal, struct span line,
		       const struct seal_key *key);

/* The writer's side. */

struct sealer;

/** sealer_create() - @key_fd: the key file, open for reading and writing; stays the caller's */
int sealer_create(int key_fd, struct sealer **ret);
void sealer_destroy(struct sealer *s);

/** What sealer_resume() found. */
struct seal_resumed {
	enum seal_key_news {
		SEAL_KEY_SAME,
		SEAL_KEY_FIRST,
		SEAL_KEY_REQUESTED, /* by `lksm keys` */
		SEAL_KEY_MISSING,
		SEAL_KEY_DAMAGED,
	} key_news;
	char key[2 * SEAL_KEY_ID_SIZE + 1];
	uint64_t
		key_first; /* the first seal made with it, or with those that follow it */
	bool is_shown;	   /* somebody has its verification key */
	enum seal_tail {
		SEAL_TAIL_THERE,
		SEAL_TAIL_MISSING, /* the key is ahead of the log */
		SEAL_TAIL_LOST,	   /* and a crash explains it */
	} tail;
	uint64_t tail_first, tail_last; /* seals */
};

/**
 * sealer_resume() - go on where the last run ended
 * @open_log: the newest one must be without a torn line
 * @boot_id: of this boot
 * @is_other_boot: the last run may have been in another one (struct resume); for a log
 *	without any seal that would say so
 *
 * Seals in the log for which the key is still there advance it. Lines behind the last seal
 * of the newest log are read, as a stream, and will be covered by the next seal. A key
 * that `lksm keys` left is taken.
 *
 * Return: 0 or -errno.
 */
int sealer_resume(struct sealer *s, resume_open_fn open_log, void *context,
		  const char *boot_id, bool is_other_boot, struct seal_resumed *ret);

/** sealer_add() - lines @lines[0..n) in the bytes @bytes are in the log */
void sealer_add(struct sealer *s, struct span bytes, const struct line *lines, size_t n);

/** sealer_is_needed() - is there something unsealed? */
bool sealer_is_needed(const struct sealer *s);

/**
 * sealer_add_line() - the next seal, as one more line
 * @end: the size of the file that it will be appended to
 */
int sealer_add_line(struct sealer *s, struct lines *lines, uint64_t end, struct now now);

/**
 * sealer_done() - the seal is in the log: replace the key
 * @is_synced: and on the disk; then the key will be, too
 *
 * Return: 0; -errno if the file could not be written: the key is replaced in memory only.
 */
int sealer_done(struct sealer *s, bool is_synced);

#endif
