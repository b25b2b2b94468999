// SPDX-License-Identifier: Apache-2.0
/* See queue.h. Two first-in-first-out rings of pointers under one lock. */
#include "core/queue.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct ring {
	struct lksm_batch *items[QUEUE_BATCHES];
	size_t first, n;
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t has_full, has_empty;
	struct ring full, empty;
	bool is_closed;
	struct lksm_batch *all[QUEUE_BATCHES]; /* for queue_destroy() */
};

static void push(struct ring *r, struct lksm_batch *batch)
{
	r->items[(r->first + r->n++) % QUEUE_BATCHES] = batch;
}

static struct lksm_batch *pop(struct ring *r)
{
	struct lksm_batch *batch = r->items[r->first];

	r->first = (r->first + 1) % QUEUE_BATCHES;
	r->n--;
	return batch;
}

int queue_create(struct queue **ret)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->has_full, NULL);
	pthread_cond_init(&q->has_empty, NULL);
	for (size_t i = 0; i < QUEUE_BATCHES; i++) {
		int r = batch_create(&q->all[i]);

		if (r < 0) {
			queue_destroy(q);
			return r;
		}
		push(&q->empty, q->all[i]);
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
	pthread_cond_destroy(&q->has_full);
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
	if (q->empty.n == 0)
		until = deadline_after_ms(QUEUE_WAIT_MS);
	while (q->empty.n == 0 && r == 0)
		r = pthread_cond_clockwait(&q->has_empty, &q->lock, CLOCK_MONOTONIC,
					   &until);
	if (q->empty.n)
		batch = pop(&q->empty);
	pthread_mutex_unlock(&q->lock);
	return batch;
}

void queue_put_full(struct queue *q, struct lksm_batch *batch)
{
	bool is_full = batch_count(batch) > 0;

	pthread_mutex_lock(&q->lock);
	push(is_full ? &q->full : &q->empty, batch);
	pthread_mutex_unlock(&q->lock);
	/* not before: who is woken would at once wait for the lock */
	if (is_full)
		pthread_cond_signal(&q->has_full);
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->is_closed = true;
	pthread_cond_signal(&q->has_full);
	pthread_mutex_unlock(&q->lock);
}

int queue_take_full(struct queue *q, uint64_t until_us,
		    struct lksm_batch *ret[static QUEUE_TAKE_MAX])
{
	const struct timespec until = { (time_t)(until_us / USEC_PER_SEC),
					(long)(until_us % USEC_PER_SEC * 1000) };
	int n = 0, r = 0;

	pthread_mutex_lock(&q->lock);
	while (q->full.n == 0 && !q->is_closed && r == 0)
		r = until_us ? pthread_cond_clockwait(&q->has_full, &q->lock,
						      CLOCK_MONOTONIC, &until)
			     : pthread_cond_wait(&q->has_full, &q->lock);
	while (q->full.n && n < QUEUE_TAKE_MAX)
		ret[n++] = pop(&q->full);
	if (!n && !q->is_closed)
		n = -ETIMEDOUT;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void queue_put_empty(struct queue *q, struct lksm_batch *batch)
{
	pthread_mutex_lock(&q->lock);
	push(&q->empty, batch);
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
