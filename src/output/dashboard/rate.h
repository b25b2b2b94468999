/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often may one client ask? A token bucket for each client address and kind of request,
 * in a table of fixed size. A client is an IPv4 address, the /64 network of an IPv6 address,
 * or this machine as a whole.
 *
 * Who has the token and who has not draw from different buckets: at an address that many
 * share (a proxy's, loopback), nobody without it can shut out who has it and is connected.
 * Who only connects has shown nothing yet, so by TLS a new connection can be shut out.
 */
#ifndef OUTPUT_DASHBOARD_RATE_H
#define OUTPUT_DASHBOARD_RATE_H

#include <stdint.h>
#include <sys/socket.h>

/** Whom we take for one client. Two of them are compared as bytes. */
struct rate_client {
	uint8_t family;
	uint8_t address[8];
};

/**
 * rate_client_of() - whose address is that?
 * @address: as from accept(2); of another family than IP, or NULL: one client for all those
 */
struct rate_client rate_client_of(const struct sockaddr *address);

enum rate_kind {
	RATE_STRANGER, /* a request without the token */
	RATE_KNOWN,    /* a request with it */
	RATE_FAILURE,  /* a wrong token, or none where one is needed */
	RATE_TLS, /* a connection by TLS, whose handshake costs more than a request */
	RATE_KIND_COUNT,
};

struct rate_limit {
	uint64_t interval_us; /* a token comes in so often; 0: no limit */
	uint64_t burst;	      /* so many can be there */
};

struct rates;

/** rates_create() - full buckets for everybody; @limits is copied; 0 or -errno */
int rates_create(const struct rate_limit limits[static RATE_KIND_COUNT],
		 struct rates **ret);
void rates_destroy(struct rates *r);

/**
 * rates_take() - one token of @client's
 * @client: the address, as for rate_client_of()
 * @now_us: a clock that does not go back
 *
 * When the table is full of clients that lately asked, the one whose buckets are fullest
 * is forgotten.
 *
 * Return: 0; or in how many microseconds there will be one, and none is taken.
 */
uint64_t rates_take(struct rates *r, const struct sockaddr *client, enum rate_kind kind,
		    uint64_t now_us);

#endif
