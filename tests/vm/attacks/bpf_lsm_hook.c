// SPDX-License-Identifier: GPL-2.0-only
/* lsm_hook by a name that looks like the kernel's own functions for BPF. */
#include "lsm_hook.c"
