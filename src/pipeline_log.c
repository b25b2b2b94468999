// SPDX-License-Identifier: Apache-2.0
/*
 * See pipeline_log.h. A seal is written first and its key replaced then: killed in
 * between, the next run finds the seal in the log and replaces the key itself.
 */
#include "pipeline_log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define RETRY_US 200000 /* between two tries to write to a full disk */

static void note_failure(struct pipeline *p, int error, size_t n_lines)
{
	p->write_error = error;
	p->n_delayed += n_lines;
}

/* Told once, until it works again: what is told is to be synced, too. */
static int sync_log(struct pipeline *p, size_t n_lines)
{
	int r = json_logger_sync(p->logger);

	if (r < 0 && !p->is_sync_failing) {
		(void)log_error_errno(r, "the log cannot be synced to the disk");
		note_failure(p, r, n_lines);
	}
	p->is_sync_failing = r < 0;
	return r;
}

/* What is in the log is to be sealed, and perhaps synced, within a second. */
static void note_written(struct pipeline *p, const struct output_batch *batch)
{
	if (p->fsync == CONFIG_FSYNC_BATCH && (batch->n_lines || p->is_sync_failing))
		(void)sync_log(p, batch->n_lines); /* told as an event */
	if (p->sealer)
		sealer_add(p->sealer, (struct span){ batch->data, batch->len },
			   batch->lines, batch->n_lines);
	if (!p->due_us && batch->n_lines &&
	    (p->sealer || p->fsync == CONFIG_FSYNC_INTERVAL))
		p->due_us = clock_now().mono_us + SEAL_AFTER_US;
}

/* Return: how many tries failed, or -errno. */
static int write_until_done(struct pipeline *p, struct output_batch batch)
{
	int failures = 0;

	while (batch.n_lines) {
		int n = json_logger_log_events(p->logger, &batch);

		if (n >= 0) {
			size_t before = batch.len;

			output_batch_skip(&batch, (size_t)n);
			counters_add_written(p->lines.counters, (size_t)n,
					     before - batch.len);
			continue;
		}
		p->write_error = n;
		counters_add_failure(p->lines.counters);
		if (failures++ == 0)
			(void)log_error_errno(
				n, "cannot write the log; trying until it works");
		if (n == -ENOSPC && reserve_release(&p->reserve))
			continue; /* enough for these, and to say that the disk is full */
		if (queue_is_closed(p->queue))
			return n; /* stopping: the kernel's ring keeps them for the next start */
		atomic_fetch_add(&p->turns, 2);
		usleep(RETRY_US);
	}
	return failures;
}

int log_write(struct pipeline *p, struct output_batch batch)
{
	int failures = write_until_done(p, batch);

	if (failures < 0)
		return failures;
	if (failures) {
		log_notice("the log can be written again, after %d failed tries",
			   failures);
		note_failure(p, p->write_error, batch.n_lines);
	}
	note_written(p, &batch);
	return 0;
}

bool log_is_due(const struct pipeline *p, struct now now)
{
	return p->due_us && now.mono_us >= p->due_us;
}

/* Its own line is not unsealed: it takes part in the next seal by its hash. */
static int write_seal(struct pipeline *p, uint64_t end)
{
	int r;

	lines_clear(&p->lines);
	r = sealer_add_line(p->sealer, &p->lines, end, clock_now());
	if (r < 0)
		return r;
	r = write_until_done(p, output_batch_from(&p->lines, JSON_LOGGER_STAY));
	if (r < 0)
		return r;
	p->position.next_seq = p->lines.next_seq;
	state_page_store(p->page, &p->position);
	return 0;
}

static void note_seal(struct pipeline *p, int error)
{
	if (error < 0 && !p->is_seal_failing) {
		(void)log_error_errno(error, "the log cannot be sealed for now");
		p->seal_error = error;
	}
	p->is_seal_failing = error < 0;
}

int log_seal(struct pipeline *p)
{
	bool must_sync = p->fsync != CONFIG_FSYNC_NEVER;
	bool must_seal = p->sealer && sealer_is_needed(p->sealer);
	uint64_t end = 0;
	int r = must_seal ? json_logger_end(p->logger, &end) : 0;

	p->due_us = 0;
	if (r < 0) { /* somebody replaced the file: it may come back */
		p->due_us = clock_now().mono_us + SEAL_AFTER_US;
		note_seal(p, r);
		return 0;
	}
	r = must_seal ? write_seal(p, end) : 0;
	if (r < 0)
		return r;
	r = must_sync ? sync_log(p, 1) : 0;
	if (must_seal)
		note_seal(p, sealer_done(p->sealer, must_sync && r >= 0));
	return 0;
}

bool log_has_trouble(const struct pipeline *p)
{
	return p->n_delayed || p->seal_error;
}

void log_tell_trouble(struct pipeline *p, struct lksm_batch *batch)
{
	/* the batch is empty: these cannot fail */
	if (p->n_delayed) {
		const char *error = strerror(-p->write_error);

		(void)batch_emit_own(batch, "log_write_failed", LKSM_CRITICAL);
		(void)batch_add_str(batch, "error", error, strlen(error));
		(void)batch_add_int(batch, "count", (int64_t)p->n_delayed);
	}
	if (p->seal_error) {
		const char *error = strerror(-p->seal_error);

		(void)batch_emit_own(batch, "seal_failed", LKSM_HIGH);
		(void)batch_add_str(batch, "error", error, strlen(error));
	}
	p->n_delayed = 0;
	p->seal_error = 0;
}
