/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going on where the last run ended: from the state page and the end of the log, whichever
 * is further.
 */
#ifndef CORE_RESUME_H
#define CORE_RESUME_H

#include "base/buffer.h"
#include "core/position.h"

#define RESUME_NAME_SIZE 64

struct resume {
	struct position position;
	struct buffer lines; /* the last events, oldest first, for the live ring */
	size_t n_lines;
	uint64_t logged_next_seq; /* behind the last event that is in a log; less than
				     position.next_seq: events are missing */
	char newest[RESUME_NAME_SIZE]; /* name of the newest log, "" if there is none */
	bool is_other_boot; /* the last run was, or may have been, in another boot */
};

/** resume_open_fn - the @i-th newest log for reading, and its name; -ENOENT: no more */
typedef int (*resume_open_fn)(void *context, uint64_t i, char *ret_name, size_t size);

/**
 * resume_load() - find out where to go on
 * @page: may be new or torn; then the log alone decides
 * @boot_id: of this boot
 * @n_lines: so many events are wanted for the live ring
 *
 * Return: 0; -errno if a log cannot be read.
 */
int resume_load(const struct state_page *page, const char *boot_id,
		resume_open_fn open_log, void *context, size_t n_lines,
		struct resume *ret);
void resume_deinit(struct resume *r);

#endif
