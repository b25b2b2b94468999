/* SPDX-License-Identifier: Apache-2.0 */
/* The log's end of the pipeline: writing come what may, sealing, syncing. */
#ifndef PIPELINE_LOG_H
#define PIPELINE_LOG_H

#include "pipeline.h"

/** log_write() - all these lines; a full disk is waited for. Negative only when stopping */
int log_write(struct pipeline *p, struct output_batch batch);

/** log_is_due() - has what was written to be sealed or synced by now? */
bool log_is_due(const struct pipeline *p, struct now now);

/**
 * log_seal() - seal what is not sealed yet, and have it on the disk if that is wanted
 *
 * Return: 0, also if it has to be tried again later; -errno when stopping.
 */
int log_seal(struct pipeline *p);

/** log_has_trouble(), log_tell_trouble() - what went wrong with the log is an event, too */
bool log_has_trouble(const struct pipeline *p);
void log_tell_trouble(struct pipeline *p, struct lksm_batch *batch);

#endif
