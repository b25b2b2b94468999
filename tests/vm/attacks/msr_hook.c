// SPDX-License-Identifier: GPL-2.0-only
/*
 * Diverts the entry of system calls on one processor to this module, which jumps on. Where
 * user space has page tables of its own, the processor could not even fetch that jump;
 * then it does not try.
 */
#include <linux/smp.h>

#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "attack.h"
#include "text.h"

static char *which = "LSTAR";
module_param(which, charp, 0);
static int cpu = 1;
module_param(cpu, int, 0);

static noinline __used void pad(void)
{
	asm volatile(".fill 16, 1, 0x90");
}

static u32 number;
static u64 old, new;

static void do_read(void *unused)
{
	u32 low, high;

	rdmsr(number, low, high);
	old = (u64)high << 32 | low;
}

static void do_change(void *unused)
{
	wrmsr(number, (u32) new, new >> 32);
}

static void do_restore(void *unused)
{
	wrmsr(number, (u32)old, old >> 32);
}

static int change(void)
{
	unsigned long to = (unsigned long)pad;
	u8 jump[JUMP_SIZE];

	if (boot_cpu_has(X86_FEATURE_PTI))
		return -EOPNOTSUPP;
	number = !strcmp(which, "LSTAR")   ? MSR_LSTAR
		 : !strcmp(which, "CSTAR") ? MSR_CSTAR
					   : MSR_IA32_SYSENTER_EIP;
	new = to;
	(void)smp_call_function_single(cpu, do_read, NULL, 1);
	text_jump(jump, to, old);
	(void)text_write_own((void *)to, jump, sizeof(jump));
	return smp_call_function_single(cpu, do_change, NULL, 1);
}

static void restore(void)
{
	(void)smp_call_function_single(cpu, do_restore, NULL, 1);
}

ATTACK(change, restore, "the entry of system calls");
