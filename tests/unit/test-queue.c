// SPDX-License-Identifier: Apache-2.0
/* core/queue: batches go round, and a writer that is stuck does not hold the intake for ever. */
#include "core/queue.h"

#include "expect.h"

static void test_full_queue_lets_the_intake_go(void **state)
{
	struct lksm_batch *full[QUEUE_BATCHES], *batch;
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
	assert_int_equal(queue_take_full(q, full), QUEUE_BATCHES);
	assert_null(queue_get_empty(q));
	queue_put_empty(q, full[0]);
	assert_ptr_equal(queue_get_empty(q), full[0]);
	queue_close(q);
	assert_int_equal(queue_take_full(q, full), 0);
	queue_destroy(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_queue_lets_the_intake_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
