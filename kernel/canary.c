// SPDX-License-Identifier: GPL-2.0-only
/* Compiled with an entry for ftrace, unlike all else: Kbuild. */
#include "canary.h"

#include <linux/compiler.h>

noinline void canary_sing(void)
{
	barrier();
}
