// SPDX-License-Identifier: Apache-2.0
/* core/queue: batches go round, and a writer that is stuck does not hold the intake for ever. */
#include "core/queue.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#include "expect.h"

#define ROUNDS 1000 /* of which the writer sleeps in most */

static void put_one(struct queue *q)
{
	struct lksm_batch *batch = queue_get_empty(q);

	assert_non_null(batch);
	batch_reset(batch, "guest", false, (struct now){ 1, 1 });
	assert_int_equal(batch_emit(batch, 0, "a", LKSM_INFO), 0);
	queue_put_full(q, batch);
}

static void test_full_queue_lets_the_intake_go(void **state)
{
	struct lksm_batch *full[QUEUE_TAKE_MAX];
	struct queue *q;

	(void)state;
	assert_int_equal(queue_create(&q), 0);
	for (size_t i = 0; i < QUEUE_BATCHES; i++)
		put_one(q);
	assert_null(queue_get_empty(q));
	for (size_t left = QUEUE_BATCHES; left; left -= QUEUE_TAKE_MAX)
		assert_int_equal(queue_take_full(q, 0, full), QUEUE_TAKE_MAX);
	assert_null(queue_get_empty(q));
	queue_put_empty(q, full[0]);
	assert_ptr_equal(queue_get_empty(q), full[0]);
	queue_close(q);
	assert_int_equal(queue_take_full(q, 0, full), 0);
	queue_destroy(q);
}

static void test_the_writer_waits_no_longer_than_it_wants(void **state)
{
	struct lksm_batch *full[QUEUE_TAKE_MAX];
	struct queue *q;

	(void)state;
	assert_int_equal(queue_create(&q), 0);
	assert_int_equal(queue_take_full(q, 1, full), -ETIMEDOUT); /* long ago */
	assert_int_equal(queue_take_full(q, clock_now().mono_us + 1000, full),
			 -ETIMEDOUT);
	put_one(q);
	queue_close(q);
	assert_int_equal(queue_take_full(q, 1, full), 1); /* what is there comes first */
	assert_int_equal(queue_take_full(q, 1, full), 0);
	queue_destroy(q);
}

struct writer {
	struct queue *queue;
	sem_t taken; /* once for each batch */
};

static void *take_all(void *context)
{
	struct writer *w = context;
	struct lksm_batch *full[QUEUE_TAKE_MAX];
	int n;

	while ((n = queue_take_full(w->queue, 0, full)) > 0)
		for (int i = 0; i < n; i++) {
			queue_put_empty(w->queue, full[i]);
			(void)sem_post(&w->taken);
		}
	return NULL;
}

static void wait_until_taken(struct writer *w, size_t n)
{
	const struct timespec until = { (time_t)(clock_now().mono_us / USEC_PER_SEC) + 30,
					0 };

	while (n--)
		assert_int_equal(sem_clockwait(&w->taken, CLOCK_MONOTONIC, &until), 0);
}

/* Few batches when the intake says so, many in any case, and none are left behind. */
static void test_a_writer_that_sleeps_is_woken(void **state)
{
	struct writer w = { 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(queue_create(&w.queue), 0);
	(void)sem_init(&w.taken, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, take_all, &w), 0);
	for (size_t i = 0; i < ROUNDS; i++) {
		size_t n = i % 2 ? QUEUE_MANY : 1;

		for (size_t j = 0; j < n; j++)
			put_one(w.queue);
		if (n < QUEUE_MANY)
			queue_flush(w.queue);
		wait_until_taken(&w, n);
	}
	put_one(w.queue);
	queue_close(w.queue);
	assert_int_equal(pthread_join(thread, NULL), 0);
	wait_until_taken(&w, 1);
	queue_destroy(w.queue);
	(void)sem_destroy(&w.taken);
}

/* One that is in the cache is better than all of the memory in turn. */
static void test_the_last_that_came_back_is_used_first(void **state)
{
	struct lksm_batch *one, *other;
	struct queue *q;

	(void)state;
	assert_int_equal(queue_create(&q), 0);
	one = queue_get_empty(q);
	other = queue_get_empty(q);
	queue_put_empty(q, other);
	queue_put_empty(q, one);
	assert_ptr_equal(queue_get_empty(q), one);
	assert_ptr_equal(queue_get_empty(q), other);
	queue_destroy(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_queue_lets_the_intake_go),
		cmocka_unit_test(test_the_writer_waits_no_longer_than_it_wants),
		cmocka_unit_test(test_a_writer_that_sleeps_is_woken),
		cmocka_unit_test(test_the_last_that_came_back_is_used_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
