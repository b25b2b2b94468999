// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has code besides the kernel image:
 *
 *	modules		of the roster, and those that are just being loaded or freed
 *	BPF		programs and trampolines that have symbols; packs, in which programs
 *			lie side by side; pages of struct_ops maps
 *	Hyper-V		its page of hypercalls
 *
 * Slots of kprobes and trampolines of ftrace are known to owner.c. Two things belong to
 * nobody who could be asked, and are known by what they are: programs of classic BPF where
 * each has pages of its own, and pages with nothing but breakpoints and jumps to where a
 * register says, which are the kernel's own against attacks on branch prediction.
 */
#include "code_owners.h"

#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/idr.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "guard.h"
#include "owner.h"
#include "symbols.h"

#define RANGES_MAX     16384
#define LIST_STEPS_MAX RANGES_MAX
/* BPF_MAXINSNS instructions of at most 64 bytes each */
#define CLASSIC_BPF_MAX SZ_256K
#define MAP_WORDS	64
#define BREAKPOINT	0xcc
#define BEGINNING_SIZE	9
/*
 * Whose module is UNFORMED has no code that may run yet, and a load takes seconds where the
 * machine is slow. But a module may hide as such.
 */
#define FORMING_MAX   16
#define FORMING_MAX_S 4
/* How far from its code a struct module may lie */
#define NAME_DISTANCE SZ_16M

/* The beginning of struct bpf_prog_pack of kernel/bpf/core.c; read without faulting. */
struct pack_head {
	struct list_head list;
	void *memory;
};

#define PACK_SIZE ((unsigned long)SZ_2M * num_possible_nodes())

struct code_range {
	unsigned long start;
	unsigned long end;
};

enum {
	MODULES,
	BPF_SYMBOLS,
	BPF_PACKS,
	BPF_MAPS,
	HYPERCALLS,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[MODULES] = { .name = "modules" },
	[BPF_SYMBOLS] = { .name = "bpf_kallsyms" },
	[BPF_PACKS] = { .name = "pack_list" },
	[BPF_MAPS] = { .name = "map_idr" },
	[HYPERCALLS] = { .name = "hv_hypercall_pg" },
};

/*
 * a module that is UNFORMED
 * @since: when a walk saw it first, in jiffies
 * @is_seen: in this walk
 */
struct forming {
	const struct module *module;
	unsigned long since;
	bool is_seen;
};

static struct {
	struct forming forming[FORMING_MAX];
	struct code_range *range; /* RANGES_MAX of them */
	size_t n;		  /* of those that found no room, too */
	size_t next;		  /* the cursor of code_owners_find() */
	u8 *page;
} state;

void code_owners_want(void)
{
	symbols_want(wanted, ARRAY_SIZE(wanted));
}

int code_owners_start(void)
{
	if (!wanted[MODULES].address)
		return -ENOENT;
	state.page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	state.range = kvmalloc_array(RANGES_MAX, sizeof(*state.range), GFP_KERNEL);
	if (state.page && state.range)
		return 0;
	code_owners_stop();
	return -ENOMEM;
}

void code_owners_stop(void)
{
	kfree(state.page);
	kvfree(state.range);
}

static void add(unsigned long start, unsigned long size)
{
	if (!start || !size)
		return;
	if (state.n < RANGES_MAX)
		state.range[state.n] = (struct code_range){
			.start = start & PAGE_MASK,
			.end = PAGE_ALIGN(start + size),
		};
	state.n++;
}

static int add_of_roster(struct roster_module *module, void *unused)
{
	size_t i;

	for (i = 0; i < ROSTER_PARTS_MAX; i++)
		add(module->parts[i].start, module->parts[i].size);
	return 0;
}

static void add_parts_of(const struct module *module)
{
	struct roster_module copy = { 0 };

	roster_copy_parts(&copy, module);
	(void)add_of_roster(&copy, NULL); /* always 0 */
}

/* struct module lost core_layout and got mem[] in 6.4 (commit ac3b43283923). */
#ifdef for_each_mod_mem_type
#define TEXT_BASE mem[MOD_TEXT].base
#define TEXT_SIZE mem[MOD_TEXT].size
#else
#define TEXT_BASE core_layout.base
#define TEXT_SIZE core_layout.size
#endif

/* In this walk for the first time, or not for long. It is told by its address alone. */
static bool is_forming(const struct module *module)
{
	struct forming *free = NULL;
	size_t i;

	for (i = 0; i < FORMING_MAX; i++) {
		struct forming *one = &state.forming[i];

		if (one->module == module) {
			one->is_seen = true;
			return time_before(jiffies, one->since + FORMING_MAX_S * HZ);
		}
		if (!one->module)
			free = one;
	}
	if (free)
		*free = (struct forming){ module, jiffies, true };
	return free;
}

