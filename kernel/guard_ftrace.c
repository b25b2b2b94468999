// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is called by ftrace at the entry of functions: the list of ops, from the kernel's own
 * memory and not from the tracefs file that can be filtered; the direct calls; and the
 * function graph's. A key is an address and what of it is meant, see key_of().
 *
 * Private to the kernel, and read without faulting: struct ftrace_hash and struct
 * ftrace_func_entry (kernel/trace/trace.h since 3.x, the same from 5.10 to 7.3),
 * fgraph_array (kernel/trace/fgraph.c since 6.11), and fprobe_table
 * (kernel/trace/fprobe.c), which has the fprobes since they are no ops of their own.
 */
#include "guard.h"

#include <linux/errno.h>
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>
#ifdef CONFIG_FPROBE
#include <linux/fprobe.h>
#ifdef PHOTON_FPROBE_HAS_OPS
#define FPROBES_ARE_OPS
#else
#define FPROBES_ARE_IN_TABLE
#endif
#endif

#define OPS_MAX		  4096
#define FPROBES_MAX	  4096
#define FPROBE_CHAINS_MAX 1024
#define BUCKETS_MAX	  4096
#define HASH_STEPS_MAX	  65536
#define FGRAPH_ARRAY_SIZE 16
#define NAMES_MAX	  3

enum {
	OPS_LIST,
	DIRECT_FUNCTIONS,
	FGRAPH_ARRAY,
	GRAPH_ENTRY,
	GRAPH_ENTRY_INNER,
	GRAPH_RETURN,
	TRACE_FUNCTION,
	POINTERS_FIRST = GRAPH_ENTRY,
	POINTERS_LAST = TRACE_FUNCTION,
	/* lawful, and busy for others who are told of elsewhere */
	KPROBE_HANDLER,
	DIRECT_HANDLER,
	LIST_END,
	FPROBE_HANDLER,
	FPROBE_KPROBE_HANDLER,
	FPROBE_TABLE,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[OPS_LIST] = { .name = "ftrace_ops_list" },
	[DIRECT_FUNCTIONS] = { .name = "direct_functions" },
	[FGRAPH_ARRAY] = { .name = "fgraph_array" },
	[GRAPH_ENTRY] = { .name = "ftrace_graph_entry" },
	[GRAPH_ENTRY_INNER] = { .name = "__ftrace_graph_entry" },
	[GRAPH_RETURN] = { .name = "ftrace_graph_return" },
	[TRACE_FUNCTION] = { .name = "ftrace_trace_function" },
	[KPROBE_HANDLER] = { .name = "kprobe_ftrace_handler" },
	[DIRECT_HANDLER] = { .name = "call_direct_funcs" },
	[LIST_END] = { .name = "ftrace_list_end" },
	[FPROBE_HANDLER] = { .name = "fprobe_handler" },
	[FPROBE_KPROBE_HANDLER] = { .name = "fprobe_kprobe_handler" },
	[FPROBE_TABLE] = { .name = "fprobe_table" },
};

enum part {
	OPS_FUNC,
	OPS_SAVED_FUNC, /* if it is another one: what the kernel put itself before */
	OPS_FILTER, /* value: where the set of functions is; each change makes a new one */
	FPROBE_ENTRY,
	FPROBE_EXIT,
	DIRECT,	 /* address: of the function, value: what is called */
	POINTER, /* address: of a variable */
};

#ifdef CONFIG_DYNAMIC_FTRACE

struct hash {
	unsigned long size_bits;
	struct hlist_head *buckets;
	unsigned long count;
};

struct hash_entry {
	struct hlist_node node;
	unsigned long ip;
	unsigned long direct;
};

/* The upper bits of the kernel's addresses are all ones, so three can be spared. */
static unsigned long key_of(const void *address, enum part part)
{
	return (unsigned long)address << 3 | part;
}

static enum part part_of(unsigned long key)
{
	return key & 7;
}

static const void *address_of(unsigned long key)
{
	return (void *)((long)key >> 3);
}

/* Return: whether to go on */
typedef bool (*entry_visitor)(const struct hash_entry *entry, void *data);

static void hash_each(const struct hash *hash, entry_visitor visit, void *data)
{
	const struct hlist_head *buckets = (void *)guard_read(&hash->buckets);
	size_t i, steps = 0, bits = guard_read(&hash->size_bits);
	const struct hash_entry *entry;

	if (!buckets || bits > ilog2(BUCKETS_MAX))
		return;
	for (i = 0; i < 1UL << bits; i++) {
		entry = (void *)guard_read(&buckets[i].first);
		for (; entry && steps < HASH_STEPS_MAX; steps++) {
			if (!visit(entry, data))
				return;
			entry = (void *)guard_read(&entry->node.next);
		}
	}
}

static const struct hash *filter_of(const struct ftrace_ops *ops)
{
	const struct ftrace_ops_hash *hashes = (void *)guard_read(&ops->func_hash);

	return hashes ? (void *)guard_read(&hashes->filter_hash) : NULL;
}

