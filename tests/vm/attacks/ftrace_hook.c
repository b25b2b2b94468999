// SPDX-License-Identifier: GPL-2.0-only
/* An ftrace hook that calls through to the function. */
#include "ftrace.h"

static char *symbol = "tcp4_seq_show";
module_param(symbol, charp, 0);

typedef long (*any_function)(long, long, long, long, long, long);
static any_function original;

static long replacement(long a, long b, long c, long d, long e, long f)
{
	long r = original(a, b, c, d, e, f);

	barrier(); /* no jump in place of the call */
	return r;
}

static int change(void)
{
	original = (any_function)attack_symbol(symbol);
	return original ? ftrace_attach(symbol, replacement) : -ENOENT;
}

ATTACK(change, ftrace_detach, "an ftrace hook");
