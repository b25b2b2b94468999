// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own tables of functions: how /proc lists sockets, how a folder is listed, how
 * a terminal reads. Their words are copied once, and a visit compares and shows only those
 * that are not as they were. A key is the address of the word, a value what stands there.
 *
 * What led out of the kernel already when we came is copied as 0, which nothing is like, so
 * that it is shown, and told at the first look.
 */
#include "guard.h"

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "guards.h"
#include "members.h"
#include "pointer_tables.h"

#define TABLE_WORDS_MAX 1024

#define AS_WANTED(symbol, type) { .name = #symbol },
#define AS_TYPE(symbol, type)	TABLE_##type,

static struct symbol_wanted wanted[] = { POINTER_TABLES(AS_WANTED) };

static const u8 types[] = { POINTER_TABLES(AS_TYPE) };

static struct {
	unsigned long *first;		      /* all tables' words, one after the other */
	size_t begin[ARRAY_SIZE(wanted) + 1]; /* of each table's in @first */
} state;

/* Tables that nobody writes after boot; in others there is more than functions. */
static bool is_constant(enum table_type type)
{
	switch (type) {
	case TABLE_PROTO:
	case TABLE_NET:
	case TABLE_NET6:
	case TABLE_LDISC:
	case TABLE_BINFMT:
	case TABLE_SLOTS:
		return false;
	default:
		return true;
	}
}

static bool is_watched(enum table_type type, size_t offset)
{
	return is_constant(type) || type == TABLE_SLOTS || members_find(type, offset);
}

static size_t n_words(size_t i)
{
	size_t size = wanted[i].address ? wanted[i].size : 0;

	if (members_size(types[i]))
		size = min(size, members_size(types[i]));
	return min_t(size_t, size / sizeof(long), TABLE_WORDS_MAX);
}

static bool leads_out(unsigned long value)
{
	return value >= PAGE_OFFSET && value < (unsigned long)-MAX_ERRNO &&
	       !owner_is_kernel(value);
}

static void copy_table(size_t i)
{
	const unsigned long *from = (void *)wanted[i].address;
	unsigned long *to = state.first + state.begin[i];
	size_t j, n = state.begin[i + 1] - state.begin[i];

	for (j = 0; j < n; j++) {
		to[j] = guard_read(from + j);
		if (leads_out(to[j]))
			to[j] = 0;
	}
}

static int pointers_start(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		state.begin[i + 1] = state.begin[i] + n_words(i);
	if (!state.begin[i])
		return -ENOENT;
	state.first = kvmalloc_array(state.begin[i], sizeof(*state.first), GFP_KERNEL);
	if (!state.first)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		copy_table(i);
	return 0;
}

static void pointers_stop(void)
{
	kvfree(state.first);
}

static void show_changed(struct guard_visit *visit, size_t i, const unsigned long *now)
{
	const unsigned long *first = state.first + state.begin[i];
	size_t j, n = state.begin[i + 1] - state.begin[i];
	unsigned long value;

	for (j = 0; j < n; j++) {
		value = READ_ONCE_NOCHECK(now[j]);
		if (value != first[j] && is_watched(types[i], j * sizeof(long)))
			guard_word(visit, (unsigned long)(now + j), value);
	}
}

/* The kernel's image cannot go away, so that its words need no careful reading. */
static void visit_table(struct guard_visit *visit, size_t i)
{
	const unsigned long *now = (void *)wanted[i].address;
	const unsigned long *first = state.first + state.begin[i];
	size_t j, n = state.begin[i + 1] - state.begin[i];
	unsigned long difference = 0;

	for (j = 0; j < n; j++)
		difference |= READ_ONCE_NOCHECK(now[j]) ^ first[j];
	if (difference)
		show_changed(visit, i, now);
}

static void pointers_visit(struct guard_visit *visit)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		visit_table(visit, i);
}

static size_t table_of(unsigned long key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted) - 1; i++) {
		if (key - wanted[i].address < wanted[i].size)
			break;
	}
	return i;
}

static unsigned long first_of(size_t i, unsigned long key)
{
	return state.first[state.begin[i] + (key - wanted[i].address) / sizeof(long)];
}

static bool is_unlawful(unsigned long value, bool is_constant)
{
	struct owner owner;

	if (is_constant || !value)
		return is_constant;
	owner_find(value, &owner);
	return owner_severity(&owner) != EMIT_INFO;
}

/* What is shown is not as it was; so of what we know, nothing is put right but what is gone. */
static bool is_put_right(const struct guard_change *change, unsigned long first)
{
	return change->is_gone || (change->old && !first && owner_is_kernel(change->new));
}

static void pointers_report(const struct guard_change *change)
{
	size_t i = table_of(change->key);
	unsigned long first = first_of(i, change->key);
	bool constant = is_constant(types[i]);
	struct guard_change full = *change;
	char what[MEMBERS_NAME_SIZE];

	members_describe(what, wanted[i].name, types[i], change->key - wanted[i].address);
	if (change->is_new)
		full.old = first;
	if (change->is_gone)
		full.new = first;
	full.is_new = !full.old;
	if (!is_put_right(change, first) && is_unlawful(change->new, constant))
		guard_print_target(&full, EMIT_HIGH, "pointer_hooked", " what=%s", what);
	else if (is_put_right(change, first) && is_unlawful(change->old, constant))
		guard_print_target(&full, EMIT_INFO, "pointer_restored", " what=%s",
				   what);
}

bool guard_pointers_has(unsigned long table)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (wanted[i].address == table)
			return true;
	}
	return false;
}

const struct guard guard_pointers = {
	.name = "pointers",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = pointers_start,
	.stop = pointers_stop,
	.visit = pointers_visit,
	.report = pointers_report,
};
