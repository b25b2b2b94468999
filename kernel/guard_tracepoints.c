// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is called at the kernel's tracepoints. A key is made of the tracepoint and of the
 * function, because the array of functions is another one after each change; the value is
 * the function.
 */
#include "guard.h"

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/preempt.h>
#include <linux/tracepoint.h>

#define FUNCTIONS_MAX 1024

/* Its own inverse, given the function. */
static unsigned long mix(unsigned long tracepoint, unsigned long function)
{
	return tracepoint ^ rol64(function, 24);
}

static void visit_tracepoint(struct tracepoint *tracepoint, void *visit)
{
	const struct tracepoint_func *funcs = (void *)guard_read(&tracepoint->funcs);
	unsigned long function;
	size_t i;

	for (i = 0; funcs && i < FUNCTIONS_MAX; i++) {
		function = guard_read(&funcs[i].func);
		if (!function)
			break;
		guard_word(visit, mix((unsigned long)tracepoint, function), function);
	}
}

static void tracepoints_visit(struct guard_visit *visit)
{
	/* The arrays are freed after a grace period. */
	preempt_disable();
	for_each_kernel_tracepoint(visit_tracepoint, visit);
	preempt_enable();
}

static void tracepoints_report(const struct guard_change *change)
{
	const struct tracepoint *tracepoint;
	char name[EMIT_TEXT_SIZE], quoted[EMIT_ESCAPED_SIZE];

	if (guard_is_lawful(change))
		return;
	tracepoint = (void *)mix(change->key, change->new);
	emit_copy_text(name, (void *)guard_read(&tracepoint->name));
	guard_print_target(change, EMIT_HIGH, "tracepoint_probe", " tracepoint=%s",
			   emit_quote(quoted, sizeof(quoted), name));
}

const struct guard guard_tracepoints = {
	.name = "tracepoints",
	.visit = tracepoints_visit,
	.report = tracepoints_report,
};
