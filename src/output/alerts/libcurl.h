/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libcurl: curl_easy_init() is libcurl.easy_init(). See base/library.h. */
#ifndef OUTPUT_ALERTS_LIBCURL_H
#define OUTPUT_ALERTS_LIBCURL_H

#include <curl/curl.h>

#include "base/library.h"

/* clang-format off */
#define LIBCURL_CALLS(X) \
	X(curl_, global_init) \
	X(curl_, easy_init) \
	X(curl_, easy_cleanup) \
	X(curl_, easy_setopt) \
	X(curl_, easy_perform) \
	X(curl_, easy_getinfo) \
	X(curl_, easy_strerror) \
	X(curl_, slist_append) \
	X(curl_, slist_free_all)
/* clang-format on */

struct libcurl_calls {
	LIBCURL_CALLS(LIBRARY_MEMBER)
} LIBRARY_TABLE;

extern struct libcurl_calls libcurl;

/** libcurl_load() - see library_load() */
int libcurl_load(struct buffer *error);

#endif
