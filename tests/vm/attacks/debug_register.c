// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hook without a changed byte: the processor's breakpoint registers, by the kernel's own
 * interface (how=perf) or written past it (how=raw, on one processor).
 */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/smp.h>

#include "attack.h"

static char *symbol = "vfs_fallocate";
module_param(symbol, charp, 0);
static char *how = "perf";
module_param(how, charp, 0);
static int cpu = 1;
module_param(cpu, int, 0);

#define DR7_GLOBAL_0 0x2UL

static struct perf_event *__percpu *events;
static unsigned long address;

static void on_hit(struct perf_event *event, struct perf_sample_data *data,
		   struct pt_regs *regs)
{
}

static void write_registers(void *data)
{
	unsigned long dr7 = data ? DR7_GLOBAL_0 : 0;

	asm volatile("mov %0, %%db0" : : "r"(data));
	asm volatile("mov %0, %%db7" : : "r"(dr7));
}

static int change(void)
{
	struct perf_event_attr attr;

	address = attack_symbol(symbol);
	if (!address)
		return -ENOENT;
	if (!strcmp(how, "raw"))
		return smp_call_function_single(cpu, write_registers, (void *)address, 1);
	hw_breakpoint_init(&attr);
	attr.bp_addr = address;
	attr.bp_len = sizeof(long);
	attr.bp_type = HW_BREAKPOINT_X;
	events = register_wide_hw_breakpoint(&attr, on_hit, NULL);
	/* IS_ERR_PCPU() is not everywhere, and a plain pointer another address space. */
	return IS_ERR_VALUE((uintptr_t)events) ? (int)(uintptr_t)events : 0;
}

static void restore(void)
{
	if (!strcmp(how, "raw"))
		(void)smp_call_function_single(cpu, write_registers, NULL, 1);
	else
		unregister_wide_hw_breakpoint(events);
}

ATTACK(change, restore, "breakpoint registers");
