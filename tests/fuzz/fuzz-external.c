// SPDX-License-Identifier: Apache-2.0
/*
 * The pipe of an external module. The first byte sets the rate limit, the rest is what
 * the program at the other end writes. However it is cut into turns, every event that
 * comes out must be sound: its line is read back as exactly one event. And whenever a core
 * is killed over it, the events that are logged are the same.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "core/external.h"
#include "fuzz.h"

#define TURNS_MAX 100000

static int make_file(const void *data, size_t size)
{
	int fd = memfd_create("external", MFD_CLOEXEC);

	MUST(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return fd;
}

static void check_event(const struct lksm_event *event)
{
	_cleanup_buffer_ struct buffer line = { 0 };
	_cleanup_close_ int fd = -1;
	struct external *e;
	struct lksm_batch *b;
	struct lksm_event again;

	external_append_line(&line, event);
	MUST(!buffer_error(&line) &&
	     memchr(line.data, '\n', line.len) == line.data + line.len - 1);
	fd = make_file(line.data, line.len);
	MUST(external_create("again", false, NULL, &e) == 0 && batch_create(&b) == 0);
	MUST(external_poll(e, fd, (struct now){ 0, 0 }, b) == EXTERNAL_END);
	/* Escapes make a line longer: one that was near the limit may now be beyond it.
	 */
	if (line.len <= EXTERNAL_LINE_MAX && batch_count(b)) {
		(void)batch_get(b, 0, NULL, &again);
		MUST(batch_count(b) == 1);
		MUST(span_equal(again.type, event->type) ||
		     span_equal(again.type, SPAN("module_failed")));
	}
	batch_destroy(b);
	external_destroy(e);
}

/* The log: the module's events, and how much nonsense was told. */
struct log {
	struct buffer events;
	uint64_t next_seq;
	int64_t n_nonsense;
};

static void log_some(struct log *log, struct lksm_batch *b, size_t n)
{
	for (size_t i = 0; i < batch_count(b); i++)
		batch_note_seq(b, i, log->next_seq + i);
	for (size_t i = 0; i < n && i < batch_count(b); i++, log->next_seq++) {
		struct lksm_event event;

		(void)batch_get(b, i, NULL, &event);
		event.ts = 0; /* of when it was read, if it says nothing else */
		if (span_equal(event.source, SPAN("fuzzed")))
			external_append_line(&log->events, &event);
		else
			log->n_nonsense += event.data.items[2].integer;
	}
}

/* Each @life-th turn is a core's last; which part of it is logged, the input decides. */
static void live(const uint8_t *data, size_t size, size_t life, struct log *log)
{
	static const char *const names[] = { "fuzzed" };
	struct now now = { 1000000, 1700000000000000 };
	_cleanup_close_ int fd = make_file(data, size);
	struct external *e = NULL;
	struct inbox_set *set;
	struct lksm_batch *b;
	int result = EXTERNAL_MORE;

	MUST(inbox_set_create(names, 1, &set) == 0 && batch_create(&b) == 0);
	for (size_t turn = 1; result != EXTERNAL_END || external_has_pending(e); turn++) {
		bool is_last = life && turn % life == 0 && turn < INBOX_TRIES_MAX * life;

		if (!e)
			MUST(external_create("fuzzed", false,
					     inbox_set_find(set, "fuzzed"), &e) == 0);
		batch_reset(b, "fuzzed", false, now);
		result = external_poll(e, fd, now, b);
		MUST(result >= 0 && turn < TURNS_MAX);
		now.mono_us += USEC_PER_SEC;
		if (!is_last || data[turn % size] % 4)
			external_take_off(e, b);
		if (!is_last || data[turn % size] % 4 > 1)
			log_some(log, b, is_last ? data[turn % size] : SIZE_MAX);
		if (!is_last) {
			(void)batch_land(b);
			continue;
		}
		external_destroy(e);
		e = NULL;
		result = EXTERNAL_MORE;
		inbox_set_settle(set, log->next_seq);
	}
	external_destroy(e);
	batch_destroy(b);
	inbox_set_unmap(set);
}

static void check_kills(const uint8_t *data, size_t size)
{
	struct log plain = { 0 }, killed = { 0 };

	/* of what has NULs at its end, which is nonsense, they may be lost */
	if (!size || memchr(data, '\0', size))
		return;
	live(data, size, 0, &plain);
	live(data, size, 1 + data[0] % 3, &killed);
	MUST(span_equal(buffer_span(&plain.events), buffer_span(&killed.events)));
	MUST(plain.n_nonsense == killed.n_nonsense);
	buffer_deinit(&plain.events);
	buffer_deinit(&killed.events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct now now = { 1000000, 1700000000000000 };
	_cleanup_close_ int fd = -1;
	struct external *e;
	struct lksm_batch *b;
	int result, turns = 0;

	if (size < 1)
		return 0;
	fd = make_file(data + 1, size - 1);
	MUST(external_create("fuzzed", false, NULL, &e) == 0 && batch_create(&b) == 0);
	external_set_rate_limit(e, data[0]);
	do {
		batch_reset(b, "fuzzed", false, now);
		result = external_poll(e, fd, now, b);
		MUST(result >= 0 && batch_count(b) <= LKSM_BATCH_EVENTS &&
		     turns++ < TURNS_MAX);
		for (size_t i = 0; i < batch_count(b); i++) {
			struct lksm_event event;

			MUST(!batch_get(b, i, NULL, &event));
			check_event(&event);
		}
		now.mono_us += 300000;
	} while (result != EXTERNAL_END || external_has_pending(e));
	batch_destroy(b);
	external_destroy(e);
	check_kills(data + 1, size - 1);
	return 0;
}
