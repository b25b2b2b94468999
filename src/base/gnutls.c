// SPDX-License-Identifier: Apache-2.0
/* See gnutls.h. */
#include "base/gnutls.h"

LIBRARY_DEFINE(gnutls, GNUTLS_CALLS, "libgnutls30", "libgnutls.so.30")
