/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libmicrohttpd: MHD_run() is mhd.run(). See base/library.h. */
#ifndef OUTPUT_DASHBOARD_MHD_H
#define OUTPUT_DASHBOARD_MHD_H

#include <microhttpd.h>

#include "base/library.h"

/* clang-format off */
#define MHD_CALLS(X) \
	X(MHD_, add_response_header) \
	X(MHD_, create_response_from_buffer) \
	X(MHD_, create_response_from_buffer_with_free_callback_cls) \
	X(MHD_, create_response_from_callback) \
	X(MHD_, destroy_response) \
	X(MHD_, get_connection_info) \
	X(MHD_, get_connection_values) \
	X(MHD_, get_connection_values_n) \
	X(MHD_, get_daemon_info) \
	X(MHD_, get_reason_phrase_for) \
	X(MHD_, get_timeout) \
	X(MHD_, lookup_connection_value) \
	X(MHD_, queue_response) \
	X(MHD_, quiesce_daemon) \
	X(MHD_, resume_connection) \
	X(MHD_, run) \
	X(MHD_, set_connection_option) \
	X(MHD_, start_daemon) \
	X(MHD_, stop_daemon) \
	X(MHD_, suspend_connection)
/* clang-format on */

struct mhd_calls {
	MHD_CALLS(LIBRARY_MEMBER)
} LIBRARY_TABLE;

extern struct mhd_calls mhd;

/** mhd_load() - see library_load() */
int mhd_load(struct buffer *error);

#endif
