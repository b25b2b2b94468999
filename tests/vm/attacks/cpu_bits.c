// SPDX-License-Identifier: GPL-2.0-only
/* Takes a protection off one processor, and leaves it off. */
#include <linux/smp.h>

#include "attack.h"

static char *bit = "WP";
module_param(bit, charp, 0);
static int cpu = 1;
module_param(cpu, int, 0);

static void set(bool is_on)
{
	unsigned long mask = !strcmp(bit, "SMEP") ? X86_CR4_SMEP : X86_CR4_SMAP;
	unsigned long value;

	if (!strcmp(bit, "WP")) {
		asm volatile("mov %%cr0, %0" : "=r"(value));
		value = is_on ? value | X86_CR0_WP : value & ~X86_CR0_WP;
		asm volatile("mov %0, %%cr0" : : "r"(value) : "memory");
		return;
	}
	asm volatile("mov %%cr4, %0" : "=r"(value));
	value = is_on ? value | mask : value & ~mask;
	asm volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static void do_change(void *unused)
{
	set(false);
}

static void do_restore(void *unused)
{
	set(true);
}

static int change(void)
{
	return smp_call_function_single(cpu, do_change, NULL, 1);
}

static void restore(void)
{
	(void)smp_call_function_single(cpu, do_restore, NULL, 1);
}

ATTACK(change, restore, "a processor's protection");
