// SPDX-License-Identifier: GPL-2.0-only
/*
 * Executable memory that nobody has: a module that hid before the sensor came, or code in
 * memory that was only borrowed. The kernel's page tables are walked, for they cannot lie:
 * what they do not show as executable does not run. Below an entry that forbids it nothing
 * is looked at, so that nearly all of memory costs nothing.
 *
 * Modules that come and go have memory for some moments that is nobody's. So what is found
 * is looked at again, after a grace period each time, and told when it stays.
 */
#include "guard.h"

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/page.h>
#include <asm/pgtable.h>

#include "code_owners.h"

#define LEVELS	5
#define ENTRIES (PAGE_SIZE / sizeof(u64))
/* Tables in one look at the range of modules, and at the rest, which then goes on there */
#define TABLES_MAX 1024
#define PIECES_MAX 64
/* Pages without an owner that are looked into, in one look */
#define PAGES_MAX     4096
#define LOOKS	      5
#define LOOK_PAUSE_MS 150

/*
 * a piece of code that is nobody's
 * @is_seen: in this walk
 * @n_seen: walks that have seen it, up to LOOKS
 */
struct piece {
	unsigned long start;
	unsigned long end;
	bool is_seen;
	unsigned int n_seen;
};

static struct symbol_wanted wanted = { .name = "init_top_pgt" };

/*
 * @table: room for one of each level
 * @n_tables, @n_pages: what this walk has looked into
 * @from, @to: what is walked; the last byte
 * @reached: the last byte of the tables that were walked whole
 * @rest: where the walk of the rest begins
 * @run_start, @run_end: executable pages without a hole
 * @is_cut: there is more than can be looked at
 */
static struct {
	u64 (*table)[ENTRIES];
	size_t n_tables;
	size_t n_pages;
	unsigned long from;
	unsigned long to;
	unsigned long reached;
	unsigned long rest;
	unsigned long run_start;
	unsigned long run_end;
	bool is_cut;
	struct piece piece[PIECES_MAX];
	size_t n_pieces;
} state;

/* All but the first megabyte, where real mode's trampoline is */
static unsigned long rest_start(void)
{
	return PAGE_OFFSET + SZ_1M;
}

static bool is_in_doubt(void)
{
	size_t i;

	for (i = 0; i < state.n_pieces; i++) {
		if (state.piece[i].n_seen < LOOKS)
			return true;
	}
	return false;
}

static int hidden_code_start(void)
{
	int r;

	/*
	 * Without that bit all memory is executable; in a paravirtual guest of Xen the tables
	 * hold other addresses.
	 */
	if (!wanted.address || !(__supported_pte_mask & _PAGE_NX) ||
	    boot_cpu_has(X86_FEATURE_XENPV))
		return -ENOENT;
	state.table = kvmalloc_array(LEVELS, sizeof(*state.table), GFP_KERNEL);
	if (!state.table)
		return -ENOMEM;
	r = code_owners_start();
	if (r)
		kvfree(state.table);
	state.rest = rest_start();
	return r;
}

static void hidden_code_stop(void)
{
	code_owners_stop();
	kvfree(state.table);
}

static struct piece *find(unsigned long start)
{
	size_t i;

	for (i = 0; i < state.n_pieces; i++) {
		if (state.piece[i].start == start)
			return &state.piece[i];
	}
	return NULL;
}

static void found(unsigned long start, unsigned long end)
{
	struct piece *piece = find(start);

	if (!piece && state.n_pieces == PIECES_MAX) {
		state.is_cut = true;
		return;
	}
	if (!piece) {
		piece = &state.piece[state.n_pieces++];
		*piece = (struct piece){ .start = start };
	}
	piece->end = end;
	piece->is_seen = true;
	if (piece->n_seen < LOOKS)
		piece->n_seen++;
}

/* Nobody has these pages: but some may be lawful by what they are. */
static void look_into(unsigned long start, unsigned long end)
{
	unsigned long page, bad = 0;

	for (page = start; page < end && state.n_pages < PAGES_MAX; page += PAGE_SIZE) {
		state.n_pages++;
		if (!code_owners_know(page, start, end)) {
			bad = bad ? bad : page;
		} else if (bad) {
			found(bad, page);
			bad = 0;
		}
		cond_resched();
	}
	if (bad)
		found(bad, page);
	if (page < end)
		state.is_cut = true;
}

static void end_run(void)
{
	unsigned long at = state.run_start, end;

	while (at < state.run_end && code_owners_find(&at, state.run_end, &end)) {
		look_into(at, end);
		at = end;
	}
	state.run_start = state.run_end = 0;
}

static void add_to_run(unsigned long start, unsigned long size)
{
	if (start != state.run_end) {
		end_run();
		state.run_start = start;
	}
	state.run_end = start + size;
}

static unsigned int shift_of(unsigned int level)
{
	return PAGE_SHIFT + 9 * level;
}