static void forget_formed(void)
{
	size_t i;

	for (i = 0; i < FORMING_MAX; i++) {
		if (!state.forming[i].is_seen)
			state.forming[i].module = NULL;
		state.forming[i].is_seen = false;
	}
}

/*
 * Those that the roster has not yet, or no longer. At the start, of all: one that had become
 * LIVE before we came may have its init memory still, as long as our notifier lets it wait.
 */
static void add_listed(bool is_start)
{
	const struct list_head *head = (void *)wanted[MODULES].address, *at;
	const struct module *module;
	enum module_state module_state;
	size_t i;

	rcu_read_lock();
	guard_for_each_node (at, head, i, LIST_STEPS_MAX) {
		module = list_entry(at, struct module, list);
		if (get_kernel_nofault(module_state, &module->state))
			continue;
		if (module_state == MODULE_STATE_COMING ||
		    module_state == MODULE_STATE_GOING ||
		    (is_start && module_state == MODULE_STATE_LIVE) ||
		    (module_state == MODULE_STATE_UNFORMED && is_forming(module)))
			add_parts_of(module);
	}
	rcu_read_unlock();
	forget_formed();
}

static void add_bpf_symbols(void)
{
	const struct list_head *head = (void *)wanted[BPF_SYMBOLS].address, *at;
	const struct bpf_ksym *symbol;
	unsigned long start;
	size_t i;

	if (!head)
		return;
	rcu_read_lock();
	guard_for_each_node (at, head, i, LIST_STEPS_MAX) {
		symbol = list_entry(at, struct bpf_ksym, lnode);
		start = guard_read(&symbol->start);
		add(start, guard_read(&symbol->end) - start);
	}
	rcu_read_unlock();
}

static void add_bpf_packs(void)
{
	const struct list_head *head = (void *)wanted[BPF_PACKS].address, *at;
	size_t i;

	if (!head)
		return;
	guard_for_each_node (at, head, i, LIST_STEPS_MAX)
		add(guard_read(&list_entry(at, struct pack_head, list)->memory),
		    PACK_SIZE);
}

static int compare(const void *a, const void *b)
{
	const struct code_range *one = a, *other = b;

	return one->start < other->start ? -1 : one->start > other->start;
}

int code_owners_collect(bool is_start)
{
	state.n = state.next = 0;
	(void)roster_each(add_of_roster, NULL); /* no visit ends it */
	add_listed(is_start);
	add_bpf_symbols();
	add_bpf_packs();
	if (wanted[HYPERCALLS].address)
		add(guard_read((void *)wanted[HYPERCALLS].address), PAGE_SIZE);
	if (state.n > RANGES_MAX)
		return -ENOSPC;
	sort(state.range, state.n, sizeof(*state.range), compare, NULL);
	return 0;
}

/* One range may lie in another: what ends before @start is of no use any more. */
bool code_owners_find(unsigned long *start, unsigned long end, unsigned long *ret_end)
{
	const struct code_range *range;
	size_t i;

	while (state.next < state.n && state.range[state.next].end <= *start)
		state.next++;
	for (i = state.next; i < state.n && state.range[i].start <= *start; i++) {
		range = &state.range[i];
		*start = max(*start, range->end);
		if (*start >= end)
			return false;
	}
	*ret_end = i < state.n ? min(end, state.range[i].start) : end;
	return true;
}

/* Length of a jmp *%register, or 0 */
static size_t jump_size(const u8 *code, size_t size)
{
	size_t prefix = size && code[0] == 0x41;

	if (size < prefix + 2 || code[prefix] != 0xff ||
	    (code[prefix + 1] & 0xf8) != 0xe0)
		return 0;
	return prefix + 2;
}

/* Is there nothing in the page that could do anything? */
static bool is_harmless(const u8 *page)
{
	size_t size, i = 0;

	while (i < PAGE_SIZE) {
		if (page[i] == BREAKPOINT || !page[i]) {
			i++;
			continue;
		}
		size = jump_size(page + i, PAGE_SIZE - i);
		if (!size)
			return false;
		i += size;
	}
	return true;
}

