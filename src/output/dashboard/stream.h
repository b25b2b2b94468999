/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /api/v1/stream: server-sent events out of the live ring. A client is a cursor and
 * nothing more: while it has read everything its connection is suspended; when it is too
 * slow, it is told what it missed.
 *
 *	retry: 2000
 *
 *	id: 4711
 *	data: {"seq": 4711, …}
 *
 *	event: gap
 *	data: {"first": 4712, "last": 5000, "count": 289}
 *
 *	: hb
 */
#ifndef OUTPUT_DASHBOARD_STREAM_H
#define OUTPUT_DASHBOARD_STREAM_H

#include "base/systemd.h"
#include "output/dashboard/mhd.h"
#include "output/live.h"

struct stream;

struct streams {
	const struct live_ring *ring;
	sd_event *loop;
	sd_event_source *turn; /* the server's timer: runs libmicrohttpd when it is due */
	sd_event_source *heartbeat; /* NULL while there are no streams */
	struct stream *list;
	size_t n;
	uint64_t n_missed; /* events that were overwritten before they were sent */
	struct buffer line, message; /* being made; shared by all */
	bool is_stopping;
};

void streams_deinit(struct streams *s);

/**
 * streams_answer() - begin a stream
 * @resume_after: the last seq the client has seen; NULL: it wants new events only
 */
enum MHD_Result streams_answer(struct streams *s, struct MHD_Connection *connection,
			       const uint64_t *resume_after);

/** streams_wake() - the ring has news */
void streams_wake(struct streams *s);

/** streams_stop() - let all end; they do so in the next turn of the HTTP server */
void streams_stop(struct streams *s);

#endif
