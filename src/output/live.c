// SPDX-License-Identifier: Apache-2.0
/*
 * See live.h. All positions only ever grow: events are counted from the ring's first
 *ever, bytes likewise, and a slot or a byte lies at its number modulo the size. Three
 *numbers carry the protocol:
 *
 *	first	the oldest event whose bytes are still promised
 *	end	the event after the newest
 *	head	the byte after the newest event's last
 *
 * The writer first takes back the promise (first), then overwrites, then publishes (head,
 * end). A reader copies and then looks at first again: if its event is no longer
 *promised, the copy is worthless. Killed between any two of its stores, the writer leaves
 *at worst some bytes that nobody was promised.
 */
#include "output/live.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/shared_view.h"

#define MAGIC  "LKSMring"
#define LAYOUT 1
#define N_SLOTS \
	512 /* a power of two, more than LIVE_EVENTS: the one being written is spare */
#define COUNT_MAX (UINT64_C(1) << 62)

_Static_assert(N_SLOTS > LIVE_EVENTS, "a spare slot is needed");

struct slot {
	_Atomic uint64_t at; /* position of its first byte */
	_Atomic uint64_t len;
	_Atomic uint64_t seq;
};

struct live_ring {
	char magic[8];
	uint32_t layout;
	uint32_t n_slots;
	uint64_t n_bytes;

	_Atomic uint64_t first, end, head;

	_Atomic uint32_t state;
	_Atomic int32_t writer;
	_Atomic uint64_t events_total;
	_Atomic uint64_t started_mono_us, last_push_mono_us;
	char version[LIVE_VERSION_SIZE];

	struct slot slots[N_SLOTS];
	char bytes[LIVE_BYTES];
};

static uint64_t load(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_acquire);
}

static void store(_Atomic uint64_t *p, uint64_t value)
{
	atomic_store_explicit(p, value, memory_order_release);
}

