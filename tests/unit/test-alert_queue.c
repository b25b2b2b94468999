// SPDX-License-Identifier: Apache-2.0
/* output/alerts/alert_queue: what waits for whom, by a clock of the test's own. */
#include "output/alerts/alert_queue.h"

#include "alert.h"

#define SECOND ((uint64_t)1000000)
#define START  (1000 * SECOND)

static struct alert_receiver receiver = { .name = "r",
					  .group_wait_us = 10 * SECOND,
					  .group_interval_us = 300 * SECOND,
					  .retry_for_us = 3600 * SECOND };
static struct alert_queue q;

static int set_up(void **state)
{
	(void)state;
	receiver.rate_limit = 0;
	alert_queue_init(&q, &receiver, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	alert_queue_deinit(&q);
	return 0;
}

static void add(uint64_t seq, const char *type, uint64_t now_us)
{
	struct alert_event e = make_event(seq, type, LKSM_HIGH);

	alert_queue_add(&q, &e, SPAN("{}"), now_us);
	alert_queue_seen(&q, seq);
}

/* When something is due; it is not taken. */
static uint64_t due(uint64_t now_us)
{
	uint64_t due_us = 0;

	assert_null(alert_queue_take(&q, now_us, &due_us));
	return due_us;
}

static const struct alert_group *take(uint64_t now_us)
{
	uint64_t due_us;
	const struct alert_group *g = alert_queue_take(&q, now_us, &due_us);

	assert_non_null(g);
	return g;
}

static void test_a_group_waits_and_then_keeps_its_interval(void **state)
{
	const struct alert_group *g;

	(void)state;
	assert_true(due(START) == UINT64_MAX);
	add(1, "a", START);
	add(2, "a", START + SECOND);
	assert_true(due(START) == START + 10 * SECOND);
	g = take(START + 10 * SECOND);
	assert_int_equal(g->count, 2);
	assert_int_equal(g->first_seq, 1);
	assert_int_equal(g->last_seq, 2);
	alert_queue_done(&q, START + 11 * SECOND);
	add(3, "a", START + 12 * SECOND);
	assert_true(due(START + 30 * SECOND) == START + 311 * SECOND);
	add(4, "b", START + 30 * SECOND); /* another type is not held up */
	assert_string_equal(take(START + 40 * SECOND)->type, "b");
	alert_queue_done(&q, START + 40 * SECOND);
	assert_int_equal(take(START + 311 * SECOND)->count, 1);
}

static void test_a_message_that_fails_is_tried_again_and_others_grow(void **state)
{
	uint64_t now = START + 10 * SECOND;

	(void)state;
	add(1, "a", START);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(take(now)->first_seq, 1);
		assert_true(alert_queue_failed(&q, 0, 1023, now)); /* no jitter */
		now += SECOND << i;
		assert_true(due(now - 1) == now);
	}
	assert_int_equal(take(now)->first_seq, 1);
	assert_true(alert_queue_failed(&q, 60 * SECOND, 0, now)); /* Retry-After */
	for (uint64_t seq = 2; seq < 100; seq++)
		add(seq, "a", now);
	assert_true(due(now) == now + 60 * SECOND);
	assert_int_equal(take(now + 60 * SECOND)->count, 1);
	alert_queue_done(&q, now + 60 * SECOND);
	assert_int_equal(take(now + 360 * SECOND)->count, 98);
	assert_int_equal(q.flying.n_items, ALERT_ITEMS_MAX);
}

static void test_back_off_is_jittered_and_bounded(void **state)
{
	uint64_t now = START + 10 * SECOND;

	(void)state;
	receiver.retry_for_us = UINT64_MAX / 4;
	add(1, "a", START);
	(void)take(now);
	assert_true(alert_queue_failed(&q, 0, 0, now));
	assert_true(due(now) == now + SECOND / 2);
	for (int i = 0; i < 100; i++)
		assert_true(alert_queue_failed(&q, 0, 1023, now));
	assert_true(due(now) == now + 300 * SECOND);
	assert_true(alert_queue_failed(&q, UINT64_MAX, 0, now)); /* asked for too much */
	assert_true(due(now) == now + 3600 * SECOND);
	receiver.retry_for_us = 3600 * SECOND;
}

