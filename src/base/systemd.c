// SPDX-License-Identifier: Apache-2.0
/* See systemd.h. */
#include "base/systemd.h"

LIBRARY_DEFINE(sd, SYSTEMD_CALLS, "libsystemd0", "libsystemd.so.0")
