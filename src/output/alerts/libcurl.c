// SPDX-License-Identifier: Apache-2.0
/* See libcurl.h. */
#include "output/alerts/libcurl.h"

LIBRARY_DEFINE(libcurl, LIBCURL_CALLS, "libcurl3-gnutls", "libcurl-gnutls.so.4",
	       "libcurl.so.4")
