/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libsystemd: sd_event_new() is sd.event_new(). See base/library.h. */
#ifndef BASE_SYSTEMD_H
#define BASE_SYSTEMD_H

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/library.h"

/* clang-format off */
#define SYSTEMD_CALLS(X) \
	X(sd_, event_add_child) \
	X(sd_, event_add_inotify) \
	X(sd_, event_add_io) \
	X(sd_, event_add_signal) \
	X(sd_, event_add_time) \
	X(sd_, event_add_time_relative) \
	X(sd_, event_dispatch) \
	X(sd_, event_exit) \
	X(sd_, event_get_fd) \
	X(sd_, event_get_state) \
	X(sd_, event_loop) \
	X(sd_, event_new) \
	X(sd_, event_prepare) \
	X(sd_, event_source_disable_unref) \
	X(sd_, event_source_set_enabled) \
	X(sd_, event_source_set_floating) \
	X(sd_, event_source_set_priority) \
	X(sd_, event_source_set_time) \
	X(sd_, event_source_set_time_accuracy) \
	X(sd_, event_source_set_time_relative) \
	X(sd_, event_source_unref) \
	X(sd_, event_unref) \
	X(sd_, event_wait) \
	X(sd_, id128_get_boot) \
	X(sd_, listen_fds_with_names) \
	X(sd_, notify) \
	X(sd_, notifyf) \
	X(sd_, watchdog_enabled)
/* clang-format on */

struct sd_calls {
	SYSTEMD_CALLS(LIBRARY_MEMBER)
} LIBRARY_TABLE;

extern struct sd_calls sd;

/**
 * sd_load() - see library_load()
 *
 * main.c does it for all processes of the daemon, before it forks them.
 */
int sd_load(struct buffer *error);

#endif
