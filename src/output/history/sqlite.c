// SPDX-License-Identifier: Apache-2.0
/* See sqlite.h. */
#include "output/history/sqlite.h"

LIBRARY_DEFINE(sqlite, SQLITE_CALLS, "libsqlite3-0", "libsqlite3.so.0")
