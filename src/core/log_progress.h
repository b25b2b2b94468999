/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far core is with the log it writes, in memory that it shares with the supervisor: so
 * the supervisor can tell core's writes from anybody else's, and can have core open its
 * log again. Core is believed in nothing but what it has written.
 */
#ifndef CORE_LOG_PROGRESS_H
#define CORE_LOG_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct log_progress {
	_Atomic uint64_t n_begun, n_done; /* writes; they differ while one is under way */
	_Atomic uint64_t size;		  /* of the log, if nobody but core changes it */
	_Atomic uint64_t first_seq;	  /* of its first line */
	_Atomic uint64_t next_seq;	  /* behind its last line */
	_Atomic uint64_t n_reopen; /* the supervisor's: grows when core is to open its log
				       again before it writes on */
};

/** log_progress_is_at_rest() - core is not writing just now */
static inline bool log_progress_is_at_rest(const struct log_progress *p)
{
	return atomic_load(&p->n_begun) == atomic_load(&p->n_done);
}

#endif
