// SPDX-License-Identifier: Apache-2.0
/*
 * core/inbox, by the lines of a module in it: whenever a core ends, the next one goes on
 * behind the last line that is in the log.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "core/external.h"

#include "expect.h"

#define FIRST_SEQ 100
#define BIG	  (1 << 20) /* capacity of the pipe */

/* A core, and the log that outlives it. */
struct life {
	struct inbox_set *set;
	struct external *e;
	struct lksm_batch *batch;
	int fds[2];
	uint64_t pipe;
	uint64_t next_seq; /* of the log */
	struct buffer log;
};

/* Where the memory begins that processes share. */
static void *page_of(struct inbox *first)
{
	return (void *)((uintptr_t)first & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
}

static void begin_core(struct life *l)
{
	inbox_set_settle(l->set, l->next_seq);
	assert_int_equal(
		external_create("guest", false, inbox_set_find(l->set, "guest"), &l->e),
		0);
	external_set_pipe(l->e, l->pipe);
}

static void kill_core(struct life *l)
{
	external_destroy(l->e);
	begin_core(l);
}

static void begin(struct life *l)
{
	static const char *const names[] = { "lksm", "guest" };

	*l = (struct life){ .next_seq = FIRST_SEQ, .pipe = 1 };
	assert_int_equal(inbox_set_create(names, ARRAY_SIZE(names), &l->set), 0);
	assert_int_equal(pipe2(l->fds, O_NONBLOCK), 0);
	(void)fcntl(l->fds[1], F_SETPIPE_SZ, BIG);
	assert_int_equal(batch_create(&l->batch), 0);
	begin_core(l);
}

static void end(struct life *l)
{
	external_destroy(l->e);
	batch_destroy(l->batch);
	inbox_set_unmap(l->set);
	buffer_deinit(&l->log);
	(void)close(l->fds[0]);
	(void)close(l->fds[1]);
}

/* What the log has is what was wanted. */
static void end_with(struct life *l, const char *name, struct span want)
{
	expect_span(name, "the log", buffer_span(&l->log), want);
	end(l);
}

static void say(const struct life *l, const char *text)
{
	assert_int_equal(write(l->fds[1], text, strlen(text)), strlen(text));
}

static int poll_once(struct life *l)
{
	const struct now now = { 1000000, 1700000000000000 };

	batch_reset(l->batch, "guest", false, now);
	return external_poll(l->e, l->fds[0], now, l->batch);
}

/* "d" of {"type": "d"}; "lost 2-5" and "bad 3" of what is told. */
static void append_event(struct buffer *log, const struct lksm_event *event)
{
	const struct datum *data = event->data.items;

	if (span_equal(event->type, SPAN("records_lost")))
		buffer_appendf(log, "lost %" PRId64 "-%" PRId64 " ", data[1].integer,
			       data[2].integer);
	else if (span_equal(event->type, SPAN("module_failed")))
		buffer_appendf(log, "bad %" PRId64 " ", data[2].integer);
	else
		buffer_appendf(log, "%.*s ", (int)event->type.len, event->type.data);
}

/* The writer, which is killed when @n_written of the batch's events are in the log. */
static void write_some(struct life *l, size_t n_written)
{
	uint64_t seq = l->next_seq;
	struct lksm_event event;

	for (size_t i = 0; i < batch_count(l->batch); i++)
		batch_note_seq(l->batch, i, seq++);
	for (size_t i = 0; i < n_written && i < batch_count(l->batch); i++) {
		(void)batch_get(l->batch, i, NULL, &event);
		append_event(&l->log, &event);
		l->next_seq++;
	}
}

static int take_turn(struct life *l)
{
	int result = poll_once(l);

	external_take_off(l->e, l->batch);
	write_some(l, SIZE_MAX);
	(void)batch_land(l->batch);
	return result;
}

static void run(struct life *l)
{
	while (take_turn(l) == EXTERNAL_MORE)
		;
}

enum moment {
	WHILE_POLLING, /* nothing of the turn is noted yet */
	IN_FLIGHT,
	WRITTEN, /* all is in the log, and has not landed */
	LANDED,
};

static const struct kill_case {
	const char *name;
	enum moment moment;
	size_t n_written;
	const char *in, *then, *want;
} kill_cases[] = {
	{ "read", WHILE_POLLING, 0, "{\"type\":\"a\"}\n{\"type\":\"b\"}\n", "", "a b " },
	{ "half a line", WHILE_POLLING, 0, "{\"type\":\"a\"}\n{\"ty", "pe\":\"b\"}\n",
	  "a b " },
	{ "nothing is written", IN_FLIGHT, 0, "{\"type\":\"a\"}\n{\"type\":\"b\"}\n",
	  "{\"type\":\"c\"}\n", "a b c " },
	{ "one is", IN_FLIGHT, 1, "{\"type\":\"a\"}\n{\"type\":\"b\"}\n",
	  "{\"type\":\"c\"}\n", "a b c " },
	{ "one is, and half a line waits", IN_FLIGHT, 1,
	  "{\"type\":\"a\"}\n{\"type\":\"b\"}\n{\"type\"", ":\"c\"}\n", "a b c " },
	{ "all are", WRITTEN, 2, "{\"type\":\"a\"}\n{\"type\":\"b\"}\n{\"t",
	  "ype\":\"c\"}\n", "a b c " },
	{ "all is done", LANDED, 2, "{\"type\":\"a\"}\n{\"type\":\"b\"}\n{\"t",
	  "ype\":\"c\"}\n", "a b c " },
	{ "nonsense is counted once", IN_FLIGHT, 1, "x\n{\"type\":\"a\"}\ny\nz\n", "",
	  "a bad 3 " },
	{ "and told once", IN_FLIGHT, 2, "x\n{\"type\":\"a\"}\ny\nz\n", "", "a bad 3 " },
	{ "blank lines are nothing", LANDED, 1, "\n\n{\"type\":\"a\"}\n\n\n",
	  "{\"type\":\"b\"}\n", "a b " },
};

static void test_kills(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kill_cases); i++) {
		const struct kill_case *c = &kill_cases[i];
		struct life l;

		begin(&l);
		say(&l, c->in);
		(void)poll_once(&l);
		if (c->moment != WHILE_POLLING) {
			external_take_off(l.e, l.batch);
			assert_true(external_is_in_flight(l.e));
			write_some(&l, c->n_written);
		}
		if (c->moment == LANDED)
			assert_true(batch_land(l.batch));
		kill_core(&l);
		kill_core(&l); /* one that came to nothing */
		assert_false(external_is_in_flight(l.e));
		say(&l, c->then);
		run(&l);
		end_with(&l, c->name, span_from(c->want));
	}
}

