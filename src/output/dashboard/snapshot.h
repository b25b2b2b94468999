/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /api/events: what the live ring holds, as a JSON array of the logged lines. One
 * body serves every client until the ring has news, and all bodies under way are bounded:
 * a thousand clients that do not read cost no more.
 */
#ifndef OUTPUT_DASHBOARD_SNAPSHOT_H
#define OUTPUT_DASHBOARD_SNAPSHOT_H

#include "output/dashboard/mhd.h"
#include "output/live.h"

struct snapshots {
	const struct live_ring *ring;
	struct MHD_Response *newest; /* of the ring between these two cursors */
	struct live_cursor from, to;
	size_t bytes; /* of all bodies that somebody still holds */
};

void snapshots_deinit(struct snapshots *s);

/** snapshot_append() - "[\n" LINE ",\n" LINE … "\n]\n", oldest first, or "[]\n" */
int snapshot_append(const struct live_ring *ring, struct buffer *out);

enum MHD_Result snapshots_answer(struct snapshots *s, struct MHD_Connection *connection);

#endif
