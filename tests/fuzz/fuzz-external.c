// SPDX-License-Identifier: Apache-2.0
/*
 * The pipe of an external module. The first byte sets the rate limit, the rest is what
 * the program at the other end writes. However it is cut into turns, every event that
 * comes out must be sound: its line is read back as exactly one event.
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
	return 0;
}