static void test_tries_come_to_an_end(void **state)
{
	uint64_t now = START + 10 * SECOND;
	int n = 0;

	(void)state;
	add(1, "a", START);
	(void)take(now);
	while (alert_queue_failed(&q, 0, 1023, now) && n++ < 1000)
		now = q.next_try_us;
	assert_in_range(n, 15, 30); /* 1, 2, … 256 s, then each 300 s, for an hour */
	assert_true(now < START + 3700 * SECOND);
}

static void test_done_is_what_nobody_waits_for(void **state)
{
	(void)state;
	add(5, "a", START);
	alert_queue_seen(&q, 6);
	add(7, "b", START + 5 * SECOND);
	alert_queue_seen(&q, 9);
	assert_int_equal(alert_queue_done_seq(&q), 5);
	(void)take(START + 10 * SECOND);
	assert_int_equal(alert_queue_done_seq(&q), 5); /* on its way is not delivered */
	alert_queue_done(&q, START + 10 * SECOND);
	assert_int_equal(alert_queue_done_seq(&q), 7);
	(void)take(START + 15 * SECOND);
	alert_queue_done(&q, START + 15 * SECOND);
	assert_int_equal(alert_queue_done_seq(&q), 10);
}

static void test_what_was_told_before_a_restart_is_not_told_again(void **state)
{
	(void)state;
	q.next_seq = 5;
	add(4, "a", START);
	assert_true(due(START) == UINT64_MAX);
	add(5, "a", START);
	assert_int_equal(take(START + 10 * SECOND)->first_seq, 5);
}

static void test_the_rate_is_limited(void **state)
{
	uint64_t now = START + 10 * SECOND, due_us;
	int n_sent = 0;
	char type[16];

	(void)state;
	receiver.rate_limit = 10;
	for (uint64_t i = 0; i < 40; i++) {
		(void)snprintf(type, sizeof(type), "t%d", (int)i);
		add(i, type, START);
	}
	/* ten at once, and from then on one each six seconds */
	for (; now < START + 100 * SECOND; now += SECOND)
		while (alert_queue_take(&q, now, &due_us)) {
			n_sent++;
			alert_queue_done(&q, now);
			assert_true(n_sent <= 11 + (int)((now - START) / (6 * SECOND)));
		}
	assert_in_range(n_sent, 22, 27);
}

static void test_groups_are_bounded(void **state)
{
	const struct alert_group *g = NULL;
	uint64_t due_us, n = 0, n_events = 0;
	char type[16];

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		(void)snprintf(type, sizeof(type), "t%d", (int)i);
		add(i, type, START);
	}
	while ((g = alert_queue_take(&q, START + 10 * SECOND, &due_us))) {
		n++;
		n_events += g->count;
		if (!strcmp(g->type, ALERT_OTHER_TYPES))
			assert_int_equal(g->count, 1000 - (ALERT_GROUPS_MAX - 1));
		alert_queue_done(&q, START + 10 * SECOND);
	}
	assert_int_equal(n, ALERT_GROUPS_MAX);
	assert_int_equal(n_events, 1000);
	/* slots are free again when their interval is over */
	add(1001, "new_one", START + 311 * SECOND);
	assert_string_equal(take(START + 321 * SECOND)->type, "new_one");
}

static void test_a_long_line_is_left_out(void **state)
{
	static char line[ALERT_LINE_MAX + 1];
	struct alert_event e = make_event(1, "a", LKSM_HIGH);

	(void)state;
	memset(line, 'x', sizeof(line));
	alert_queue_add(&q, &e, (struct span){ line, sizeof(line) }, START);
	assert_null(take(START + 10 * SECOND)->items[0].line);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_a_group_waits_and_then_keeps_its_interval),
		T(test_a_message_that_fails_is_tried_again_and_others_grow),
		T(test_back_off_is_jittered_and_bounded),
		T(test_tries_come_to_an_end),
		T(test_done_is_what_nobody_waits_for),
		T(test_what_was_told_before_a_restart_is_not_told_again),
		T(test_the_rate_is_limited),
		T(test_groups_are_bounded),
		T(test_a_long_line_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
