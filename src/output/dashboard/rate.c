// SPDX-License-Identifier: Apache-2.0
/*
 * See rate.h. Of a bucket, only the time is kept at which it will be full again (the generic
 * cell rate algorithm of ATM, ITU-T I.371): a time that is over is a full bucket, so a slot
 * full of them can be anybody's. Clients are found by a keyed hash, so that nobody can
 * choose whom he shares a set with.
 */
#include "output/dashboard/rate.h"

#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <string.h>

#include "base/cleanup.h"

#define SETS 512
#define WAYS 8

_Static_assert(crypto_shorthash_BYTES >= sizeof(uint64_t), "a hash gives a set");

struct slot {
	struct rate_client id;
	uint64_t full_us[RATE_KIND_COUNT]; /* 0: it was never used */
};

struct rates {
	struct rate_limit limits[RATE_KIND_COUNT];
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct slot slots[SETS][WAYS];
};

static struct rate_client id_of_four(uint32_t address)
{
	struct rate_client id = { .family = AF_INET };

	if (ntohl(address) >> 24 == IN_LOOPBACKNET) /* all of them are this machine */
		address = htonl(INADDR_LOOPBACK);
	memcpy(id.address, &address, sizeof(address));
	return id;
}

static uint64_t latest(const struct slot *slot)
{
	uint64_t full_us = 0;

	for (int i = 0; i < RATE_KIND_COUNT; i++)
		if (slot->full_us[i] > full_us)
			full_us = slot->full_us[i];
	return full_us;
}

/* The client's slot, or the one that tells least about another. */
static struct slot *find_slot(struct rates *r, const struct rate_client *id)
{
	unsigned char hash[crypto_shorthash_BYTES];
	struct slot *set, *found;
	uint64_t number;

	(void)crypto_shorthash(hash, (const unsigned char *)id, sizeof(*id), r->key);
	memcpy(&number, hash, sizeof(number));
	set = r->slots[number % SETS];
	found = set;
	for (struct slot *s = set; s < set + WAYS; s++) {
		if (latest(s) && !memcmp(&s->id, id, sizeof(*id)))
			return s;
		if (latest(s) < latest(found))
			found = s;
	}
	*found = (struct slot){ .id = *id };
	return found;
}

struct rate_client rate_client_of(const struct sockaddr *address)
{
	struct rate_client id = { .family = AF_UNSPEC };
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (address && address->sa_family == AF_INET) {
		memcpy(&four, address, sizeof(four));
		return id_of_four(four.sin_addr.s_addr);
	}
	if (!address || address->sa_family != AF_INET6)
		return id;
	memcpy(&six, address, sizeof(six));
	if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
		return id_of_four(six.sin6_addr.s6_addr32[3]);
	id.family = AF_INET6;
	memcpy(id.address, &six.sin6_addr, sizeof(id.address)); /* the upper half */
	return id;
}

int rates_create(const struct rate_limit limits[static RATE_KIND_COUNT],
		 struct rates **ret)
{
	struct rates *r;

	if (sodium_init() < 0)
		return -ENOSYS;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	memcpy(r->limits, limits, sizeof(r->limits));
	crypto_shorthash_keygen(r->key);
	*ret = r;
	return 0;
}

void rates_destroy(struct rates *r)
{
	free(r);
}

uint64_t rates_take(struct rates *r, const struct sockaddr *client, enum rate_kind kind,
		    uint64_t now_us)
{
	const struct rate_limit *limit = &r->limits[kind];
	struct rate_client id = rate_client_of(client);
	uint64_t *full_us, next_us, most_us = now_us + limit->interval_us * limit->burst;

	if (!limit->interval_us)
		return 0;
	full_us = &find_slot(r, &id)->full_us[kind];
	next_us = (*full_us > now_us ? *full_us : now_us) + limit->interval_us;
	if (next_us > most_us)
		return next_us - most_us;
	*full_us = next_us;
	return 0;
}
