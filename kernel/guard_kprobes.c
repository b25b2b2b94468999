// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is called by kprobes, from the kernel's own table: what was there before us, what got
 * in without register_kprobe(), and handlers that are exchanged later. What is registered
 * lawfully while we watch is sensor_kprobes.c's to tell. A key is the address of a struct
 * kprobe and which handler of it, a value the handler.
 *
 * Several kprobes at one address are one in the table, with a list of them.
 */
#include "guard.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "kprobe_table.h"

#define AT_ONE_ADDRESS_MAX 1024

enum {
	AGGREGATE_HANDLER,
	KRETPROBE_HANDLER,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[AGGREGATE_HANDLER] = { .name = "aggr_pre_handler" },
	[KRETPROBE_HANDLER] = { .name = "pre_handler_kretprobe" },
};

/* In the lowest bits of a key. */
enum part {
	PRE,
	POST,
	RETURN,
	ENTRY,
	PART_MASK = 3
};

static void visit_handler(struct guard_visit *visit, const struct kprobe *probe,
			  enum part part, unsigned long handler)
{
	if (handler)
		guard_word(visit, (unsigned long)probe | part, handler);
}

static void visit_one(struct guard_visit *visit, const struct kprobe *probe)
{
	const struct kretprobe *kretprobe = container_of(probe, struct kretprobe, kp);
	unsigned long pre = guard_read(&probe->pre_handler);

	visit_handler(visit, probe, POST, guard_read(&probe->post_handler));
	if (!pre || pre != wanted[KRETPROBE_HANDLER].address) {
		visit_handler(visit, probe, PRE, pre);
		return;
	}
	visit_handler(visit, probe, RETURN, guard_read(&kretprobe->handler));
	visit_handler(visit, probe, ENTRY, guard_read(&kretprobe->entry_handler));
}

static void visit_probe(const struct kprobe *where, const struct kprobe *copy, void *data)
{
	const struct list_head *at = copy->list.next;
	struct guard_visit *visit = data;
	size_t i;

	if ((unsigned long)copy->pre_handler != wanted[AGGREGATE_HANDLER].address) {
		visit_one(visit, where);
		return;
	}
	for (i = 0; at && at != &where->list && i < AT_ONE_ADDRESS_MAX; i++) {
		visit_one(visit, container_of(at, struct kprobe, list));
		at = (void *)guard_read(&at->next);
	}
}

static void kprobes_visit(struct guard_visit *visit)
{
	kprobe_table_each(visit_probe, visit);
}

static const struct kprobe *probe_of(const struct guard_change *change)
{
	return (void *)(change->key & ~(unsigned long)PART_MASK);
}

/* Of the handler, or else of the struct. */
static void find_owner(struct owner *ret, const struct guard_change *change)
{
	struct owner owner;

	owner_find(change->new, ret);
	if (owner_severity(ret) > EMIT_INFO)
		return;
	owner_find((unsigned long)probe_of(change), &owner);
	if (owner.kind == OWNER_FOREIGN)
		*ret = owner;
}

static bool is_told(const struct guard_change *change, const struct owner *owner)
{
	return change->is_new && change->who->occasion != GUARD_START &&
	       owner->kind != OWNER_NOBODY &&
	       kprobe_table_is_noted((unsigned long)probe_of(change));
}

/* room to put a report together; too big for a stack */
struct probe_names {
	char name[SYMBOLS_NAME_SIZE];
	char symbol[EMIT_ESCAPED_SIZE];
	char new[EMIT_ESCAPED_SIZE];
};

/* As it was asked for, if that was by name. */
static void name_place(char *to, const struct kprobe *probe)
{
	const char *name = (void *)guard_read(&probe->symbol_name);
	unsigned int offset = 0;

	if (!name) {
		symbols_describe(to, guard_read(&probe->addr));
		return;
	}
	emit_copy_text(to, name);
	(void)get_kernel_nofault(offset, &probe->offset);
	if (offset)
		scnprintf(to + strlen(to), SYMBOLS_NAME_SIZE - strlen(to), "+0x%x",
			  offset);
}

static void tell(const struct guard_change *change, const struct owner *owner)
{
	struct probe_names *names = kmalloc(sizeof(*names), GFP_KERNEL);

	if (!names) {
		photon_records_lost(1, "memory");
		return;
	}
	name_place(names->name, probe_of(change));
	emit_quote(names->symbol, sizeof(names->symbol), names->name);
	guard_print(change, owner, owner_severity(owner), "kprobe_registered",
		    " symbol=%s new=%s", names->symbol,
		    guard_quote_address(names->new, names->name, change->new));
	kfree(names);
}

static void kprobes_report(const struct guard_change *change)
{
	struct owner owner;

	if (change->is_gone || owner_is_self(change->new) ||
	    owner_is_self((unsigned long)probe_of(change)))
		return;
	find_owner(&owner, change);
	if (owner_severity(&owner) > EMIT_INFO && !is_told(change, &owner))
		tell(change, &owner);
}

static int kprobes_start(void)
{
	return kprobe_table_is_known() ? 0 : -ENOENT;
}

const struct guard guard_kprobes = {
	.name = "kprobes",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = kprobes_start,
	.visit = kprobes_visit,
	.report = kprobes_report,
};