static uint64_t peek(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static void poke(_Atomic uint64_t *p, uint64_t value)
{
	atomic_store_explicit(p, value, memory_order_relaxed);
}

int live_create(struct live_ring **ret, int *ret_fd)
{
	void *page;
	int fd = shared_view_open("lksm-live", sizeof(struct live_ring), &page);
	struct live_ring *ring;

	if (fd < 0)
		return fd;
	ring = page;
	memcpy(ring->magic, MAGIC, sizeof(ring->magic));
	ring->layout = LAYOUT;
	ring->n_slots = N_SLOTS;
	ring->n_bytes = LIVE_BYTES;
	*ret = ring;
	*ret_fd = fd;
	return 0;
}

int live_map(int fd, const struct live_ring **ret)
{
	const struct live_ring *ring;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	/* Without the seals the file could shrink under us, which is a SIGBUS. */
	if (!shared_view_is_sealed(fd) || st.st_size != (off_t)sizeof(*ring))
		return -EBADMSG;
	ring = mmap(NULL, sizeof(*ring), PROT_READ, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return -errno;
	if (memcmp(ring->magic, MAGIC, sizeof(ring->magic)) != 0 ||
	    ring->layout != LAYOUT || ring->n_slots != N_SLOTS ||
	    ring->n_bytes != LIVE_BYTES) {
		live_unmap(ring);
		return -EBADMSG;
	}
	*ret = ring;
	return 0;
}

void live_unmap(const struct live_ring *ring)
{
	if (ring)
		(void)munmap((void *)ring,
			     sizeof(*ring)); /* fails only on a bad argument */
}

/* Whoever has core writes what he likes: no more is believed to be promised than there can be. */
static uint64_t first_before(uint64_t end, uint64_t first)
{
	return end > first && end - first > N_SLOTS ? end - N_SLOTS : first;
}

static void copy_in(struct live_ring *ring, uint64_t at, const char *data, size_t len)
{
	size_t offset = (size_t)(at % LIVE_BYTES);
	size_t before_wrap = len < LIVE_BYTES - offset ? len : LIVE_BYTES - offset;

	memcpy(ring->bytes + offset, data, before_wrap);
	memcpy(ring->bytes, data + before_wrap, len - before_wrap);
}

static void copy_out(const struct live_ring *ring, uint64_t at, char *to, size_t len)
{
	size_t offset = (size_t)(at % LIVE_BYTES);
	size_t before_wrap = len < LIVE_BYTES - offset ? len : LIVE_BYTES - offset;

	memcpy(to, ring->bytes + offset, before_wrap);
	memcpy(to + before_wrap, ring->bytes, len - before_wrap);
}

/* What has to go so that one more event of @len bytes fits. */
static uint64_t first_after_append(const struct live_ring *ring, uint64_t end,
				   uint64_t head, size_t len)
{
	uint64_t first = peek(&ring->first);

	if (end + 1 - first > LIVE_EVENTS)
		first = end + 1 - LIVE_EVENTS;
	while (first < end &&
	       head + len - peek(&ring->slots[first % N_SLOTS].at) > LIVE_BYTES)
		first++;
	return first;
}

/*
 * Where the next event goes: behind the newest; or already to the beginning, when there is
 * LIVE_BYTES_SPARE of room below the oldest, which moves up as the new ones come. So most of
 * the memory is never touched, and what is stays in the processor's cache.
 */
static uint64_t next_place(const struct live_ring *ring, uint64_t end)
{
	uint64_t head = peek(&ring->head), first = peek(&ring->first);
	uint64_t oldest = first < end ? peek(&ring->slots[first % N_SLOTS].at) : head;
	uint64_t lap = head - head % LIVE_BYTES;

	return oldest < lap + LIVE_BYTES_SPARE ? head : lap + LIVE_BYTES;
}

static void append(struct live_ring *ring, const struct line *line)
{
	uint64_t end = peek(&ring->end), head = next_place(ring, end);
	struct slot *slot = &ring->slots[end % N_SLOTS];

	if (line->len > LIVE_BYTES) /* EVENT_LINE_MAX is far below */
		return;
	store(&ring->first, first_after_append(ring, end, head, line->len));
	/* Nobody may see new bytes and still the old first. */
	atomic_thread_fence(memory_order_release);
	copy_in(ring, head, line->data, line->len);
	poke(&slot->at, head);
	poke(&slot->len, line->len);
	poke(&slot->seq, line->seq);
	store(&ring->head, head + line->len);
	store(&ring->end, end + 1);
}

void dashboard_push_events(struct live_ring *ring, const struct output_batch *batch)
{
	size_t n = 0;

	for (size_t i = 0; i < batch->n_lines; i++) {
		if (batch->lines[i].is_routine)
			continue;
		append(ring, &batch->lines[i]);
		n++;
	}
	if (n == 0)
		return;
	store(&ring->last_push_mono_us, batch->now.mono_us);
	store(&ring->events_total, peek(&ring->events_total) + n);
}

/* What the last core left. Nobody counts so far: it would begin anew in the midst. */
static bool is_sound(const struct live_ring *ring)
{
	uint64_t first = peek(&ring->first), end = peek(&ring->end);

	return first <= end && end - first <= LIVE_EVENTS && end < COUNT_MAX &&
	       peek(&ring->head) < COUNT_MAX;
}

static void empty(struct live_ring *ring)
{
	if (peek(&ring->end) >= COUNT_MAX)
		store(&ring->end, 0);
	store(&ring->first, peek(&ring->end));
	store(&ring->head, 0);
}

void live_refill(struct live_ring *ring, const struct output_batch *batch)
{
	uint64_t newest;
	bool has_any;

	if (!is_sound(ring))
		empty(ring);
	has_any = live_newest_seq(ring, &newest);

	if (has_any &&
	    (batch->n_lines == 0 || batch->lines[batch->n_lines - 1].seq < newest)) {
		store(&ring->first, peek(&ring->end));
		has_any = false;
	}
	for (size_t i = 0; i < batch->n_lines; i++)
		if (!has_any || batch->lines[i].seq > newest)
			append(ring, &batch->lines[i]);
}

struct live_cursor live_cursor_oldest(const struct live_ring *ring)
{
	return (struct live_cursor){ load(&ring->first) };
}

struct live_cursor live_cursor_newest(const struct live_ring *ring)
{
	return (struct live_cursor){ load(&ring->end) };
}

/* Is what was copied out of event @index's slot and bytes before this call its own? */
static bool is_still_promised(const struct live_ring *ring, uint64_t index)
{
	atomic_thread_fence(memory_order_acquire);
	return peek(&ring->first) <= index;
}

struct live_cursor live_cursor_after(const struct live_ring *ring, uint64_t seq,
				     bool *ret_is_known)
{
	uint64_t first = load(&ring->first), index = load(&ring->end);

	first = first_before(index, first);
	/* From the newest down: a client that comes back is seldom far behind. */
	*ret_is_known = false;
	while (index > first && !*ret_is_known) {
		uint64_t found = peek(&ring->slots[(index - 1) % N_SLOTS].seq);

		if (!is_still_promised(ring, index - 1) || found < seq)
			break;
		if (found == seq)
			*ret_is_known = true;
		else
			index--;
	}
	return (struct live_cursor){ index };
}

bool live_newest_seq(const struct live_ring *ring, uint64_t *ret)
{
	for (;;) {
		uint64_t first = load(&ring->first), end = load(&ring->end), seq;

		if (end == first)
			return false;
		seq = peek(&ring->slots[(end - 1) % N_SLOTS].seq);
		if (is_still_promised(ring, end - 1)) {
			*ret = seq;
			return true;
		}
	}
}

/* Return: 1; 0 if it was overwritten meanwhile; -errno. */
static int read_event(const struct live_ring *ring, uint64_t index, struct buffer *out,
		      uint64_t *ret_seq)
{
	const struct slot *slot = &ring->slots[index % N_SLOTS];
	uint64_t at = peek(&slot->at), len = peek(&slot->len), seq = peek(&slot->seq);
	char *to;

	if (!is_still_promised(ring, index))
		return 0;
	if (len > LIVE_BYTES)
		return -EBADMSG;
	to = buffer_reserve(out, (size_t)len);
	if (!to)
		return buffer_error(out);
	copy_out(ring, at, to, (size_t)len);
	if (!is_still_promised(ring, index))
		return 0;
	out->len += (size_t)len;
	*ret_seq = seq;
	return 1;
}

int live_read(const struct live_ring *ring, struct live_cursor *cursor,
	      struct buffer *out, uint64_t *ret_seq, struct live_gap *ret_gap)
{
	uint64_t from = cursor->next, next = from;
	int r;

	do {
		/* In this order: an old end with a new first would look like "up to
		 * date". */
		uint64_t first = load(&ring->first), end = load(&ring->end);

		first = first_before(end, first);
		if (next > end) /* a new core emptied it */
			next = from = first;
		if (next < first)
			next = first;
		if (next >= end)
			return 0;
		r = read_event(ring, next, out, ret_seq);
	} while (r == 0);
	if (r < 0)
		return r;
	*ret_gap = (struct live_gap){ next - from };
	cursor->next = next + 1;
	return 1;
}

void live_set_writer(struct live_ring *ring, pid_t pid, const char *version,
		     struct now now)
{
	(void)strncpy(ring->version, version, sizeof(ring->version) - 1);
	if (peek(&ring->started_mono_us) == 0)
		store(&ring->started_mono_us, now.mono_us);
	atomic_store(&ring->writer, (int32_t)pid);
	live_set_state(ring, LIVE_RUNNING);
}

void live_set_state(struct live_ring *ring, enum live_state state)
{
	atomic_store(&ring->state, (uint32_t)state);
}

void live_get_health(const struct live_ring *ring, struct live_health *ret)
{
	uint32_t state = atomic_load(&ring->state);

	*ret = (struct live_health){
		.state = state <= LIVE_STOPPED ? (enum live_state)state : LIVE_STARTING,
		.writer = atomic_load(&ring->writer),
		.events_total = load(&ring->events_total),
		.started_mono_us = load(&ring->started_mono_us),
		.last_push_mono_us = load(&ring->last_push_mono_us),
	};
	memcpy(ret->version, ring->version, sizeof(ret->version) - 1);
}
