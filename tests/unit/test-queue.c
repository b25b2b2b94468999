// SPDX-License-Identifier: Apache-2.0
/* core/queue: batches go round, and a writer that is stuck does not hold the intake for ever. */
#include "core/queue.h"

#include <errno.h>

#include "expect.h"

static void test_full_queue_lets_the_intake_go(void **state)
{
	struct lksm_batch *full[QUEUE_TAKE_MAX], *batch;
	struct queue *q;

	(void)state;
	assert_int_equal(queue_create(&q), 0);
	for (size_t i = 0; i < QUEUE_BATCHES; i++) {
		batch = queue_get_empty(q);
		assert_non_null(batch);
		batch_reset(batch, "guest", false, (struct now){ 1, 1 });
		assert_int_equal(batch_emit(batch, 0, "a", LKSM_INFO), 0);
		queue_put_full(q, batch);
	}
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
	struct lksm_batch *full[QUEUE_TAKE_MAX], *batch;
	struct queue *q;

	(void)state;
	assert_int_equal(queue_create(&q), 0);
	assert_int_equal(queue_take_full(q, 1, full), -ETIMEDOUT); /* long ago */
	assert_int_equal(queue_take_full(q, clock_now().mono_us + 1000, full),
			 -ETIMEDOUT);
	batch = queue_get_empty(q);
	batch_reset(batch, "guest", false, (struct now){ 1, 1 });
	assert_int_equal(batch_emit(batch, 0, "a", LKSM_INFO), 0);
	queue_put_full(q, batch);
	queue_close(q);
	assert_int_equal(queue_take_full(q, 1, full), 1); /* what is there comes first */
	assert_int_equal(queue_take_full(q, 1, full), 0);
	queue_destroy(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_queue_lets_the_intake_go),
		cmocka_unit_test(test_the_writer_waits_no_longer_than_it_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
