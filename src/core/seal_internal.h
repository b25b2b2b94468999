/* SPDX-License-Identifier: Apache-2.0 */
/* What sealing (seal.c) and going on with it (seal_resume.c) share. */
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

#endif