#ifdef CONFIG_FPROBE
/*
 * An fprobe may be in allocated memory: all that tells whose it is are its handlers.
 * @where: what name_symbols() finds its functions by
 */
static void visit_fprobe(struct guard_visit *visit, const void *where,
			 const struct fprobe *fprobe)
{
	guard_word(visit, key_of(where, FPROBE_ENTRY),
		   guard_read(&fprobe->entry_handler));
	guard_word(visit, key_of(where, FPROBE_EXIT), guard_read(&fprobe->exit_handler));
}
#endif

static void visit_fprobe_of(struct guard_visit *visit, const struct ftrace_ops *ops,
			    unsigned long func)
{
#ifdef FPROBES_ARE_OPS
	if (func && (func == wanted[FPROBE_HANDLER].address ||
		     func == wanted[FPROBE_KPROBE_HANDLER].address))
		visit_fprobe(visit, ops, container_of(ops, struct fprobe, ops));
#endif
}

static void visit_fprobes(struct guard_visit *visit)
{
#ifdef FPROBES_ARE_IN_TABLE
	const struct hlist_head *chains = (void *)wanted[FPROBE_TABLE].address;
	size_t i, steps = 0, n = wanted[FPROBE_TABLE].size / sizeof(*chains);
	const struct fprobe_hlist *at;
	const struct fprobe *fprobe;
	struct hlist_node *node;

	for (i = 0; chains && i < min_t(size_t, n, FPROBE_CHAINS_MAX); i++) {
		node = (void *)guard_read(&chains[i].first);
		for (; node && steps < FPROBES_MAX; steps++) {
			at = container_of(node, struct fprobe_hlist, hlist);
			fprobe = (void *)guard_read(&at->fp);
			if (fprobe)
				visit_fprobe(visit, fprobe, fprobe);
			node = (void *)guard_read(&node->next);
		}
	}
#endif
}

static void visit_ops(struct guard_visit *visit, const struct ftrace_ops *ops)
{
	unsigned long func = guard_read(&ops->func);
	unsigned long saved_func = guard_read(&ops->saved_func);

	guard_word(visit, key_of(ops, OPS_FUNC), func);
	if (saved_func && saved_func != func)
		guard_word(visit, key_of(ops, OPS_SAVED_FUNC), saved_func);
	guard_word(visit, key_of(ops, OPS_FILTER), (unsigned long)filter_of(ops));
	visit_fprobe_of(visit, ops, func);
}

static void visit_list(struct guard_visit *visit)
{
	const struct ftrace_ops *ops = (void *)guard_read(
		(void *)wanted[OPS_LIST].address);
	size_t i;

	for (i = 0; i < OPS_MAX; i++) {
		if (!ops || (unsigned long)ops == wanted[LIST_END].address)
			break;
		visit_ops(visit, ops);
		ops = (void *)guard_read(&ops->next);
	}
}

static bool visit_direct(const struct hash_entry *entry, void *visit)
{
	guard_word(visit, key_of((void *)guard_read(&entry->ip), DIRECT),
		   guard_read(&entry->direct));
	return true;
}

static void visit_fgraph(struct guard_visit *visit)
{
	struct fgraph_ops *const *slots = (void *)wanted[FGRAPH_ARRAY].address;
	const struct fgraph_ops *ops;
	size_t i;

	if (!slots || wanted[FGRAPH_ARRAY].size < FGRAPH_ARRAY_SIZE * sizeof(*slots))
		return;
	for (i = 0; i < FGRAPH_ARRAY_SIZE; i++) {
		ops = (void *)guard_read(&slots[i]);
		if (!ops)
			continue;
		guard_word(visit, key_of(&ops->entryfunc, POINTER),
			   guard_read(&ops->entryfunc));
		guard_word(visit, key_of(&ops->retfunc, POINTER),
			   guard_read(&ops->retfunc));
	}
}

static void ftrace_visit(struct guard_visit *visit)
{
	const unsigned long *direct = (void *)wanted[DIRECT_FUNCTIONS].address;
	const unsigned long *pointer;
	size_t i;

	/* What is taken out of the list is freed after every CPU has been preemptible. */
	preempt_disable();
	visit_list(visit);
	if (direct)
		hash_each((void *)guard_read(direct), visit_direct, visit);
	visit_fgraph(visit);
	visit_fprobes(visit);
	preempt_enable();
	for (i = POINTERS_FIRST; i <= POINTERS_LAST; i++) {
		pointer = (void *)wanted[i].address;
		if (pointer)
			guard_word(visit, key_of(pointer, POINTER), guard_read(pointer));
	}
}

/* room to put a report together; too big for a stack */
struct hook {
	struct owner owner;
	unsigned long count;
	size_t n_names;
	size_t used;
	char names[EMIT_ESCAPED_SIZE];
	char name[SYMBOLS_NAME_SIZE];
	char symbols[EMIT_ESCAPED_SIZE];
	char new[EMIT_ESCAPED_SIZE];
};

