// SPDX-License-Identifier: Apache-2.0
/*
 * See queue.h. Full ones go first in, first out; of the empty ones the last that came back is
 * given out first, as it may still be in the processor's cache.
 */
#include "core/queue.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t has_empty;
	/* no condition: behind one, to unlock is a system call whoever waits for the lock */
	sem_t writer_wakes;
	bool is_writer_asleep; /* or about to be: it is owed one post */
	struct lksm_batch *full[QUEUE_BATCHES], *empty[QUEUE_BATCHES];
	size_t first_full, n_full, n_empty;
	bool is_closed;
	struct lksm_batch *all[QUEUE_BATCHES]; /* for queue_destroy() */
};

static void push_full(struct queue *q, struct lksm_batch *batch)
{
	q->full[(q->first_full + q->n_full++) % QUEUE_BATCHES] = batch;
}

static struct lksm_batch *pop_full(struct queue *q)
{
	struct lksm_batch *batch = q->full[q->first_full];

	q->first_full = (q->first_full + 1) % QUEUE_BATCHES;
	q->n_full--;
	return batch;
}

int queue_create(struct queue **ret)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	pthread_mutex_init(&q->lock, NULL);
	(void)sem_init(&q->writer_wakes, 0, 0); /* fails for values that are too large */
	pthread_cond_init(&q->has_empty, NULL);
	for (size_t i = 0; i < QUEUE_BATCHES; i++) {
		int r = batch_create(&q->all[i]);

		if (r < 0) {
			queue_destroy(q);
			return r;
		}
		q->empty[q->n_empty++] = q->all[i];
	}
	*ret = q;
	return 0;
}

void queue_destroy(struct queue *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < QUEUE_BATCHES; i++)
		batch_destroy(q->all[i]);
	pthread_cond_destroy(&q->has_empty);
	(void)sem_destroy(&q->writer_wakes);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static struct timespec deadline_after_ms(long ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

struct lksm_batch *queue_get_empty(struct queue *q)
{
	struct lksm_batch *batch = NULL;
	struct timespec until = { 0 };
	int r = 0;

	pthread_mutex_lock(&q->lock);
	if (q->n_empty == 0)
		until = deadline_after_ms(QUEUE_WAIT_MS);
	while (q->n_empty == 0 && r == 0)
		r = pthread_cond_clockwait(&q->has_empty, &q->lock, CLOCK_MONOTONIC,
					   &until);
	if (q->n_empty)
		batch = q->empty[--q->n_empty];
	pthread_mutex_unlock(&q->lock);
	return batch;
}

void queue_put_full(struct queue *q, struct lksm_batch *batch)
{
	bool is_many;

	pthread_mutex_lock(&q->lock);
	if (batch_count(batch))
		push_full(q, batch);
	else
		q->empty[q->n_empty++] = batch;
	is_many = q->n_full >= QUEUE_MANY;
	pthread_mutex_unlock(&q->lock);
	if (is_many)
		queue_flush(q);
}

/* Under the lock: whether the writer is to be woken, which is done without it. */
static bool take_sleeper(struct queue *q)
{
	bool is_asleep = q->is_writer_asleep && (q->n_full || q->is_closed);

	if (is_asleep)
		q->is_writer_asleep = false;
	return is_asleep;
}

void queue_flush(struct queue *q)
{
	bool is_asleep;

	pthread_mutex_lock(&q->lock);
	is_asleep = take_sleeper(q);
	pthread_mutex_unlock(&q->lock);
	/* not before: who is woken would at once wait for the lock */
	if (is_asleep)
		(void)sem_post(&q->writer_wakes); /* never more than one */
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->is_closed = true;
	pthread_mutex_unlock(&q->lock);
	queue_flush(q);
}

/* Return: whether the time has not come yet. */
static bool sleep_until(struct queue *q, uint64_t until_us)
{
	const struct timespec until = { (time_t)(until_us / USEC_PER_SEC),
					(long)(until_us % USEC_PER_SEC * 1000) };
	int r;

	do
		r = until_us ? sem_clockwait(&q->writer_wakes, CLOCK_MONOTONIC, &until)
			     : sem_wait(&q->writer_wakes);
	while (r < 0 && errno == EINTR);
	return r == 0;
}

int queue_take_full(struct queue *q, uint64_t until_us,
		    struct lksm_batch *ret[static QUEUE_TAKE_MAX])
{
	bool has_time = true;
	int n = 0;

	pthread_mutex_lock(&q->lock);
	while (q->n_full == 0 && !q->is_closed && has_time) {
		q->is_writer_asleep = true;
		pthread_mutex_unlock(&q->lock);
		has_time = sleep_until(q, until_us);
		pthread_mutex_lock(&q->lock);
	}
	q->is_writer_asleep = false;
	while (q->n_full && n < QUEUE_TAKE_MAX)
		ret[n++] = pop_full(q);
	if (!n && !q->is_closed)
		n = -ETIMEDOUT;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void queue_put_empty(struct queue *q, struct lksm_batch *batch)
{
	pthread_mutex_lock(&q->lock);
	q->empty[q->n_empty++] = batch;
	pthread_cond_signal(&q->has_empty);
	pthread_mutex_unlock(&q->lock);
}

bool queue_is_closed(struct queue *q)
{
	bool is_closed;

	pthread_mutex_lock(&q->lock);
	is_closed = q->is_closed;
	pthread_mutex_unlock(&q->lock);
	return is_closed;
}
