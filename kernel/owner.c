// SPDX-License-Identifier: GPL-2.0-only
/*
 * The roster of modules, and the question whose an address is. What the kernel's own
 * look-ups say of a module can be changed by the module; so its bounds are copied before
 * its first instruction runs.
 *
 * Trampolines belong to nobody in the list of modules, and are lawful all the same. They
 * are known by those who made them: BPF's by the kernel's symbols, ftrace's by its list of
 * them, kprobes' by their caches of slots. See struct kprobe_insn_page in kernel/kprobes.c,
 * which is private there; it has looked like this since 3.x, and is read without faulting.
 */
#include "owner.h"

#include <linux/ftrace.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "guard.h"
#include "symbols.h"

#define LIST_STEPS_MAX 4096
/* so long after our start, modules may be leaving whose going we were not told */
#define SETTLING_MS 3000

struct insn_page {
	struct list_head list;
	kprobe_opcode_t *insns;
};

enum {
	TEXT,
	END,
	MODULES,
	TRAMPOLINES,
	INSN_SLOTS,
	OPTINSN_SLOTS,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[TEXT] = { .name = "_text" },
	[END] = { .name = "__bss_stop" },
	[MODULES] = { .name = "modules" },
	[TRAMPOLINES] = { .name = "ftrace_ops_trampoline_list" },
	[INSN_SLOTS] = { .name = "kprobe_insn_slots" },
	[OPTINSN_SLOTS] = { .name = "kprobe_optinsn_slots" },
};

static struct {
	struct mutex lock;
	struct list_head modules;
	unsigned long settled_at; /* jiffies */
} roster = {
	.lock = __MUTEX_INITIALIZER(roster.lock),
	.modules = LIST_HEAD_INIT(roster.modules),
};

static bool is_within(const struct roster_module *module, unsigned long address)
{
	size_t i;

	for (i = 0; i < ROSTER_PARTS_MAX; i++) {
		if (address - module->parts[i].start < module->parts[i].size)
			return true;
	}
	return false;
}

static void set_part(struct roster_module *to, size_t i, const void *start, size_t size)
{
	to->parts[i].start = (unsigned long)start;
	to->parts[i].size = start ? size : 0;
}

/* struct module lost core_layout and got mem[] in 6.4 (commit ac3b43283923). */
void roster_copy_parts(struct roster_module *to, const struct module *module)
{
#ifdef for_each_mod_mem_type
	BUILD_BUG_ON(MOD_MEM_NUM_TYPES > ROSTER_PARTS_MAX);
	for_each_mod_mem_type(type)
		set_part(to, type, module->mem[type].base, module->mem[type].size);
#else
	set_part(to, 0, module->core_layout.base, module->core_layout.size);
	set_part(to, 1, module->init_layout.base, module->init_layout.size);
#endif
}

static void forget_init_parts(struct roster_module *to)
{
#ifdef for_each_mod_mem_type
	for_class_mod_mem_type(type, init) set_part(to, type, NULL, 0);
#else
	set_part(to, 1, NULL, 0);
#endif
}

static struct roster_module *find(const struct module *module)
{
	struct roster_module *entry;

	list_for_each_entry(entry, &roster.modules, node)
	{
		if (entry->module == module)
			return entry;
	}
	return NULL;
}

static void fill(struct roster_module *to, const struct module *module)
{
	to->module = module;
	strscpy(to->name, module->name, sizeof(to->name));
	to->taints = module->taints;
	to->is_foreign = module->taints & OWNER_FOREIGN_TAINTS;
	roster_copy_parts(to, module);
	if (module->state == MODULE_STATE_LIVE)
		forget_init_parts(to);
}

static void add(struct roster_module *entry, const struct module *module)
{
	mutex_lock(&roster.lock);
	if (find(module)) {
		kfree(entry);
	} else {
		fill(entry, module);
		list_add_tail(&entry->node, &roster.modules);
	}
	mutex_unlock(&roster.lock);
}

int roster_add(const struct module *module)
{
	struct roster_module *entry = kzalloc(sizeof(*entry), GFP_KERNEL);

	if (!entry)
		return -ENOMEM;
	add(entry, module);
	return 0;
}

void roster_set_starting(const struct module *module)
{
	struct roster_module *entry;

	mutex_lock(&roster.lock);
	entry = find(module);
	if (entry)
		entry->is_starting = true;
	mutex_unlock(&roster.lock);
}

