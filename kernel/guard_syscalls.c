// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where system calls lead to: the slots of the tables, and, from 6.9 on and in the stable
 * kernels that took commit 1e3ad78334a6, the calls and jumps inside x64_sys_call() and its
 * like, which go round the table. A key is the address of the slot or of the instruction,
 * the value its target.
 */
#include "guard.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "code.h"

#define TABLE_SLOTS_MAX 600
#define CALL_SITES_MAX	2048
#define NEAR_SIZE	5
/* ENDBR, and the call that ftrace puts in and takes out */
#define ENTRY_SIZE 9

enum {
	SYS_CALL_TABLE,
	IA32_SYS_CALL_TABLE,
	X32_SYS_CALL_TABLE,
	N_TABLES,
	X64_SYS_CALL = N_TABLES,
	IA32_SYS_CALL,
	X32_SYS_CALL,
	DO_SYSCALL_64,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[SYS_CALL_TABLE] = { .name = "sys_call_table" },
	[IA32_SYS_CALL_TABLE] = { .name = "ia32_sys_call_table" },
	[X32_SYS_CALL_TABLE] = { .name = "x32_sys_call_table" },
	[X64_SYS_CALL] = { .name = "x64_sys_call" },
	[IA32_SYS_CALL] = { .name = "ia32_sys_call" },
	[X32_SYS_CALL] = { .name = "x32_sys_call" },
	[DO_SYSCALL_64] = { .name = "do_syscall_64" },
};

static struct {
	unsigned long *sites; /* addresses of calls and jumps */
	size_t n_sites;
} state;

/* Only what begins a function counts: elsewhere the bytes may be no instruction at all. */
static bool is_function(unsigned long address)
{
	char name[SYMBOLS_NAME_SIZE];

	symbols_describe(name, address);
	return strcmp(name, "unknown") && !strstr(name, "+0x");
}

static void find_sites(const struct symbol_wanted *function)
{
	unsigned long at, target;
	u8 bytes[NEAR_SIZE];

	for (at = function->address + ENTRY_SIZE;
	     at + NEAR_SIZE <= function->address + function->size; at++) {
		if (copy_from_kernel_nofault(bytes, (void *)at, sizeof(bytes)))
			break;
		target = code_near_target(at, bytes, sizeof(bytes));
		if (!target || target - function->address < function->size ||
		    !is_function(target) || state.n_sites == CALL_SITES_MAX)
			continue;
		state.sites[state.n_sites++] = at;
		at += NEAR_SIZE - 1;
	}
}

static int syscalls_start(void)
{
	size_t i;

	if (!wanted[SYS_CALL_TABLE].address && !wanted[X64_SYS_CALL].address)
		return -ENOENT;
	state.sites = kvmalloc_array(CALL_SITES_MAX, sizeof(*state.sites), GFP_KERNEL);
	if (!state.sites)
		return -ENOMEM;
	for (i = X64_SYS_CALL; i < WANTED_COUNT; i++) {
		if (wanted[i].address)
			find_sites(&wanted[i]);
	}
	return 0;
}

static void syscalls_stop(void)
{
	kvfree(state.sites);
}

static size_t n_slots(const struct symbol_wanted *table)
{
	return min_t(size_t, table->size / sizeof(long), TABLE_SLOTS_MAX);
}

static void visit_table(struct guard_visit *visit, const struct symbol_wanted *table)
{
	const unsigned long *slot = (void *)table->address;
	size_t i, n = table->address ? n_slots(table) : 0;

	for (i = 0; i < n; i++, slot++)
		guard_word(visit, (unsigned long)slot, guard_read(slot));
}

/* 0 if it is no call or jump any more */
static unsigned long site_target(unsigned long site)
{
	u8 bytes[NEAR_SIZE];

	if (copy_from_kernel_nofault(bytes, (void *)site, sizeof(bytes)))
		return 0;
	return code_near_target(site, bytes, sizeof(bytes));
}

static void syscalls_visit(struct guard_visit *visit)
{
	size_t i;

	for (i = 0; i < N_TABLES; i++)
		visit_table(visit, &wanted[i]);
	for (i = 0; i < state.n_sites; i++)
		guard_word(visit, state.sites[i], site_target(state.sites[i]));
}

static void name_slot(char *to, size_t size, unsigned long key)
{
	size_t i;

	for (i = 0; i < N_TABLES; i++) {
		if (key - wanted[i].address < wanted[i].size) {
			scnprintf(to, size, "%s[%lu]", wanted[i].name,
				  (key - wanted[i].address) / sizeof(long));
			return;
		}
	}
	symbols_describe(to, key);
}

static bool is_lawful(unsigned long target)
{
	struct owner owner;

	owner_find(target, &owner);
	return owner.kind == OWNER_KERNEL;
}

/* Behind the last slot may be what is no slot at all: it is 0, or data. */
static bool is_worth_telling(const struct guard_change *change)
{
	struct owner owner;

	if (!change->is_new)
		return true;
	owner_find(change->new, &owner);
	return owner.kind == OWNER_FOREIGN || owner.kind == OWNER_IN_TREE;
}

static void syscalls_report(const struct guard_change *change)
{
	char what[SYMBOLS_NAME_SIZE];
	bool is_restored = is_lawful(change->new) && !is_lawful(change->old);

	if (!is_worth_telling(change))
		return;
	name_slot(what, sizeof(what), change->key);
	guard_print_target(change, is_restored ? EMIT_INFO : EMIT_CRITICAL,
			   is_restored ? "syscall_restored" : "syscall_hooked",
			   " what=%s", what);
}

const struct guard guard_syscalls = {
	.name = "syscalls",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = syscalls_start,
	.stop = syscalls_stop,
	.visit = syscalls_visit,
	.report = syscalls_report,
};
