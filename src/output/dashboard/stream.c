// SPDX-License-Identifier: Apache-2.0
/* See stream.h. libmicrohttpd asks read_stream() for bytes whenever the socket takes
 * some. */
#include "output/dashboard/stream.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "output/dashboard/answer.h"

/* STREAMS_MAX - of the server's connections, so that the page itself can always be had */
#define STREAMS_MAX 1000

#define HEARTBEAT_US	   (15 * USEC_PER_SEC)
#define HEARTBEAT_SLACK_US USEC_PER_SEC
#define GREETING	   "retry: 2000\n\n"
#define HEARTBEAT	   ": hb\n\n"

/* BLOCK_SIZE - only HTTP/1.0 uses it; a chunk may be as large as the connection's memory
 */
#define BLOCK_SIZE 4096

/* BLOCKED_SECONDS - a client that takes nothing for so long is cut off */
#define BLOCKED_SECONDS 60

struct stream {
	struct streams *owner;
	struct stream *previous, *next;
	struct MHD_Connection *connection;
	sd_event_source
		*hangup; /* on while suspended: nobody else looks at the socket then */
	struct live_cursor cursor;
	bool has_seen; /* the client knows everything up to and with last_seen */
	uint64_t last_seen;
	bool is_placed;	   /* what it has seen is what stands before the cursor */
	bool is_uncertain; /* it says so, but whether something came between is not known
			    */
	bool is_greeted, is_suspended, is_gone;
	bool owes_heartbeat;
	struct buffer rest; /* of a message that was larger than the room for it */
	size_t rest_from;
};

/* The bytes that one call of read_stream() gives out. */
struct room {
	char *data;
	size_t size, used;
};

/* Return: false if there is no room for it now: ask again with an empty room. */
static bool put(struct stream *s, struct room *room, const char *data, size_t len)
{
	size_t n = room->size - room->used;

	if (len > n && room->used > 0)
		return false;
	if (len < n)
		n = len;
	memcpy(room->data + room->used, data, n);
	room->used += n;
	buffer_append(&s->rest, data + n, len - n);
	return true;
}

static void put_rest(struct stream *s, struct room *room)
{
	size_t left = s->rest.len - s->rest_from;
	size_t n = left < room->size ? left : room->size;

	if (n == 0)
		return;
	memcpy(room->data, s->rest.data + s->rest_from, n);
	room->used = n;
	s->rest_from += n;
	if (s->rest_from == s->rest.len) {
		buffer_deinit(&s->rest);
		s->rest_from = 0;
	}
}

static void append_gap(struct buffer *out, const struct stream *s, uint64_t seq,
		       uint64_t lost)
{
	buffer_append_literal(out, "event: gap\ndata: {");
	if (s->has_seen && seq > s->last_seen + 1) {
		/* A number between may have been given to no event: the ring knows
		 * better. */
		uint64_t span = seq - s->last_seen - 1;

		buffer_appendf(out, "\"first\": %llu, \"last\": %llu, ",
			       (unsigned long long)s->last_seen + 1,
			       (unsigned long long)seq - 1);
		if (s->is_uncertain || lost > span)
			lost = span;
	}
	buffer_appendf(out, "\"count\": %llu}\n\n", (unsigned long long)lost);
	s->owner->n_missed += lost;
}

static void append_message(struct buffer *out, const struct stream *s, uint64_t seq,
			   const struct buffer *line, const struct live_gap *gap)
{
	if (gap->count > 0 || (s->is_uncertain && seq > s->last_seen + 1))
		append_gap(out, s, seq, gap->count);
	buffer_append_literal(out, "id: ");
	buffer_append_u64(out, seq);
	buffer_append_literal(out, "\ndata: ");
	buffer_append_span(out, buffer_span(line));
	if (line->len == 0 || line->data[line->len - 1] != '\n')
		buffer_append_char(out, '\n');
	buffer_append_char(out, '\n');
}

/*
 * The client came back to a ring whose numbers are all behind what it has seen: they are
 * another log's, and it begins anew. Return: false while that cannot be known.
 */