static void walk_table(unsigned int level, unsigned long table, unsigned long base);

static bool is_executable(u64 entry)
{
	return (entry & _PAGE_PRESENT) && !(entry & _PAGE_NX);
}

/* A table that was freed meanwhile may hold anything: a wrong page is not there again. */
static void walk_entry(unsigned int level, u64 entry, unsigned long at)
{
	unsigned long physical = entry & PTE_PFN_MASK;

	if (!level || ((entry & _PAGE_PSE) && level <= 2))
		add_to_run(at, 1ul << shift_of(level));
	else if (pfn_valid(physical >> PAGE_SHIFT))
		walk_table(level - 1, (unsigned long)__va(physical), at);
}

static void walk_table(unsigned int level, unsigned long table, unsigned long base)
{
	unsigned long at, size = 1ul << shift_of(level);
	const u64 *entries = state.table[level];
	size_t i;

	state.n_tables++;
	if (copy_from_kernel_nofault(state.table[level], (void *)table, PAGE_SIZE))
		return;
	cond_resched();
	for (i = 0; i < ENTRIES; i++) {
		at = base + i * size;
		if (!is_executable(entries[i]) || at + (size - 1) < state.from ||
		    at > state.to)
			continue;
		if (level && state.n_tables >= TABLES_MAX)
			return;
		walk_entry(level, entries[i], at);
		if (level == 1)
			state.reached = at + (size - 1);
	}
}

static void forget_gone(unsigned long from, unsigned long to)
{
	const struct piece *piece;
	size_t i, n = 0;

	for (i = 0; i < state.n_pieces; i++) {
		piece = &state.piece[i];
		if (piece->is_seen || piece->start < from || piece->start > to)
			state.piece[n++] = *piece;
	}
	state.n_pieces = n;
}

/* Return: the last byte that was reached */
static unsigned long walk_range(unsigned long from, unsigned long to)
{
	unsigned int top = pgtable_l5_enabled() ? 4 : 3;

	state.from = state.reached = from;
	state.to = to;
	state.n_tables = 0;
	walk_table(top, wanted.address, ~0ul << shift_of(top + 1));
	end_run();
	if (state.n_tables < TABLES_MAX)
		state.reached = to;
	forget_gone(from, state.reached);
	return state.reached;
}

/* Return: the last byte of the rest that was reached */
static unsigned long walk(bool is_start)
{
	unsigned long reached;
	size_t i;

	if (code_owners_collect(is_start)) {
		state.is_cut = true;
		return state.rest - 1;
	}
	for (i = 0; i < state.n_pieces; i++)
		state.piece[i].is_seen = false;
	state.n_pages = 0;
	reached = walk_range(state.rest, VMALLOC_END);
	state.n_pages = 0; /* whoever fills the rest does not blind us here */
	walk_range(MODULES_VADDR, MODULES_END - 1);
	return reached;
}

static void walk_till_sure(bool is_start)
{
	unsigned long reached = walk(is_start);
	size_t i;

	for (i = 1; i < LOOKS && is_in_doubt(); i++) {
		synchronize_rcu();
		msleep(LOOK_PAUSE_MS);
		reached = walk(is_start);
	}
	state.rest = reached == VMALLOC_END ? rest_start() : reached + 1;
}

static bool is_due(enum guard_occasion occasion)
{
	return occasion == GUARD_START || occasion == GUARD_SWEEP ||
	       occasion == GUARD_SCAN || occasion == GUARD_EVENT;
}

static void hidden_code_visit(struct guard_visit *visit)
{
	size_t i;

	state.is_cut = false;
	if (is_due(guard_occasion(visit)))
		walk_till_sure(guard_occasion(visit) == GUARD_START);
	if (state.is_cut)
		guard_cut(visit);
	for (i = 0; i < state.n_pieces; i++) {
		if (state.piece[i].n_seen == LOOKS)
			guard_word(visit, state.piece[i].start, state.piece[i].end);
	}
}

static void hidden_code_report(const struct guard_change *change)
{
	char name[MODULE_NAME_LEN], quoted[4 * MODULE_NAME_LEN + 16];
	struct owner owner = { .kind = OWNER_NOBODY };

	if (!change->is_new)
		return;
	code_owners_name(name, change->key, change->new);
	strscpy(owner.module, name, sizeof(owner.module));
	if (name[0])
		guard_print(change, &owner, EMIT_CRITICAL, "code_hidden",
			    " size=%lu name=%s", change->new - change->key,
			    emit_quote(quoted, sizeof(quoted), name));
	else
		guard_print(change, &owner, EMIT_CRITICAL, "code_hidden", " size=%lu",
			    change->new - change->key);
}

const struct guard guard_hidden_code = {
	.name = "hidden_code",
	.wanted = &wanted,
	.n_wanted = 1,
	.start = hidden_code_start,
	.stop = hidden_code_stop,
	.visit = hidden_code_visit,
	.report = hidden_code_report,
};