/* push %rbp; mov %rsp,%rbp, behind five bytes of nop: up to 5.12 whichever the CPU likes */
static bool is_beginning(const u8 *code)
{
	static const u8 nops[][5] = {
		{ 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x66, 0x66, 0x66, 0x66, 0x90 },
		{ 0x3e, 0x8d, 0x74, 0x26, 0x00 },
	};
	static const u8 frame[] = { 0x55, 0x48, 0x89, 0xe5 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nops); i++) {
		if (!memcmp(code, nops[i], sizeof(nops[i])))
			return !memcmp(code + sizeof(nops[i]), frame, sizeof(frame));
	}
	return false;
}

/*
 * A header with the size (in pages up to 5.17, then in bytes), breakpoints up to a random
 * place, and there the beginning that all programs of classic BPF have.
 */
static bool is_classic_bpf(const u8 *page, unsigned long size)
{
	u32 said;
	size_t i;

	memcpy(&said, page, sizeof(said));
	if (said != size && said != size / PAGE_SIZE)
		return false;
	for (i = sizeof(said); i < PAGE_SIZE && page[i] == BREAKPOINT; i++)
		;
	return i + BEGINNING_SIZE <= PAGE_SIZE && is_beginning(page + i);
}

/* A struct_ops map is an ordinary one at first; the address of its page stands behind. */
static bool is_of_map(const struct bpf_map *map, unsigned long page)
{
	enum bpf_map_type type;
	size_t i;

	if (get_kernel_nofault(type, &map->map_type) || type != BPF_MAP_TYPE_STRUCT_OPS)
		return false;
	for (i = 0; i < MAP_WORDS; i++) {
		if (guard_read((const unsigned long *)(map + 1) + i) == page)
			return true;
	}
	return false;
}

static bool is_of_struct_ops(unsigned long page)
{
	struct idr *maps = (void *)wanted[BPF_MAPS].address;
	const struct bpf_map *map;
	bool is_found = false;
	int id = 0;

	if (!maps)
		return false;
	rcu_read_lock();
	for (; !is_found && (map = idr_get_next(maps, &id)); id++)
		is_found = is_of_map(map, page);
	rcu_read_unlock();
	return is_found;
}

bool code_owners_know(unsigned long page, unsigned long start, unsigned long end)
{
	struct owner owner;

	owner_find(page, &owner);
	if (owner.kind != OWNER_NOBODY)
		return true;
	if (copy_from_kernel_nofault(state.page, (void *)page, PAGE_SIZE))
		return true; /* it is gone already */
	if (is_harmless(state.page) || is_of_struct_ops(page))
		return true;
	/* Programs are not in packs on such a kernel. Of several pages, the first one tells. */
	return !wanted[BPF_PACKS].address && start >= MODULES_VADDR &&
	       end - start <= CLASSIC_BPF_MAX &&
	       !copy_from_kernel_nofault(state.page, (void *)start, PAGE_SIZE) &&
	       is_classic_bpf(state.page, end - start);
}

static bool is_name(const char *name)
{
	size_t i;

	for (i = 0; i < MODULE_NAME_LEN && name[i]; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	}
	return i && i < MODULE_NAME_LEN;
}

/* Is there a module whose word for its code stands there? */
static bool name_by(char to[MODULE_NAME_LEN], const u8 *word, unsigned long size)
{
	const struct module *module = (void *)(word - offsetof(struct module, TEXT_BASE));
	unsigned int text_size;

	if (get_kernel_nofault(text_size, &module->TEXT_SIZE) || text_size < size / 2 ||
	    PAGE_ALIGN(text_size) < size)
		return false;
	if (!copy_from_kernel_nofault(to, module->name, MODULE_NAME_LEN) && is_name(to))
		return true;
	/* It may have forgotten only one of its names. */
	(void)emit_copy(to, MODULE_NAME_LEN,
			(char *)guard_read(&module->mkobj.kobj.name));
	return is_name(to);
}

static bool name_in_page(char to[MODULE_NAME_LEN], unsigned long page,
			 unsigned long start, unsigned long size)
{
	const unsigned long *words = (void *)state.page;
	size_t i;

	if (copy_from_kernel_nofault(state.page, (void *)page, PAGE_SIZE))
		return false;
	for (i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
		if (words[i] == start && name_by(to, (u8 *)page + 8 * i, size))
			return true;
	}
	return false;
}

void code_owners_name(char to[MODULE_NAME_LEN], unsigned long start, unsigned long end)
{
	unsigned long distance;

	for (distance = 0; distance < NAME_DISTANCE; distance += PAGE_SIZE) {
		if (name_in_page(to, end + distance, start, end - start) ||
		    name_in_page(to, start - distance, start, end - start))
			return;
		cond_resched();
	}
	to[0] = '\0';
}
