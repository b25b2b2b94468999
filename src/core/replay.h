/* SPDX-License-Identifier: Apache-2.0 */
/* A saved kernel log through the same naming and encoding as the live one; seq from 0. */
#ifndef CORE_REPLAY_H
#define CORE_REPLAY_H

#include "core/event.h"
#include "core/rules.h"

enum replay_format {
	REPLAY_AUTO, /* decided by the first bytes */
	REPLAY_DMESG,
	REPLAY_KMSG,
};

struct replay_options {
	const struct rules *rules;
	enum replay_format format;
	enum event_view view;
	bool all; /* every record an event */
	bool is_quick; /* pass over lines that make no event (skim.h); the result is the same */
};

/**
 * replay() - read @in_fd to its end, write the events to @out_fd
 * @ret_n_events: how many there were
 *
 * Memory is bounded whatever the file's size. Lines that are no kernel-log records, or too long
 * to be any, are left out, and their number is said in the program's log.
 *
 * Return: 0 or -errno.
 */
int replay(const struct replay_options *options, int in_fd, int out_fd,
	   uint64_t *ret_n_events);

#endif
