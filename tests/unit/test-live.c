// SPDX-License-Identifier: Apache-2.0
/* The live ring: order, overrun, refill, a writer that dies, readers in other processes.
 */
#include "output/live.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"

#define PAD_MAX 70000

static char padding[PAD_MAX];

static void push(struct live_ring *ring, uint64_t seq, unsigned int pad, bool is_refill)
{
	static char text[PAD_MAX + 64];
	struct line line = { .data = text, .seq = seq };
	struct output_batch batch = { .data = text, .lines = &line, .n_lines = 1 };

	memset(padding, 'a' + (int)(seq % 26), pad);
	batch.now.mono_us = 1000 + seq;
	line.len = (size_t)snprintf(text, sizeof(text), "{\"seq\": %" PRIu64 "}%.*s\n",
				    seq, (int)pad, padding);
	batch.len = line.len;
	if (is_refill)
		live_refill(ring, &batch);
	else
		dashboard_push_events(ring, &batch);
}

static void push_many(struct live_ring *ring, uint64_t from, uint64_t n, unsigned int pad)
{
	for (uint64_t i = 0; i < n; i++)
		push(ring, from + i, pad, false);
}

struct fixture {
	struct live_ring *ring;
	const struct live_ring *view;
	int fd;
	struct buffer line;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .fd = -1 };
	assert_int_equal(live_create(&f.ring, &f.fd), 0);
	assert_int_equal(live_map(f.fd, &f.view), 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	live_unmap(f->view);
	live_unmap(f->ring);
	buffer_deinit(&f->line);
	(void)close(f->fd);
	return 0;
}

static void expect_next(struct fixture *f, struct live_cursor *cursor, uint64_t want,
			uint64_t want_gap)
{
	struct live_gap gap;
	uint64_t seq;
	char head[64];

	buffer_clear(&f->line);
	assert_int_equal(live_read(f->view, cursor, &f->line, &seq, &gap), 1);
	assert_int_equal(seq, want);
	assert_int_equal(gap.count, want_gap);
	(void)snprintf(head, sizeof(head), "{\"seq\": %" PRIu64 "}", want);
	assert_memory_equal(f->line.data, head, strlen(head));
	assert_int_equal(f->line.data[f->line.len - 1], '\n');
}

static void expect_end(struct fixture *f, struct live_cursor *cursor)
{
	struct live_gap gap;
	uint64_t seq;

	assert_int_equal(live_read(f->view, cursor, &f->line, &seq, &gap), 0);
}

static void test_order(void **state)
{
	struct fixture *f = *state;
	struct live_cursor cursor = live_cursor_oldest(f->view);

	expect_end(f, &cursor);
	push_many(f->ring, 0, 3, 0);
	for (uint64_t seq = 0; seq < 3; seq++)
		expect_next(f, &cursor, seq, 0);
	expect_end(f, &cursor);
	push(f->ring, 3, 0, false);
	expect_next(f, &cursor, 3, 0);
}

/* Seals and heartbeats push nothing out, and leave no gap. */
static void test_routine(void **state)
{
	struct fixture *f = *state;
	struct line line = { .data = "{}\n", .len = 3, .seq = 1, .is_routine = true };
	struct output_batch batch = { "{}\n", 3, &line, 1, { 5, 5 } };
	struct live_cursor cursor = live_cursor_oldest(f->view);
	struct live_health health;

	push(f->ring, 0, 0, false);
	dashboard_push_events(f->ring, &batch);
	push(f->ring, 2, 0, false);
	expect_next(f, &cursor, 0, 0);
	expect_next(f, &cursor, 2, 0);
	live_get_health(f->view, &health);
	assert_int_equal(health.events_total, 2);
}

static void test_overrun(void **state)
{
	struct fixture *f = *state;
	struct live_cursor cursor = live_cursor_oldest(f->view);

	push_many(f->ring, 0, LIVE_EVENTS + 7, 0);
	expect_next(f, &cursor, 7, 7);
	for (uint64_t seq = 8; seq < LIVE_EVENTS + 7; seq++)
		expect_next(f, &cursor, seq, 0);
	expect_end(f, &cursor);
}

static void test_overrun_by_bytes(void **state)
{
	struct fixture *f = *state;
	const unsigned int pad = 50000;
	struct live_cursor cursor = live_cursor_oldest(f->view);
	uint64_t n_fit = LIVE_BYTES / (pad + sizeof("{\"seq\": 100}"));

	push_many(f->ring, 100, 400, pad);
	expect_next(f, &cursor, 500 - n_fit, 400 - n_fit);
	for (uint64_t seq = 500 - n_fit + 1; seq < 500; seq++) {
		expect_next(f, &cursor, seq, 0);
		assert_int_equal(f->line.len, pad + strlen("{\"seq\": 100}\n"));
	}
	expect_end(f, &cursor);
}

static void expect_n_kept(struct fixture *f, const char *name, uint64_t want)
{
	expect_number(name, "kept",
		      (int64_t)(live_cursor_newest(f->view).next -
				live_cursor_oldest(f->view).next),
		      (int64_t)want);
}