static bool find_place(struct stream *s)
{
	const struct live_ring *ring = s->owner->ring;
	struct live_health health;
	uint64_t newest;

	if (!s->has_seen || s->is_placed)
		return true;
	/* First: a writer that runs has put the end of its log into the ring. */
	live_get_health(ring, &health);
	if (live_newest_seq(ring, &newest) && newest >= s->last_seen)
		return true;
	if (health.state == LIVE_STARTING)
		return false;
	s->cursor = live_cursor_oldest(ring);
	s->has_seen = s->is_uncertain = false;
	return true;
}

/* Return: 1 if an event was taken (or skipped), 0 if there is none or no room, -errno. */
static int put_event(struct stream *s, struct room *room)
{
	struct streams *owner = s->owner;
	struct live_cursor cursor;
	struct live_gap gap;
	uint64_t seq;
	int r;

	if (!find_place(s))
		return 0;
	cursor = s->cursor;
	buffer_clear(&owner->line);
	buffer_clear(&owner->message);
	r = live_read(owner->ring, &cursor, &owner->line, &seq, &gap);
	if (r <= 0)
		return r;
	/* Numbers that go back in one ring: it was emptied for another log. */
	if (s->is_placed && seq <= s->last_seen)
		s->has_seen = false;
	/* After a restart the ring is refilled with what this client saw before. */
	if (!s->has_seen || seq > s->last_seen) {
		append_message(&owner->message, s, seq, &owner->line, &gap);
		if (buffer_error(&owner->message))
			return buffer_error(&owner->message);
		if (!put(s, room, owner->message.data, owner->message.len))
			return 0;
		s->has_seen = s->is_placed = true;
		s->last_seen = seq;
		s->is_uncertain = false;
	} else if (seq == s->last_seen) {
		s->is_placed = true;
		s->is_uncertain = false;
	}
	s->cursor = cursor;
	return buffer_error(&s->rest) ? buffer_error(&s->rest) : 1;
}

static int fill(struct stream *s, struct room *room)
{
	int r;

	put_rest(s, room);
	if (s->rest.len > 0)
		return 0;
	if (!s->is_greeted) {
		s->is_greeted = true;
		(void)put(s, room, GREETING, strlen(GREETING)); /* the room is empty */
	}
	do
		r = put_event(s, room);
	while (r > 0 && s->rest.len == 0);
	if (r >= 0 && s->owes_heartbeat && room->used == 0)
		(void)put(s, room, HEARTBEAT, strlen(HEARTBEAT)); /* the room is empty */
	s->owes_heartbeat = false;
	return r < 0 ? r : 0;
}

static void suspend(struct stream *s)
{
	/* Without it a client that left would be noticed by the next heartbeat only. */
	(void)sd.event_source_set_enabled(s->hangup, SD_EVENT_ON);
	s->is_suspended = true;
	mhd.suspend_connection(s->connection);
}

static void resume(struct stream *s)
{
	if (!s->is_suspended)
		return;
	(void)sd.event_source_set_enabled(s->hangup, SD_EVENT_OFF);
	s->is_suspended = false;
	mhd.resume_connection(s->connection);
	/* No descriptor tells the loop of that: libmicrohttpd must be run. */
	(void)sd.event_source_set_time(s->owner->turn, 0);
	(void)sd.event_source_set_enabled(s->owner->turn, SD_EVENT_ONESHOT);
}

static ssize_t read_stream(void *context, uint64_t position, char *data, size_t size)
{
	struct stream *s = context;
	struct room room = { .data = data, .size = size };

	(void)position;
	if (s->owner->is_stopping)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (s->is_gone || fill(s, &room) < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (room.used == 0)
		suspend(s);
	return (ssize_t)room.used;
}

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct stream *s = context;

	(void)source, (void)fd, (void)events;
	s->is_gone = true;
	resume(s);
	return 0;
}