/* The place that is called from is some bytes into the function, behind its ENDBR. */
static void name_function(struct hook *hook, unsigned long ip)
{
	char *plus;

	symbols_describe(hook->name, ip);
	plus = strrchr(hook->name, '+');
	if (plus)
		*plus = '\0';
	hook->used += scnprintf(hook->names + hook->used,
				sizeof(hook->names) - hook->used, "%s%s",
				hook->n_names ? "," : "", hook->name);
	hook->n_names++;
}

static bool name_entry(const struct hash_entry *entry, void *data)
{
	struct hook *hook = data;

	name_function(hook, guard_read(&entry->ip));
	return hook->n_names < NAMES_MAX;
}

static void name_filter(struct hook *hook, const struct ftrace_ops *ops)
{
	const struct hash *filter = filter_of(ops);

	hook->count = filter ? guard_read(&filter->count) : 0;
	if (hook->count)
		hash_each(filter, name_entry, hook);
	else
		strscpy(hook->names, "*", sizeof(hook->names)); /* all functions */
}

#ifdef FPROBES_ARE_IN_TABLE
static void name_places(struct hook *hook, const struct fprobe *fprobe)
{
	const struct fprobe_hlist *places = (void *)guard_read(&fprobe->hlist_array);
	int i, n = 0;

	(void)get_kernel_nofault(n, &places->size);
	hook->count = n;
	for (i = 0; i < n && i < NAMES_MAX; i++)
		name_function(hook, guard_read(&places->array[i].addr));
}
#endif

static void name_symbols(struct hook *hook, unsigned long key)
{
	switch (part_of(key)) {
#ifdef FPROBES_ARE_IN_TABLE
	case FPROBE_ENTRY:
	case FPROBE_EXIT:
		name_places(hook, address_of(key));
		break;
#endif
	case DIRECT:
		hook->count = 1;
		name_function(hook, (unsigned long)address_of(key));
		break;
	case POINTER:
		symbols_describe(hook->name, (unsigned long)address_of(key));
		strscpy(hook->names, "*", sizeof(hook->names));
		break;
	default:
		name_filter(hook, address_of(key));
	}
	emit_quote(hook->symbols, sizeof(hook->symbols), hook->names);
}

/* Of the function that is called, or else of the struct that asks for it. */
static void find_owner(struct owner *ret, unsigned long func, unsigned long key)
{
	struct owner owner;

	owner_find(func, ret);
	if (owner_severity(ret) > EMIT_INFO)
		return;
	owner_find((unsigned long)address_of(key), &owner);
	if (owner.kind == OWNER_FOREIGN)
		*ret = owner;
}

static unsigned long func_of(const struct guard_change *change)
{
	const struct ftrace_ops *ops = address_of(change->key);

	if (part_of(change->key) == OPS_FILTER)
		return guard_read(&ops->func);
	return change->new;
}

static bool is_ours(const struct guard_change *change, unsigned long func)
{
	return owner_is_self(func) ||
	       (part_of(change->key) <= FPROBE_EXIT &&
		owner_is_self((unsigned long)address_of(change->key)));
}

/* Of what is lawful: only who traces functions, and not how it goes on. */
static bool is_worth_telling(const struct guard_change *change, unsigned long func)
{
	return part_of(change->key) == OPS_FUNC && change->who->occasion != GUARD_START &&
	       func != wanted[KPROBE_HANDLER].address &&
	       func != wanted[DIRECT_HANDLER].address;
}

static void ftrace_report(const struct guard_change *change)
{
	bool is_second_word = change->is_new && part_of(change->key) == OPS_FILTER;
	unsigned long func = func_of(change);
	enum emit_severity severity;
	struct hook *hook;

	if (change->is_gone || !func || is_second_word || is_ours(change, func))
		return;
	hook = kzalloc(sizeof(*hook), GFP_KERNEL);
	if (!hook) {
		photon_records_lost(1, "memory");
		return;
	}
	find_owner(&hook->owner, func, change->key);
	severity = owner_severity(&hook->owner);
	if (severity > EMIT_INFO || is_worth_telling(change, func)) {
		name_symbols(hook, change->key);
		symbols_describe(hook->name, func);
		guard_print(change, &hook->owner, severity, "ftrace_hook",
			    " symbol=%s count=%lu new=%s", hook->symbols, hook->count,
			    emit_quote(hook->new, sizeof(hook->new), hook->name));
	}
	kfree(hook);
}

static int ftrace_start(void)
{
	return wanted[OPS_LIST].address ? 0 : -ENOENT;
}

#else /* nothing is hooked by a kernel without it */

static int ftrace_start(void)
{
	return -ENOENT;
}

static void ftrace_visit(struct guard_visit *visit)
{
}

static void ftrace_report(const struct guard_change *change)
{
}

#endif

const struct guard guard_ftrace = {
	.name = "ftrace",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = ftrace_start,
	.visit = ftrace_visit,
	.report = ftrace_report,
};
