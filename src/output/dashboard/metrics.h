/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics: numbers in Prometheus' text format 0.0.4, from the counters page, the live ring
 * and the server itself. The number of series is bounded: no label holds what a user of the
 * machine chooses.
 *
 *	# HELP lksm_events_total Events written to the log.
 *	# TYPE lksm_events_total counter
 *	lksm_events_total{type="module_loaded",severity="medium"} 3
 */
#ifndef OUTPUT_DASHBOARD_METRICS_H
#define OUTPUT_DASHBOARD_METRICS_H

#include "base/clock.h"
#include "core/counters.h"
#include "output/live.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** METRICS_STATUSES - HTTP statuses that are counted, more than we answer with */
#define METRICS_STATUSES 24

/** What the HTTP server counts. */
struct http_counters {
	struct {
		unsigned int status; /* 0: free */
		uint64_t n;
	} answers[METRICS_STATUSES];
	uint64_t n_refused; /* connections beyond a client's limit */
};

struct metrics_source {
	const struct live_ring *ring;
	const struct counters *counters; /* NULL: there are none */
	const struct http_counters *http;
	size_t n_streams;
	uint64_t n_missed; /* events that streams were too slow for */
	bool is_up;	   /* the writer runs */
};

/** http_counters_add() - one more answer; a @status of 0 was none */
void http_counters_add(struct http_counters *c, unsigned int status);

/** metrics_append() - the whole page */
void metrics_append(const struct metrics_source *source, struct now now,
		    struct buffer *out);

#endif
