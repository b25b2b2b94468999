/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sealing (seal.c), going on with it (seal_resume.c) and its keys (seal_key.c) share.
 *
 * None of them, nor verify.c, calls sodium_init(): it would choose libsodium's AVX2 code for
 * BLAKE2b, which takes 1.8 times as long as its portable code on AMD's Zen (1.34 to 0.72 ns a
 * byte), and is at most 15 % faster elsewhere (BLAKE2/BLAKE2, issue 85). What else it does is
 * for random numbers and guarded memory (libsodium 1.0.18, sodium/core.c), of which there is
 * none here.
 */
#ifndef CORE_SEAL_INTERNAL_H
#define CORE_SEAL_INTERNAL_H

#include <sodium.h>

#include "core/seal.h"

struct sealer {
	crypto_generichash_state hash; /* of what is not sealed yet */
	struct seal_key key;
	int key_fd;
	uint64_t from, to, count, bytes;    /* of it */
	unsigned char line[SEAL_HASH_SIZE]; /* hash of the seal that was made last */
};

/** sealer_clear() - nothing is unsealed */
void sealer_clear(struct sealer *s);

/**
 * seal_take_hex() - exactly @size bytes in hexadecimal, of either case, at the front of @text
 *
 * Return: true, with @text advanced past them; false, and @text as it was.
 */
bool seal_take_hex(struct span *text, unsigned char *ret, size_t size);

#endif