/* More than both sides hold, killed at each turn in another way. */
static void test_long_life(void **state)
{
	_cleanup_buffer_ struct buffer want = { 0 };
	char line[1200];
	struct life l;

	(void)state;
	begin(&l);
	for (int i = 0; i < 700; i++) {
		(void)snprintf(line, sizeof(line), "{\"type\":\"e%d\"%*s}\n", i,
			       i * 13 % 1000, "");
		say(&l, line);
		buffer_appendf(&want, "e%d ", i);
	}
	for (size_t i = 0;; i++) {
		int result = poll_once(&l);

		if (i % 3)
			external_take_off(l.e, l.batch);
		if (i % 3)
			write_some(&l, i * 7 % 50);
		if (result == EXTERNAL_DRY && !batch_count(l.batch))
			break;
		kill_core(&l);
	}
	expect_span("a long life", "the log", buffer_span(&l.log), buffer_span(&want));
	end(&l);
}

/* A pipe that is gone left half a line: it is one, and no part of what the next says. */
static void test_another_pipe(void **state)
{
	struct life l;

	(void)state;
	begin(&l);
	say(&l, "{\"type\":\"a\"}\n{\"type\":\"b\"}");
	(void)poll_once(&l);
	l.pipe = 2;
	kill_core(&l);
	say(&l, "{\"type\":\"c\"}\n");
	run(&l);
	end_with(&l, "another pipe", SPAN("a b c "));
}

