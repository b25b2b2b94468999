// SPDX-License-Identifier: GPL-2.0-only
/*
 * kprobe_table in kernel/kprobes.c: 64 chains by the hash of the address, since 2.6.9.
 * struct kprobe is public, so only the length of the table is ours to know; the symbol's
 * size tells it.
 */
#include "kprobe_table.h"

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/uaccess.h>

#include "guard.h"
#include "symbols.h"

#define CHAINS	  64
#define STEPS_MAX 65536

#define NOTED_MAX	512
#define ASKED_WAITS_MAX 20
#define ASKED_WAIT_MS	10

/* in the lowest bit of a note */
#define IS_ASKED 1UL

static struct {
	atomic_t next;
	unsigned long probes[NOTED_MAX];
} noted;

static struct symbol_wanted table = { .name = "kprobe_table" };

void kprobe_table_want(void)
{
	symbols_want(&table, 1);
}

bool kprobe_table_is_known(void)
{
	return table.address && table.size >= CHAINS * sizeof(struct hlist_head);
}

void kprobe_table_each(void (*visit)(const struct kprobe *where,
				     const struct kprobe *copy, void *data),
		       void *data)
{
	const struct hlist_head *chains = (void *)table.address;
	const struct kprobe *at;
	struct kprobe copy;
	unsigned long node;
	size_t i, n = 0;

	if (!kprobe_table_is_known())
		return;
	preempt_disable();
	for (i = 0; i < CHAINS; i++) {
		node = guard_read(&chains[i].first);
		for (; node && n < STEPS_MAX; n++) {
			at = container_of((struct hlist_node *)node, struct kprobe,
					  hlist);
			if (copy_from_kernel_nofault(&copy, at, sizeof(copy)))
				break;
			visit(at, &copy, data);
			node = (unsigned long)copy.hlist.next;
		}
	}
	preempt_enable();
}

struct search {
	unsigned long address;
	bool is_found;
};

static void match(const struct kprobe *where, const struct kprobe *copy, void *data)
{
	struct search *search = data;

	if ((unsigned long)copy->addr == search->address)
		search->is_found = true;
}

bool kprobe_table_has(unsigned long address)
{
	struct search search = { .address = address };

	kprobe_table_each(match, &search);
	return search.is_found;
}

unsigned int kprobe_table_note_asked(unsigned long probe)
{
	unsigned int place = (unsigned int)atomic_inc_return(&noted.next) % NOTED_MAX;

	WRITE_ONCE(noted.probes[place], probe | IS_ASKED);
	return place;
}
NOKPROBE_SYMBOL(kprobe_table_note_asked);

void kprobe_table_note_answer(unsigned int place, unsigned long probe, bool is_registered)
{
	unsigned long asked = probe | IS_ASKED;

	/* Its place may be another's by now: then it is not in mind any more. */
	(void)cmpxchg(&noted.probes[place], asked, is_registered ? probe : 0);
}
NOKPROBE_SYMBOL(kprobe_table_note_answer);

static bool has_note(unsigned long note)
{
	size_t i;

	for (i = 0; i < NOTED_MAX; i++) {
		if (READ_ONCE(noted.probes[i]) == note)
			return true;
	}
	return false;
}

bool kprobe_table_is_noted(unsigned long probe)
{
	unsigned int i;

	for (i = 0; i < ASKED_WAITS_MAX && has_note(probe | IS_ASKED); i++)
		msleep(ASKED_WAIT_MS);
	return has_note(probe);
}
