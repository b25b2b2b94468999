/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live ring: the last 500 events as encoded lines, in a memfd that one process writes
 * and others map read-only. Readers never block the writer: a reader copies, then looks
 * whether the writer has passed it meanwhile. A writer may die at any instruction; the
 * next one goes on in the same mapping.
 */
#ifndef OUTPUT_LIVE_H
#define OUTPUT_LIVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "output/output.h"

/** LIVE_EVENTS - so many of the last events are kept */
#define LIVE_EVENTS 500

/** LIVE_BYTES - of lines; when the last 500 are longer, fewer are kept */
#define LIVE_BYTES ((size_t)4 << 20)

/**
 * LIVE_BYTES_SPARE - besides the last 500 lines only so much of it is used. When lines suddenly
 * are several times as long, fewer than 500 may be kept until so many of them came
 */
#define LIVE_BYTES_SPARE (LIVE_BYTES / 4)

#define LIVE_VERSION_SIZE 32

struct live_ring;

/**
 * live_create() - a new ring in a sealed memfd
 * @ret_fd: the memfd; it can be mapped for reading only (F_SEAL_FUTURE_WRITE)
 *
 * The mapping in @ret is writable and shared over fork(): a process that must not write
 * gives it up with live_unmap() and maps the descriptor with live_map().
 */
int live_create(struct live_ring **ret, int *ret_fd);

/** live_map() - map somebody's ring read-only; -EBADMSG if it is none, or one not sealed
 */
int live_map(int fd, const struct live_ring **ret);

void live_unmap(const struct live_ring *ring);

/** dashboard_push_events() - the writer's: append a drain's lines, but for routine ones */
void dashboard_push_events(struct live_ring *ring, const struct output_batch *batch);

/**
 * live_refill() - the writer's, after a restart: the end of the log
 *
 * Appends those lines that are not in the ring yet. A ring that is ahead of the log (of a
 * log that was removed, say) is emptied first.
 */
void live_refill(struct live_ring *ring, const struct output_batch *batch);

/** Where a reader stands. */
struct live_cursor {
	uint64_t next; /* index of the next event to read, counted from the ring's first
			  ever */
};

/** live_cursor_oldest(), live_cursor_newest() - before all that is there; behind all of
 * it */
struct live_cursor live_cursor_oldest(const struct live_ring *ring);
struct live_cursor live_cursor_newest(const struct live_ring *ring);

/**
 * live_cursor_after() - behind the event @seq, or at the oldest later one
 * @ret_is_known: whether @seq itself is there, so that nothing after it is missing
 */
struct live_cursor live_cursor_after(const struct live_ring *ring, uint64_t seq,
				     bool *ret_is_known);

/** live_newest_seq() - of the last event; false if the ring is empty */
bool live_newest_seq(const struct live_ring *ring, uint64_t *ret);

struct live_gap {
	uint64_t count; /* events that were overwritten before this reader came; 0 none */
};

/**
 * live_read() - append the next line (with its newline) to @out
 * @cursor: advanced; past what was overwritten, if the reader was too slow
 * @ret_seq: the line's seq
 * @ret_gap: how many events were skipped before it
 *
 * Return: 1 if there was one, 0 if the reader is up to date, -ENOMEM or -EMSGSIZE if it
 * does not go into @out, -EBADMSG if the ring's content makes no sense.
 */
int live_read(const struct live_ring *ring, struct live_cursor *cursor,
	      struct buffer *out, uint64_t *ret_seq, struct live_gap *ret_gap);

enum live_state {
	LIVE_STARTING, /* no writer yet, or its successor is on the way */
	LIVE_RUNNING,
	LIVE_STOPPED, /* on request */
};

/** How the writer is, for /healthz. */
struct live_health {
	enum live_state state;
	pid_t writer;	       /* 0: none yet */
	uint64_t events_total; /* pushed since the ring was made, refills not counted */
	uint64_t started_mono_us;   /* when the first writer began */
	uint64_t last_push_mono_us; /* 0: never */
	char version[LIVE_VERSION_SIZE];
};

/** live_set_writer() - a writer begins: the state becomes LIVE_RUNNING */
void live_set_writer(struct live_ring *ring, pid_t pid, const char *version,
		     struct now now);

/** live_set_state() - by the writer, or by the supervisor that saw it end */
void live_set_state(struct live_ring *ring, enum live_state state);

void live_get_health(const struct live_ring *ring, struct live_health *ret);

#endif
