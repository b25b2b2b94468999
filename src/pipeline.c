// SPDX-License-Identifier: Apache-2.0
/*
 * The way of an event, on one screen.
 *
 *	modules ──poll──► batches ──queue──► name, stamp, encode ──► json_logger ──► live ring
 *	└──── intake thread ────┘            └────────────── writer thread ──────────────┘
 *
 * The log is the truth: a line goes to the live ring, and a record's position to the state
 * page, only after the line is written. While the log cannot be written the queue fills,
 * the intake waits, and what the kernel overwrites meanwhile shows as a gap in its numbers.
 */
#include "pipeline.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "pipeline_log.h"

/* External modules may say more when what they said is in the log. */
static void land(struct pipeline *p, struct lksm_batch *batches[], size_t n)
{
	bool is_awaited = false;

	for (size_t i = 0; i < n; i++)
		is_awaited |= batch_land(batches[i]);
	if (is_awaited)
		(void)eventfd_write(p->intake.landed_fd, 1);
}

/* One drain: everything that the intake has ready becomes one write. */
static int drain(struct pipeline *p, struct lksm_batch *batches[], size_t n)
{
	const struct now now = clock_now();
	/* a day's file ends with a seal */
	int r = json_logger_is_leaving(p->logger, now) ? log_seal(p) : 0;
	struct position next = p->position;
	struct output_batch lines;

	lines_clear(&p->lines);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = lines_add_batch(&p->lines, batches[i], &next);
	lines = output_batch_from(&p->lines, now);
	/* what is passed over must be known before a line behind it is in the log */
	if (r >= 0 && position_hold_all(&p->position, &next))
		state_page_store(p->page, &p->position);
	if (r >= 0)
		r = log_write(p, lines);
	if (r < 0)
		return r;
	dashboard_push_events(p->ring, &lines);
	/* fails when full: then it is awake already */
	if (lines.n_lines)
		(void)eventfd_write(p->wake_fd, 1);
	next.next_seq = p->lines.next_seq;
	p->position = next;
	state_page_store(p->page, &p->position);
	land(p, batches, n);
	reserve_hold(&p->reserve, lines.now);
	return 0;
}

/* That the log could not be written or sealed is told as soon as it can be. */
static int tell_trouble(struct pipeline *p)
{
	int r = 0;

	while (r >= 0 && log_has_trouble(p)) {
		struct lksm_batch *batch;

		r = batch_create(&batch);
		if (r < 0)
			break;
		batch_reset(batch, "lksm", true, clock_now());
		log_tell_trouble(p, batch);
		r = drain(p, &batch, 1);
		batch_destroy(batch);
	}
	return r;
}

/* One turn: @n batches that came, or none and something to seal. */
static int take_turn(struct pipeline *p, struct lksm_batch *batches[], int n)
{
	int r = n > 0 ? drain(p, batches, (size_t)n) : 0;

	if (r >= 0 && log_is_due(p, clock_now()))
		r = log_seal(p);
	if (r >= 0) /* last: nothing else may come for long */
		r = tell_trouble(p);
	return r;
}

/* Woken, the writer does not take the processor away from the intake, which woke it. */
static void give_way(void)
{
	/* if that cannot be, there are more switches between the two */
	(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 });
}

static void *writer(void *context)
{
	struct pipeline *p = context;
	struct lksm_batch *batches[QUEUE_TAKE_MAX];
	int n;

	give_way();
	while ((n = queue_take_full(p->queue, p->due_us, batches))) {
		int r;

		atomic_fetch_add(&p->turns, 1);
		r = take_turn(p, batches, n);
		if (r < 0) {
			(void)log_error_errno(r, "the writer cannot go on");
			_exit(1); /* the supervisor starts us again, where the log ends */
		}
		for (int i = 0; i < n; i++)
			queue_put_empty(p->queue, batches[i]);
		atomic_fetch_add(&p->turns, 1);
	}
	if (log_seal(p) < 0)
		log_warning("the end of the log will be sealed at the next start");
	return NULL;
}

int pipeline_run(struct pipeline *p)
{
	const struct position start = p->position;
	pthread_t thread;
	int r;

	if (p->sealer && sealer_is_needed(p->sealer)) /* the last run was killed */
		p->due_us = clock_now().mono_us + SEAL_AFTER_US;
	r = pthread_create(&thread, NULL, writer, p);
	if (r)
		return -r;
	p->intake.queue = p->queue;
	p->intake.position = &start;
	r = intake_run(&p->intake);
	pthread_join(thread, NULL);
	return r;
}
