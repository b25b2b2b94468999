/* SPDX-License-Identifier: Apache-2.0 */
/* What sealing (seal.c), going on with it (seal_resume.c) and its keys (seal_key.c) share. */
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
