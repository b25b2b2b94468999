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
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"

#define RETRY_US 200000 /* between two tries to write to a full disk */

/* Write the lines, come what may: a full disk is waited for. */
static int write_lines(struct pipeline *p, struct output_batch batch)
{
	size_t failures = 0, n_lines = batch.n_lines;

	while (batch.n_lines) {
		int n = json_logger_log_events(p->logger, &batch);

		if (n >= 0) {
			output_batch_skip(&batch, (size_t)n);
			continue;
		}
		p->write_error = n;
		if (failures++ == 0)
			(void)log_error_errno(
				n, "cannot write the log; trying until it works");
		if (queue_is_closed(p->queue))
			return n; /* stopping: the kernel's ring keeps them for the next start */
		atomic_fetch_add(&p->turns, 2);
		usleep(RETRY_US);
	}
	if (failures)
		log_notice("the log can be written again, after %zu failed tries",
			   failures);
	p->n_delayed += failures ? n_lines : 0;
	return 0;
}

/* One drain: everything that the intake has ready becomes one write. */
static int drain(struct pipeline *p, struct lksm_batch *batches[], size_t n)
{
	struct position next = p->position;
	struct output_batch lines;
	int r = 0;

	lines_clear(&p->lines);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = lines_add_batch(&p->lines, batches[i], &next);
	lines = output_batch_from(&p->lines, clock_now());
	/* what is passed over must be known before a line behind it is in the log */
	if (r >= 0 && position_hold_all(&p->position, &next))
		state_page_store(p->page, &p->position);
	if (r >= 0)
		r = write_lines(p, lines);
	if (r < 0)
		return r;
	dashboard_push_events(p->ring, &lines);
	/* fails when full: then it is awake already */
	if (lines.n_lines)
		(void)eventfd_write(p->wake_fd, 1);
	next.next_seq = p->lines.next_seq;
	p->position = next;
	state_page_store(p->page, &p->position);
	return 0;
}

/* That events were late is an event, as soon as there is a log to write it to. */
static int tell_delayed(struct pipeline *p)
{
	struct lksm_batch *batch = NULL;
	int r = 0;

	while (r >= 0 && p->n_delayed) {
		const char *error = strerror(-p->write_error);

		r = batch_create(&batch);
		if (r < 0)
			break;
		batch_reset(batch, "lksm", true, clock_now());
		(void)batch_emit_own(batch, "log_write_failed", LKSM_CRITICAL);
		(void)batch_add_str(batch, "error", error, strlen(error));
		(void)batch_add_int(batch, "count", (int64_t)p->n_delayed);
		p->n_delayed = 0;
		r = drain(p, &batch, 1);
		batch_destroy(batch);
	}
	return r;
}

static void *writer(void *context)
{
	struct pipeline *p = context;
	struct lksm_batch *batches[QUEUE_BATCHES];
	size_t n;

	while ((n = queue_take_full(p->queue, batches))) {
		int r;

		atomic_fetch_add(&p->turns, 1);
		r = drain(p, batches, n);
		if (r >= 0)
			r = tell_delayed(p);
		if (r < 0) {
			(void)log_error_errno(r, "the writer cannot go on");
			_exit(1); /* the supervisor starts us again, where the log ends */
		}
		for (size_t i = 0; i < n; i++)
			queue_put_empty(p->queue, batches[i]);
		atomic_fetch_add(&p->turns, 1);
	}
	return NULL;
}

int pipeline_run(struct pipeline *p)
{
	const struct position start = p->position;
	pthread_t thread;
	int r;

	r = pthread_create(&thread, NULL, writer, p);
	if (r)
		return -r;
	p->intake.queue = p->queue;
	p->intake.position = &start;
	r = intake_run(&p->intake);
	pthread_join(thread, NULL);
	return r;
}