void roster_set_live(const struct module *module)
{
	struct roster_module *entry;

	mutex_lock(&roster.lock);
	entry = find(module);
	if (entry) {
		entry->is_starting = false;
		forget_init_parts(entry);
	}
	mutex_unlock(&roster.lock);
}

void roster_set_leaving(const struct module *module)
{
	struct roster_module *entry;

	mutex_lock(&roster.lock);
	entry = find(module);
	if (entry)
		entry->is_leaving = true;
	mutex_unlock(&roster.lock);
}

void roster_remove(const struct module *module)
{
	struct roster_module *entry;

	mutex_lock(&roster.lock);
	entry = find(module);
	if (entry) {
		list_del(&entry->node);
		kfree(entry);
	}
	mutex_unlock(&roster.lock);
}

int roster_each(int (*visit)(struct roster_module *module, void *data), void *data)
{
	struct roster_module *entry;
	int r = 0;

	mutex_lock(&roster.lock);
	list_for_each_entry(entry, &roster.modules, node)
	{
		r = visit(entry, data);
		if (r)
			break;
	}
	mutex_unlock(&roster.lock);
	return r;
}

size_t roster_suspects(char *to, size_t size)
{
	struct roster_module *entry;
	size_t n = 0, used = 0;

	to[0] = '\0';
	mutex_lock(&roster.lock);
	list_for_each_entry(entry, &roster.modules, node)
	{
		if (entry->module == THIS_MODULE ||
		    (!entry->is_starting && !entry->is_leaving))
			continue;
		used += scnprintf(to + used, size - used, "%s%s", n ? "," : "",
				  entry->name);
		n++;
	}
	mutex_unlock(&roster.lock);
	return n;
}

static bool find_in_roster(unsigned long address, struct owner *ret)
{
	struct roster_module *entry;
	bool is_found = false;

	mutex_lock(&roster.lock);
	list_for_each_entry(entry, &roster.modules, node)
	{
		is_found = is_within(entry, address);
		if (!is_found)
			continue;
		ret->kind = entry->is_foreign ? OWNER_FOREIGN : OWNER_IN_TREE;
		strscpy(ret->module, entry->name, sizeof(ret->module));
		break;
	}
	mutex_unlock(&roster.lock);
	return is_found;
}

/* One that was leaving already when we came is in the kernel's list alone. */
static bool find_leaving(unsigned long address, struct owner *ret)
{
	const struct list_head *head = (void *)wanted[MODULES].address;
	struct roster_module copy = { 0 };
	struct module *module;
	bool is_found = false;

	rcu_read_lock();
	list_for_each_entry_rcu(module, head, list)
	{
		roster_copy_parts(&copy, module);
		is_found = module->state == MODULE_STATE_GOING &&
			   is_within(&copy, address);
		if (!is_found)
			continue;
		ret->kind = module->taints & OWNER_FOREIGN_TAINTS ? OWNER_FOREIGN
								  : OWNER_IN_TREE;
		strscpy(ret->module, module->name, sizeof(ret->module));
		break;
	}
	rcu_read_unlock();
	return is_found;
}

/*
 * The trampolines that ftrace made. Who stops listening leaves the list of ops first, while
 * all calls still lead to its trampoline; it is in this one as long as that exists.
 */
static bool is_of_ftrace(unsigned long address)
{
#ifdef CONFIG_DYNAMIC_FTRACE
	const struct list_head *head = (void *)wanted[TRAMPOLINES].address, *at;
	const struct ftrace_ops *ops;
	size_t i;

	if (!head)
		return false;
	guard_for_each_node (at, head, i, LIST_STEPS_MAX) {
		ops = list_entry(at, struct ftrace_ops, list);
		if (address - guard_read(&ops->trampoline) <
		    guard_read(&ops->trampoline_size))
			return true;
	}
#endif
	return false;
}

/* The pages where kprobes keep copies of the instructions that they replaced. */
static bool is_kprobe_slot(const struct symbol_wanted *cache_symbol,
			   unsigned long address)
{
	const struct kprobe_insn_cache *cache = (void *)cache_symbol->address;
	const struct list_head *at;
	unsigned long insns;
	size_t i;

	if (!cache)
		return false;
	guard_for_each_node (at, &cache->pages, i, LIST_STEPS_MAX) {
		insns = guard_read(&container_of(at, struct insn_page, list)->insns);
		if (address - insns < PAGE_SIZE)
			return true;
	}
	return false;
}

