/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded queue between intake and writer: a fixed set of batches that go round. When
 * all are full the intake waits, and what the kernel overwrites meanwhile is counted by
 * the gap in its numbers.
 */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "core/batch.h"

/** QUEUE_BATCHES - so many batches go round */
#define QUEUE_BATCHES 32

/**
 * QUEUE_TAKE_MAX - so many the writer gets at once: what it makes of them is in memory
 * whole, so this bounds it, however far the writer fell behind
 */
#define QUEUE_TAKE_MAX 8

/**
 * QUEUE_MANY - so many full ones wake the writer; fewer wait for queue_flush(), so that what
 * the intake finds at once is one drain, and the writer does not cut in between
 */
#define QUEUE_MANY (QUEUE_TAKE_MAX / 2)

struct queue;

int queue_create(struct queue **ret);
void queue_destroy(struct queue *q);

/** QUEUE_WAIT_MS - so long the intake waits for the writer before it looks at its own loop */
#define QUEUE_WAIT_MS 100

/**
 * queue_get_empty() - the intake's: a batch to fill
 *
 * Waits for the writer if there is none. Return: NULL if there still is none after
 * QUEUE_WAIT_MS, so that a log that cannot be written hides no SIGTERM and no ping.
 */
struct lksm_batch *queue_get_empty(struct queue *q);

/**
 * queue_put_full() - the intake's: for the writer, who is woken when there are QUEUE_MANY; an
 * empty one just goes back
 */
void queue_put_full(struct queue *q, struct lksm_batch *batch);

/**
 * queue_flush() - the intake's, before it sleeps or when nothing new comes: wake the writer if
 * there is one for it
 */
void queue_flush(struct queue *q);

/** queue_close() - the intake's: no more will come; waits for nothing */
void queue_close(struct queue *q);

/**
 * queue_take_full() - the writer's: those that came first, in order
 * @until_us: CLOCK_MONOTONIC; 0: for ever
 *
 * Waits until there is one. Return: how many; 0 when the queue is closed and empty;
 * -ETIMEDOUT.
 */
int queue_take_full(struct queue *q, uint64_t until_us,
		    struct lksm_batch *ret[static QUEUE_TAKE_MAX]);

/** queue_put_empty() - the writer's: done with it */
void queue_put_empty(struct queue *q, struct lksm_batch *batch);

bool queue_is_closed(struct queue *q);

#endif
