/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deadline for each connection. libmicrohttpd's own timeout begins anew with every
 * byte, so a client that sends one header byte in a while could stay for ever.
 */
#ifndef OUTPUT_DASHBOARD_CLIENTS_H
#define OUTPUT_DASHBOARD_CLIENTS_H

#include <stdint.h>

#include "base/systemd.h"
#include "output/dashboard/rate.h"

#define DEADLINE_NONE UINT64_MAX

struct client {
	struct client *previous, *next;
	int fd; /* the connection's */
	struct rate_client whose;
	uint64_t deadline_us;
};

struct clients {
	sd_event *loop;
	sd_event_source *timer; /* on only while some client has a deadline */
	uint64_t timer_us;
	struct client *list;
};

int clients_init(struct clients *c, sd_event *loop);
void clients_deinit(struct clients *c);

/** clients_add() - NULL if out of memory; has no deadline yet */
struct client *clients_add(struct clients *c, int fd, struct rate_client whose);

/** clients_count() - the connections that @whose has */
size_t clients_count(const struct clients *c, struct rate_client whose);

void clients_remove(struct clients *c, struct client *client);

/** clients_set_deadline() - in @in_us from now the connection is cut; DEADLINE_NONE never
 */
void clients_set_deadline(struct clients *c, struct client *client, uint64_t in_us);

#endif
