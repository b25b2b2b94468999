/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of the seals. Seal n is made with key n; then key n+1, which is made from key n
 * and from which key n cannot be made, takes its place on the disk, and key n is wiped.
 * Whoever knows an early key can make all later ones: to keep it elsewhere is to be able
 * to verify. See docs/seals.md.
 */
#ifndef CORE_SEAL_KEY_H
#define CORE_SEAL_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define SEAL_KEY_SIZE	 32 /* bytes of a key and of a mac */
#define SEAL_KEY_ID_SIZE 8
#define SEAL_HASH_SIZE	 32

/** SEAL_NUMBER_MAX - a number beyond it is not a seal's: some 140 million years of seconds */
#define SEAL_NUMBER_MAX (UINT64_C(1) << 52)

struct seal_key {
	uint64_t start;	 /* number of the first seal of this key's line */
	uint64_t number; /* of the seal that it makes */
	unsigned char secret[SEAL_KEY_SIZE];
	unsigned char id[SEAL_KEY_ID_SIZE];	/* of its line; not secret */
	unsigned char previous[SEAL_HASH_SIZE]; /* hash of the last seal's line */
	bool is_shown;	/* it was given out as a verification key */
	bool is_synced; /* the log was on the disk before this key was stored */
};

/** seal_key_make() - a random key, and so a new line of keys; 0 or getrandom(2)'s error */
int seal_key_make(struct seal_key *ret);

/** seal_key_advance() - to the key of seal @number; -ERANGE: lies behind, or is too far away */
int seal_key_advance(struct seal_key *key, uint64_t number);

/** seal_key_mac() - of the bytes @text, by the key of one seal */
void seal_key_mac(const struct seal_key *key, struct span text,
		  unsigned char ret[static SEAL_KEY_SIZE]);

/** seal_key_wipe() - nothing of it stays in memory */
void seal_key_wipe(struct seal_key *key);

/** SEAL_KEY_TEXT_SIZE - of a verification key as text, and its NUL */
#define SEAL_KEY_TEXT_SIZE 128

/**
 * seal_key_format() - as a verification key: lksm1-START-SECRET-ID, in hexadecimal but
 * START; to be called before the key has advanced
 */
void seal_key_format(const struct seal_key *key, char ret[static SEAL_KEY_TEXT_SIZE]);

/** seal_key_parse() - 0; -EINVAL: it is none, or a digit of it is wrong */
int seal_key_parse(struct span text, struct seal_key *ret);

/*
 * The key file: two slots, of which one holds the key. The next key goes into the other
 * one first, and only then is the old one wiped, so that a kill at any moment leaves one
 * or both; the newer one counts. A third place takes the key that `lksm keys` made and
 * asks the daemon to use.
 */

#define SEAL_FILE_NAME ".seal_key" /* in the log folder */

/**
 * seal_file_load() - the key in the file
 *
 * Return: 0; -ENOENT: the file is empty; -EBADMSG: it is not, and yet holds no whole key;
 * -errno.
 */
int seal_file_load(int fd, struct seal_key *ret);

/**
 * seal_file_store() - put the next key in place and wipe the one before
 * @must_sync: have both steps on the disk, in this order, before this returns
 */
int seal_file_store(int fd, const struct seal_key *key, bool must_sync);

/** seal_file_ask() - leave a key for the daemon's next start of its core */
int seal_file_ask(int fd, const struct seal_key *key);

/** seal_file_asked() - the key that was left there; -ENOENT if none was */
int seal_file_asked(int fd, struct seal_key *ret);

/** seal_file_answer() - wipe what was left there: it is in use */
int seal_file_answer(int fd);

#endif
