// SPDX-License-Identifier: Apache-2.0
/* See snapshot.h. */
#include "output/dashboard/snapshot.h"

#include <errno.h>

#include "output/dashboard/answer.h"

/* SNAPSHOT_BYTES_MAX - of all bodies under way: eight of the largest there can be */
#define SNAPSHOT_BYTES_MAX (8 * LIVE_BYTES)

/* READS_MAX - lest a flood that overtakes us again and again keep us for ever */
#define READS_MAX ((size_t)8 * LIVE_EVENTS)

struct body {
	struct snapshots *owner;
	struct buffer bytes;
};

static void body_free(void *context)
{
	struct body *body = context;

	body->owner->bytes -= body->bytes.capacity;
	buffer_deinit(&body->bytes);
	free(body);
}

void snapshots_deinit(struct snapshots *s)
{
	if (s->newest)
		mhd.destroy_response(s->newest);
	s->newest = NULL;
}

int snapshot_append(const struct live_ring *ring, struct buffer *out)
{
	struct live_cursor cursor = live_cursor_oldest(ring);
	_cleanup_buffer_ struct buffer line = { 0 };
	size_t from = out->len, n = 0;
	struct live_gap gap;
	uint64_t seq;
	int r = 0;

	for (size_t i = 0; i < READS_MAX && n < LIVE_EVENTS; i++) {
		buffer_clear(&line);
		r = live_read(ring, &cursor, &line, &seq, &gap);
		if (r <= 0)
			break;
		/* Overtaken: what came before is no longer among the last. */
		if (gap.count > 0) {
			out->len = from;
			n = 0;
		}
		buffer_append(out, n++ ? ",\n" : "[\n", 2);
		buffer_append(out, line.data,
			      line.len - (line.len > 0)); /* its newline */
	}
	if (r < 0)
		return r;
	if (n == 0)
		buffer_append_literal(out, "[]\n");
	else
		buffer_append_literal(out, "\n]\n");
	return buffer_error(out);
}

static int make_response(struct snapshots *s, struct MHD_Response **ret)
{
	_cleanup_answer_ struct MHD_Response *response = NULL;
	struct body *body = calloc(1, sizeof(*body));
	int r;

	if (!body)
		return -ENOMEM;
	body->owner = s;
	r = snapshot_append(s->ring, &body->bytes);
	s->bytes += body->bytes.capacity;
	if (r == 0)
		response = mhd.create_response_from_buffer_with_free_callback_cls(
			body->bytes.len, body->bytes.data, body_free, body);
	if (!response) {
		body_free(body);
		return r < 0 ? r : -ENOMEM;
	}
	r = answer_prepare(response, TYPE_JSON);
	if (r == 0)
		*ret = take_ptr(response);
	return r;
}

static bool is_current(const struct snapshots *s, struct live_cursor from,
		       struct live_cursor to)
{
	return s->newest && s->from.next == from.next && s->to.next == to.next;
}

enum MHD_Result snapshots_answer(struct snapshots *s, struct MHD_Connection *connection)
{
	/* Taken before the body: news that come meanwhile make it look outdated, not
	 * current. */
	struct live_cursor from = live_cursor_oldest(s->ring),
			   to = live_cursor_newest(s->ring);

	if (!is_current(s, from, to)) {
		snapshots_deinit(s);
		if (s->bytes > SNAPSHOT_BYTES_MAX)
			return answer_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
					    "too many slow readers", "Retry-After", "2");
		if (make_response(s, &s->newest) < 0)
			return MHD_NO;
		s->from = from;
		s->to = to;
	}
	return mhd.queue_response(connection, MHD_HTTP_OK, s->newest);
}