static int on_heartbeat(sd_event_source *source, uint64_t now_us, void *context)
{
	struct streams *streams = context;

	for (struct stream *s = streams->list; s; s = s->next) {
		s->owes_heartbeat = true;
		resume(s);
	}
	(void)sd.event_source_set_time(source, now_us + HEARTBEAT_US);
	return 0;
}

static int start_heartbeat(struct streams *s)
{
	int r;

	if (s->heartbeat)
		return 0;
	r = sd.event_add_time_relative(s->loop, &s->heartbeat, CLOCK_MONOTONIC,
				       HEARTBEAT_US, HEARTBEAT_SLACK_US, on_heartbeat, s);
	return r < 0 ? r : sd.event_source_set_enabled(s->heartbeat, SD_EVENT_ON);
}

static void stream_free(void *context)
{
	struct stream *s = context;
	struct streams *owner = s->owner;

	if (s->previous)
		s->previous->next = s->next;
	else
		owner->list = s->next;
	if (s->next)
		s->next->previous = s->previous;
	if (--owner->n == 0)
		owner->heartbeat = sd.event_source_disable_unref(owner->heartbeat);
	(void)sd.event_source_disable_unref(s->hangup);
	buffer_deinit(&s->rest);
	free(s);
}

/* Where the client goes on. */
static void set_out(struct stream *s, const uint64_t *resume_after)
{
	const struct live_ring *ring = s->owner->ring;
	uint64_t newest;
	bool has_any = live_newest_seq(ring, &newest), is_known;

	if (!resume_after) {
		s->cursor = live_cursor_newest(ring);
		s->has_seen = s->is_placed = has_any;
		s->last_seen = has_any ? newest : 0;
	} else {
		s->cursor = live_cursor_after(ring, *resume_after, &is_known);
		s->has_seen = true;
		s->last_seen = *resume_after;
		s->is_placed = is_known;
		s->is_uncertain = !is_known;
	}
}

static struct stream *stream_create(struct streams *owner,
				    struct MHD_Connection *connection)
{
	int fd = mhd.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
			 ->connect_fd;
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct stream){ .owner = owner,
			      .connection = connection,
			      .next = owner->list };
	if (s->next)
		s->next->previous = s;
	owner->list = s;
	owner->n++;
	if (start_heartbeat(owner) < 0 ||
	    sd.event_add_io(owner->loop, &s->hangup, fd, EPOLLRDHUP, on_hangup, s) < 0 ||
	    sd.event_source_set_enabled(s->hangup, SD_EVENT_OFF) < 0) {
		stream_free(s);
		return NULL;
	}
	return s;
}

enum MHD_Result streams_answer(struct streams *owner, struct MHD_Connection *connection,
			       const uint64_t *resume_after)
{
	_cleanup_answer_ struct MHD_Response *response = NULL;
	struct stream *s;

	if (owner->n >= STREAMS_MAX)
		return answer_error(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				    "too many open streams", "Retry-After", "10");
	s = stream_create(owner, connection);
	if (!s)
		return MHD_NO;
	set_out(s, resume_after);
	response = mhd.create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE,
						     read_stream, s, stream_free);
	if (!response) {
		stream_free(s);
		return MHD_NO;
	}
	if (answer_prepare(response, "text/event-stream; charset=utf-8") < 0 ||
	    mhd.add_response_header(response, "X-Accel-Buffering", "no") != MHD_YES ||
	    mhd.set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
				      (unsigned int)BLOCKED_SECONDS) != MHD_YES)
		return MHD_NO;
	return mhd.queue_response(connection, MHD_HTTP_OK, response);
}

void streams_wake(struct streams *streams)
{
	for (struct stream *s = streams->list; s; s = s->next)
		resume(s);
}

void streams_stop(struct streams *s)
{
	s->is_stopping = true;
	streams_wake(s);
}

void streams_deinit(struct streams *s)
{
	s->heartbeat = sd.event_source_disable_unref(s->heartbeat);
	buffer_deinit(&s->line);
	buffer_deinit(&s->message);
}