/* All that is promised has its own bytes, and is as much as it should be. */
static void expect_kept(struct fixture *f, const char *name, uint64_t newest,
			unsigned int pad, uint64_t want)
{
	struct live_cursor cursor = live_cursor_oldest(f->view);

	expect_n_kept(f, name, want);
	for (uint64_t seq = newest + 1 - want; seq <= newest; seq++) {
		expect_next(f, &cursor, seq, 0);
		for (size_t i = f->line.len - 1 - pad; i < f->line.len - 1; i++)
			assert_int_equal(f->line.data[i], 'a' + seq % 26);
	}
	expect_end(f, &cursor);
}

static void test_memory(void **state)
{
	static const struct {
		const char *name;
		unsigned int pad;
		uint64_t n, n_kept;
	} cases[] = {
		{ "short", 100, 60000, LIVE_EVENTS },
		{ "usual", 500, 20000, LIVE_EVENTS },
		{ "long", 4500, 7000, LIVE_EVENTS },
		{ "too long to come back early", 7000, 7000, LIVE_EVENTS },
		{ "too long for all", 50000, 1000, 83 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *f;
		struct stat st;
		size_t before, used;

		(void)set_up((void **)&f);
		assert_int_equal(fstat(f->fd, &st), 0);
		before = (size_t)st.st_blocks * 512;
		for (uint64_t seq = 0; seq < cases[i].n; seq++) {
			push(f->ring, seq, cases[i].pad, false);
			if (seq >= LIVE_EVENTS)
				expect_n_kept(f, cases[i].name, cases[i].n_kept);
			if (seq % 997 == 996)
				expect_kept(f, cases[i].name, seq, cases[i].pad,
					    cases[i].n_kept);
		}
		assert_int_equal(fstat(f->fd, &st), 0);
		used = (size_t)st.st_blocks * 512 - before;
		if (used > LIVE_BYTES_SPARE + LIVE_EVENTS * (cases[i].pad + 64))
			fail_msg("%s: %zu bytes are used", cases[i].name, used);
		(void)tear_down((void **)&f);
	}
}

/* Of lines that suddenly are longer, the newest are kept nevertheless. */
static void test_longer_lines(void **state)
{
	struct fixture *f = *state;
	struct live_cursor cursor;

	push_many(f->ring, 0, 9000, 100);
	for (uint64_t seq = 9000; seq < 9000 + LIVE_EVENTS; seq++) {
		push(f->ring, seq, 8000, false);
		cursor = live_cursor_oldest(f->view);
		assert_true(live_cursor_newest(f->view).next - cursor.next >= 100);
	}
	expect_kept(f, "long", 9000 + LIVE_EVENTS - 1, 8000, LIVE_EVENTS);
}

static void test_cursor_after(void **state)
{
	static const struct {
		const char *name;
		uint64_t after, want;
		bool is_known;
	} cases[] = {
		{ "in the middle", 1250, 1251, true },
		{ "the oldest", 1200, 1201, true },
		{ "long gone", 3, 1200, false },
		{ "just gone", 1199, 1200, false },
	};
	struct fixture *f = *state;
	struct live_cursor cursor;
	bool is_known;

	push_many(f->ring, 1000, LIVE_EVENTS + 200, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cursor = live_cursor_after(f->view, cases[i].after, &is_known);
		expect_number(cases[i].name, "known", is_known, cases[i].is_known);
		expect_next(f, &cursor, cases[i].want, 0);
	}
	cursor = live_cursor_after(f->view, 1000 + LIVE_EVENTS + 199, &is_known);
	assert_true(is_known);
	expect_end(f, &cursor);
}

static void test_refill(void **state)
{
	struct fixture *f = *state;
	struct live_cursor cursor = live_cursor_oldest(f->view);
	uint64_t newest;

	assert_false(live_newest_seq(f->view, &newest));
	push(f->ring, 10, 0, true);
	push(f->ring, 11, 0, false);
	push(f->ring, 11, 0, true); /* it is there already */
	push(f->ring, 12, 0, true);
	for (uint64_t seq = 10; seq <= 12; seq++)
		expect_next(f, &cursor, seq, 0);
	expect_end(f, &cursor);
	push(f->ring, 2, 0, true); /* another log */
	cursor = live_cursor_oldest(f->view);
	expect_next(f, &cursor, 2, 0);
	expect_end(f, &cursor);
	assert_true(live_newest_seq(f->view, &newest));
	assert_int_equal(newest, 2);
}

static void test_sealed(void **state)
{
	struct fixture *f = *state;
	int copy = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct live_ring *view;

	assert_int_equal(write(f->fd, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(f->fd, 0), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0),
			 MAP_FAILED);
	assert_int_equal(mprotect((void *)f->view, 4096, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(live_map(copy, &view), -EBADMSG);
	(void)close(copy);
}

static void test_health(void **state)
{
	struct fixture *f = *state;
	struct live_health h;

	live_get_health(f->view, &h);
	assert_int_equal(h.state, LIVE_STARTING);
	live_set_writer(f->ring, 77, "1.2.3", (struct now){ .mono_us = 5 });
	live_set_writer(f->ring, 78, "1.2.3", (struct now){ .mono_us = 6 });
	push_many(f->ring, 0, 3, 0);
	push(f->ring, 3, 0, true);
	live_get_health(f->view, &h);
	assert_int_equal(h.state, LIVE_RUNNING);
	assert_int_equal(h.writer, 78);
	assert_int_equal(h.started_mono_us, 5);
	assert_int_equal(h.events_total, 3);
	assert_int_equal(h.last_push_mono_us, 1002);
	assert_string_equal(h.version, "1.2.3");
}

/* A line says its number twice and its length once: a torn one is found out. */
static void check_line(struct fixture *f, uint64_t seq)
{
	char head[64];
	unsigned int pad = (unsigned int)(seq % PAD_MAX);
	size_t n = (size_t)snprintf(head, sizeof(head), "{\"seq\": %" PRIu64 "}", seq);

	assert_int_equal(f->line.len, n + pad + 1);
	assert_memory_equal(f->line.data, head, n);
	memset(padding, 'a' + (int)(seq % 26), pad);
	assert_memory_equal(f->line.data + n, padding, pad);
}

/* The oldest line is the one that the writer is about to overwrite: the worst place. */
static void read_oldest(struct fixture *f)
{
	struct live_cursor cursor = live_cursor_oldest(f->view);
	struct live_gap gap;
	uint64_t seq;

	buffer_clear(&f->line);
	if (live_read(f->view, &cursor, &f->line, &seq, &gap) > 0)
		check_line(f, seq);
}

static _Noreturn void write_until_killed(struct live_ring *ring, uint64_t from)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
	for (uint64_t seq = from;; seq++)
		push(ring, seq, (unsigned int)(seq % PAD_MAX), false);
}

/* Writers are killed anywhere; whatever is read before, meanwhile and after is whole. */
/* As whoever has core may leave it; the ring begins so. */
struct ring_begin {
	char magic[8];
	uint32_t layout, n_slots;
	uint64_t n_bytes, first, end, head;
};

static void test_nonsense(void **state)
{
	static const struct {
		const char *name;
		uint64_t first, end, head;
	} cases[] = {
		{ "far more than there can be", 0, UINT64_C(1) << 60, 0 },
		{ "about to begin anew", UINT64_MAX - 1, UINT64_MAX, 0 },
		{ "the first behind the last", 9, 3, 0 },
		{ "bytes about to begin anew", 0, 1, UINT64_MAX },
	};
	struct fixture *f = *state;
	struct ring_begin *begin = (struct ring_begin *)f->ring;

	push_many(f->ring, 0, 3, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct live_cursor cursor = live_cursor_newest(f->view);
		struct live_gap gap;
		uint64_t seq, n = 0;
		bool is_known;

		begin->first = cases[i].first;
		begin->end = cases[i].end;
		begin->head = cases[i].head;
		(void)alarm(60); /* readers come to an end */
		(void)live_cursor_after(f->view, UINT64_MAX, &is_known);
		cursor = live_cursor_oldest(f->view);
		do
			buffer_clear(&f->line);
		while (live_read(f->view, &cursor, &f->line, &seq, &gap) > 0);
		(void)alarm(0);
		push(f->ring, 7, 0, true);
		push(f->ring, 8, 0, false);
		for (buffer_clear(&f->line);
		     live_read(f->view, &cursor, &f->line, &seq, &gap) > 0; n++)
			expect_number(cases[i].name, "seq", seq, 7 + n);
		expect_number(cases[i].name, "events", n, 2);
	}
}

static void test_writer_dies(void **state)
{
	struct fixture *f = *state;
	struct live_cursor cursor = live_cursor_oldest(f->view);
	uint64_t seq = 0, last = 0, newest = 0;
	struct live_gap gap;

	for (int round = 0; round < 20; round++) {
		pid_t writer = fork();
		int n_read = 0, r = 0;

		if (writer == 0)
			write_until_killed(f->ring, newest + 1);
		while (r >= 0 && n_read < 40 + round * 3) {
			buffer_clear(&f->line);
			r = live_read(f->view, &cursor, &f->line, &seq, &gap);
			if (r <= 0)
				continue;
			check_line(f, seq);
			assert_true(seq > last);
			last = seq;
			n_read++;
			for (int i = 0; i < 50; i++)
				read_oldest(f);
		}
		(void)kill(writer, SIGKILL);
		assert_int_equal(waitpid(writer, NULL, 0), writer);
		assert_int_equal(r, 1);
		assert_true(live_newest_seq(f->view, &newest));
	}
	while (buffer_clear(&f->line),
	       live_read(f->view, &cursor, &f->line, &seq, &gap) > 0)
		check_line(f, seq);
	assert_int_equal(seq, newest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_routine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overrun, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overrun_by_bytes, set_up, tear_down),
		cmocka_unit_test(test_memory),
		cmocka_unit_test_setup_teardown(test_longer_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cursor_after, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refill, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sealed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_health, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nonsense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_writer_dies, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
