// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own unwinder is asked, from the registers at the entry of the function. Its
 * answer ends where it knows no more: beyond a caller in memory of nobody's it would guess.
 */
#include "callers.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/unwind.h>

static void add(struct emit_record *record, size_t *n, unsigned long address)
{
	if (address && *n < EMIT_CALLERS_MAX)
		record->callers[(*n)++] = address;
}

#if defined(CONFIG_UNWINDER_ORC) || defined(CONFIG_UNWINDER_FRAME_POINTER)
/* @n: how many are known already; the last of them comes again */
static void unwind(struct emit_record *record, size_t n, unsigned long entry,
		   struct pt_regs *regs)
{
	struct unwind_state frame;

	/* A breakpoint's is one byte on, where the unwinder may think of a push as done. */
	regs->ip = entry;
	for (unwind_start(&frame, current, regs, NULL);
	     !unwind_done(&frame) && !unwind_error(&frame); unwind_next_frame(&frame)) {
		if (frame.regs && user_mode(frame.regs))
			break; /* where the system call came from */
		if (frame.ip != entry && (n > 1 || frame.ip != record->callers[0]))
			add(record, &n, frame.ip);
		if (n == EMIT_CALLERS_MAX)
			break;
	}
}
#else
static void unwind(struct emit_record *record, size_t n, unsigned long entry,
		   struct pt_regs *regs)
{
}
#endif
NOKPROBE_SYMBOL(unwind);

void callers_note(struct emit_record *record, const struct kprobe *kprobe,
		  struct pt_regs *regs)
{
	unsigned long ip = regs->ip;
	size_t n = 0;

	memset(record->callers, 0, sizeof(record->callers));
	/* The first one needs no unwinder. */
	add(record, &n, regs_get_kernel_stack_nth(regs, 0));
	unwind(record, n, (unsigned long)kprobe->addr, regs);
	regs->ip = ip;
}
NOKPROBE_SYMBOL(callers_note);

bool callers_has_outsider(const struct emit_record *record)
{
	size_t i;

	for (i = 0; i < EMIT_CALLERS_MAX && record->callers[i]; i++) {
		if (!owner_is_kernel(record->callers[i]))
			return true;
	}
	return false;
}
NOKPROBE_SYMBOL(callers_has_outsider);

int callers_find_stranger(const struct emit_record *record, struct owner *ret)
{
	struct owner owner;
	size_t i;

	for (i = 0; i < EMIT_CALLERS_MAX && record->callers[i]; i++) {
		owner_find(record->callers[i], &owner);
		if (owner.kind != OWNER_FOREIGN && owner.kind != OWNER_NOBODY)
			continue;
		*ret = owner;
		return i;
	}
	return -ENOENT;
}
