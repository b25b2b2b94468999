/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the HTTP server share: routes.c answers, server.c runs. */
#ifndef OUTPUT_DASHBOARD_SERVER_H
#define OUTPUT_DASHBOARD_SERVER_H

#include <limits.h>

#include "output/dashboard/auth.h"
#include "output/dashboard/clients.h"
#include "output/dashboard/dashboard.h"
#include "output/dashboard/mhd.h"
#include "output/dashboard/queries.h"
#include "output/dashboard/metrics.h"
#include "output/dashboard/rate.h"
#include "output/dashboard/rules_page.h"
#include "output/dashboard/snapshot.h"
#include "output/dashboard/stream.h"

#define SERVER_HOSTS_MAX 32

struct server {
	const struct dashboard_options *options;
	struct auth auth;
	struct rates *rates;
	char hostname[HOST_NAME_MAX + 1];
	const char
		*hosts[SERVER_HOSTS_MAX + 2]; /* names that are ours besides loopback's */
	sd_event *loop;
	sd_event_source
		*turn; /* when libmicrohttpd wants to run without any descriptor ready */
	sd_event_source *news; /* NULL without a ring's eventfd; off without streams */
	struct MHD_Daemon *daemon;
	struct clients clients;
	struct streams streams;
	struct snapshots snapshots;
	struct queries *queries; /* NULL: there is no history */
	struct rules_page rules;
	struct http_counters counters;
};

/** client_address() - whose request it is; NULL if that is not known */
const struct sockaddr *client_address(struct MHD_Connection *connection);

/**
 * server_init() - ready to serve when its loop runs
 * @options: must outlive it
 *
 * Return: 0 or -errno; server_deinit() is due in each case.
 */
int server_init(struct server *server, const struct dashboard_options *options);
void server_deinit(struct server *server);

/**
 * routes_answer() - answer a request whose headers are all there
 * @has_body: it announces one, which no route takes: the connection ends with the answer
 * @ret_job: set if the answer is to come: the connection is suspended until it is there
 */
enum MHD_Result routes_answer(struct server *server, struct MHD_Connection *connection,
			      const char *method, const char *path, bool has_body,
			      struct query_job **ret_job);

/** health_append() - GET /healthz; Return: the HTTP status */
unsigned int health_append(const struct dashboard_options *options, struct buffer *out);

/**
 * health_writer() - "running", "starting", "stopped", "dead", or "blocked": it runs, and cannot
 * write the log (a full disk), which it tries again
 */
const char *health_writer(const struct dashboard_options *options,
			  const struct live_health *health);

/** health_uptime_s() - since the first writer began */
uint64_t health_uptime_s(const struct live_health *health);

/** status_append() - the body of /api/v1/status */
void status_append(const struct dashboard_options *options, struct buffer *out);

/** health_is_up() - does the writer run, and write? */
bool health_is_up(const struct dashboard_options *options);

#endif