/* Zeros at the end of what was said are not told from those behind it. */
static void test_zeros(void **state)
{
	static const struct {
		const char *name;
		struct span in;
		const char *want;
	} cases[] = {
		{ "nothing but", SPAN("\0\0\0"), "bad 1 c " },
		{ "behind a line", SPAN("{\"type\":\"a\"}\n\0\0\0"), "a bad 1 c " },
		{ "behind half a line", SPAN("x\0\0\0"), "bad 1 c " },
		{ "a line of them", SPAN("\0\0\n\0\0"), "bad 1 c bad 1 " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct life l;

		begin(&l);
		assert_int_equal(write(l.fds[1], cases[i].in.data, cases[i].in.len),
				 cases[i].in.len);
		run(&l);
		external_set_pipe(l.e, ++l.pipe); /* the module ended */
		run(&l);
		kill_core(&l);
		say(&l, "{\"type\":\"c\"}\n");
		run(&l);
		end_with(&l, cases[i].name, span_from(cases[i].want));
	}
}

/* Excess that was not told of yet. */
static void test_excess(void **state)
{
	struct life l;

	(void)state;
	begin(&l);
	external_set_rate_limit(l.e, 1);
	say(&l, "{\"type\":\"a\"}\n{\"type\":\"b\"}\n{\"type\":\"c\"}\n");
	(void)take_turn(&l);
	(void)take_turn(&l); /* what stands behind the last event is done with, too */
	kill_core(&l);
	external_set_rate_limit(l.e, 1);
	run(&l);
	end_with(&l, "excess", SPAN("a lost 1-2 "));
}

/* Over what one core after the other ends, the next does not: told, number for number. */
static void test_given_up(void **state)
{
	struct life l;

	(void)state;
	begin(&l);
	say(&l, "{\"type\":\"a\"}\n");
	run(&l);
	say(&l, "{\"type\":\"b\"}\n{\"type\":\"c\"}\n{\"type\"");
	for (int i = 0; i < INBOX_TRIES_MAX; i++) {
		(void)poll_once(&l);
		kill_core(&l);
	}
	say(&l, ":\"d\"}\n");
	run(&l);
	end_with(&l, "given up", SPAN("a lost 1-2 d "));
}

/* Cores that ended because they were told to, with a log that cannot be written. */
static void test_ordinary_ends(void **state)
{
	struct life l;

	(void)state;
	begin(&l);
	say(&l, "{\"type\":\"a\"}\n{\"type\":\"b\"}\n");
	for (int i = 0; i < 2 * INBOX_TRIES_MAX; i++) {
		(void)poll_once(&l);
		external_take_off(l.e, l.batch);
		inbox_set_end_well(l.set);
		kill_core(&l);
	}
	run(&l);
	end_with(&l, "ordinary ends", SPAN("a b "));
}

/* Told to end in the midst of a line, of which the next core reads the rest. */
static void test_half_a_line(void **state)
{
	struct life l;

	(void)state;
	begin(&l);
	say(&l, "{\"type\":\"a\"}\n{\"type\":");
	run(&l);
	batch_reset(l.batch, "guest", false, clock_now());
	external_end(l.e, clock_now(), l.batch);
	external_take_off(l.e, l.batch);
	write_some(&l, SIZE_MAX);
	kill_core(&l);
	say(&l, "\"b\"}\n");
	run(&l);
	end_with(&l, "half a line", SPAN("a b "));
}

/* A core that went astray left marks that lead nowhere. */
static void test_hostile_marks(void **state)
{
	static const struct {
		const char *name;
		uint64_t at;
		struct inbox_mark mark;
	} cases[] = {
		{ "no such mark", INBOX_MARKS, { 0 } },
		{ "too many in flight", UINT64_MAX << 32, { 0 } },
		{ "beyond the side", 0, { .start = INBOX_SIDE + 1 } },
		{ "no such side", 0, { .side = 2 } },
		{ "in flight, to no such side",
		  1ULL << 32 | (INBOX_MARKS - 1),
		  { .side = 2 } },
		{ "neither inside a line nor not", 0, { .is_skipping = 2 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct inbox *inbox;
		struct life l;

		begin(&l);
		inbox = inbox_set_find(l.set, "guest");
		inbox->marks[0] = cases[i].mark;
		atomic_store(&inbox->at, cases[i].at);
		kill_core(&l);
		say(&l, "{\"type\":\"a\"}\n");
		run(&l);
		end_with(&l, cases[i].name, SPAN("a bad 1 "));
	}
}

/* A core that went astray wrote over all that it can. */
static void test_hostile_memory(void **state)
{
	static const char *const names[] = { "lksm", "guest" };
	struct life l;

	(void)state;
	begin(&l);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		memset(inbox_set_find(l.set, names[i]), 0xff, sizeof(struct inbox));
	memset(page_of(inbox_set_find(l.set, names[0])), 0xff, 16);
	kill_core(&l);
	say(&l, "{\"type\":\"a\"}\n");
	run(&l);
	expect_span("hostile memory", "the log", buffer_span(&l.log), SPAN("a bad 1 "));
	assert_null(inbox_set_find(l.set, "other"));
	end(&l);
}

static void test_names(void **state)
{
	struct life l;

	(void)state;
	begin(&l);
	assert_non_null(inbox_set_find(l.set, "lksm"));
	assert_ptr_not_equal(inbox_set_find(l.set, "lksm"),
			     inbox_set_find(l.set, "guest"));
	assert_null(inbox_set_find(l.set, "other"));
	assert_null(inbox_set_find(NULL, "guest"));
	end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_long_life),
		cmocka_unit_test(test_another_pipe),
		cmocka_unit_test(test_excess),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_ordinary_ends),
		cmocka_unit_test(test_half_a_line),
		cmocka_unit_test(test_hostile_marks),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hostile_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
