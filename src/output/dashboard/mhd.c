// SPDX-License-Identifier: Apache-2.0
/* See mhd.h. */
#include "output/dashboard/mhd.h"

LIBRARY_DEFINE(mhd, MHD_CALLS, "libmicrohttpd12", "libmicrohttpd.so.12")
