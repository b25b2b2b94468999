// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arming, disarming and inspecting entry probes. Whether one works can be lost in many
 * ways that tell nobody: disabled by whoever has its address, taken out of the kernel's
 * table, or its breakpoint overwritten by the old byte.
 */
#include "probes.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "kprobe_table.h"

/* What a kprobe puts where it is: a breakpoint, optimised a jump, ftrace's call */
#define OPCODE_INT3 0xcc
#define OPCODE_JUMP 0xe9
#define OPCODE_CALL 0xe8

static struct {
	struct entry_probe *armed[PROBES_MAX];
	size_t n;
} state;

static int arm(struct entry_probe *probe)
{
	int r;

	if (state.n == PROBES_MAX)
		return -ENOSPC;
	probe->kprobe = (struct kprobe){ .symbol_name = probe->symbol,
					 .pre_handler = probe->handler };
	r = register_kprobe(&probe->kprobe);
	if (r)
		return r;
	probe->is_armed = true;
	state.armed[state.n++] = probe;
	return 0;
}

int probes_arm(struct entry_probe *probes, size_t n)
{
	bool is_any = false;
	int r, error = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		r = arm(&probes[i]);
		is_any |= !r;
		if (!error)
			error = r;
	}
	return is_any ? 0 : error;
}

void probes_disarm_all(void)
{
	struct kprobe *kprobes[PROBES_MAX];
	size_t i;

	for (i = 0; i < state.n; i++) {
		kprobes[i] = &state.armed[i]->kprobe;
		state.armed[i]->is_armed = false;
	}
	if (state.n)
		unregister_kprobes(kprobes, state.n);
}

unsigned long probes_n_missed(void)
{
	unsigned long n = 0;
	size_t i;

	for (i = 0; i < state.n; i++)
		n += state.armed[i]->kprobe.nmissed;
	return n;
}

bool probe_is_by_capable(int capability)
{
	const struct cred *cred = current_cred();

	return cred->user_ns == &init_user_ns &&
	       cap_raised(cred->cap_effective, capability);
}
NOKPROBE_SYMBOL(probe_is_by_capable);

static bool is_in_code(const struct kprobe *kprobe)
{
	u8 opcode = 0;

	if (copy_from_kernel_nofault(&opcode, kprobe->addr, 1))
		return false;
	return opcode == OPCODE_INT3 || opcode == OPCODE_JUMP || opcode == OPCODE_CALL;
}

bool probe_is_working(const struct kprobe *kprobe)
{
	if (kprobe->flags & (KPROBE_FLAG_GONE | KPROBE_FLAG_DISABLED))
		return false;
	if (kprobe_table_is_known() && !kprobe_table_has((unsigned long)kprobe->addr))
		return false;
	return is_in_code(kprobe);
}

void probes_each(void (*visit)(size_t i, const struct entry_probe *probe,
			       bool is_working))
{
	size_t i;

	for (i = 0; i < state.n; i++)
		visit(i, state.armed[i], probe_is_working(&state.armed[i]->kprobe));
}