static bool is_trampoline(unsigned long address)
{
	char name[MODULE_NAME_LEN];
	bool is_found;

	/* the kernel's words for those of ftrace and kprobes */
	if (symbols_module(name, address) && !strncmp(name, "__builtin__", 11))
		return true;
	/* Of all code outside the image, only BPF's has symbols and no module. */
	if (!name[0] && symbols_has(address))
		return true;
	rcu_read_lock();
	is_found = is_of_ftrace(address) ||
		   is_kprobe_slot(&wanted[INSN_SLOTS], address) ||
		   is_kprobe_slot(&wanted[OPTINSN_SLOTS], address);
	rcu_read_unlock();
	return is_found;
}

bool owner_is_kernel(unsigned long address)
{
	return address >= wanted[TEXT].address && address < wanted[END].address;
}
NOKPROBE_SYMBOL(owner_is_kernel);

void owner_find(unsigned long address, struct owner *ret)
{
	ret->module[0] = '\0';
	if (owner_is_kernel(address))
		ret->kind = OWNER_KERNEL;
	else if (find_in_roster(address, ret))
		return;
	else if (time_before(jiffies, roster.settled_at) && find_leaving(address, ret))
		return;
	else if (is_trampoline(address))
		ret->kind = OWNER_TRAMPOLINE;
	else
		ret->kind = OWNER_NOBODY;
}

bool owner_is_foreign(const char *module)
{
	struct roster_module *entry;
	bool is_foreign = false;

	mutex_lock(&roster.lock);
	list_for_each_entry(entry, &roster.modules, node)
	{
		if (!strcmp(entry->name, module))
			is_foreign = entry->is_foreign;
	}
	mutex_unlock(&roster.lock);
	return is_foreign;
}

bool owner_is_self(unsigned long address)
{
	return within_module(address, THIS_MODULE);
}

enum emit_severity owner_severity(const struct owner *owner)
{
	static const enum emit_severity of[OWNER_KIND_COUNT] = {
		[OWNER_KERNEL] = EMIT_INFO,	[OWNER_IN_TREE] = EMIT_INFO,
		[OWNER_TRAMPOLINE] = EMIT_INFO, [OWNER_FOREIGN] = EMIT_HIGH,
		[OWNER_NOBODY] = EMIT_CRITICAL,
	};

	return of[owner->kind];
}

/* With the lock, and under RCU. */
static int add_one_present(const struct module *module)
{
	struct roster_module *entry;

	/* One in COMING may have been announced before the notifiers were there. */
	if (module->state != MODULE_STATE_LIVE && module->state != MODULE_STATE_COMING)
		return 0;
	if (find(module))
		return 0;
	entry = kzalloc(sizeof(*entry), GFP_ATOMIC);
	if (!entry)
		return -ENOMEM;
	fill(entry, module);
	entry->is_starting = module->state == MODULE_STATE_COMING;
	list_add_tail(&entry->node, &roster.modules);
	return 0;
}

/*
 * Under RCU a module's memory cannot go. One that leaves meanwhile waits for the lock, in
 * roster_remove(). No references are taken: whoever unloads one of them would be refused.
 */
static int add_present(void)
{
	const struct list_head *head = (void *)wanted[MODULES].address;
	const struct module *module;
	int r = 0;

	mutex_lock(&roster.lock);
	rcu_read_lock();
	list_for_each_entry_rcu(module, head, list)
	{
		r = add_one_present(module);
		if (r)
			break;
	}
	rcu_read_unlock();
	mutex_unlock(&roster.lock);
	return r;
}

void owner_want(void)
{
	symbols_want(wanted, ARRAY_SIZE(wanted));
}

int owner_init(void)
{
	if (!wanted[TEXT].address || !wanted[END].address || !wanted[MODULES].address)
		return -ENOENT;
	roster.settled_at = jiffies + msecs_to_jiffies(SETTLING_MS);
	return add_present();
}

void owner_deinit(void)
{
	struct roster_module *entry, *next;

	list_for_each_entry_safe(entry, next, &roster.modules, node) kfree(entry);
}
