// SPDX-License-Identifier: GPL-2.0-only
#include "table_report.h"

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

static bool is_of(const struct owner *owner, unsigned long address)
{
	struct owner other;

	if (!address)
		return false;
	owner_find(address, &other);
	return owner->kind == other.kind && !strcmp(owner->module, other.module);
}

bool table_is_lawful(unsigned long address, unsigned long home)
{
	struct owner owner;

	if (!address || owner_is_self(address))
		return true;
	owner_find(address, &owner);
	return owner_severity(&owner) == EMIT_INFO ||
	       (owner.kind == OWNER_FOREIGN && is_of(&owner, home));
}

/* Return: the first function in the table that is not the kernel's; 0 if there is none */
static unsigned long find_stranger(unsigned long table, enum table_type type,
				   const char **ret_member)
{
	size_t offset, size = members_size(type);
	unsigned long value;
	const char *member;

	for (offset = 0; offset < size; offset += sizeof(long)) {
		member = members_find(type, offset);
		value = guard_read((void *)table + offset);
		if (!member || value < PAGE_OFFSET || table_is_lawful(value, 0))
			continue;
		*ret_member = member;
		return value;
	}
	return 0;
}

/* room to put names together; too big for a stack */
struct names {
	char what[4 * TABLE_WHAT_SIZE];
	char name[SYMBOLS_NAME_SIZE];
	char old[EMIT_ESCAPED_SIZE];
	char new[EMIT_ESCAPED_SIZE];
	char function[EMIT_ESCAPED_SIZE];
};

static void print_hooked(const struct guard_change *change, enum table_type type,
			 struct names *names)
{
	const char *member = "unknown";
	unsigned long function = find_stranger(change->new, type, &member);
	struct owner table, owner;

	owner_find(change->new, &table);
	owner_find(function ? function : change->new, &owner);
	guard_print(change, &owner, max(owner_severity(&table), owner_severity(&owner)),
		    "pointer_hooked", " what=%s old=%s new=%s member=%s function=%s",
		    names->what,
		    guard_quote_address(names->old, names->name, change->old),
		    guard_quote_address(names->new, names->name, change->new), member,
		    guard_quote_address(names->function, names->name, function));
}

static struct names *allocate(const char *what)
{
	struct names *names = kmalloc(sizeof(*names), GFP_KERNEL);

	if (names)
		emit_quote(names->what, sizeof(names->what), what);
	else
		photon_records_lost(1, "memory");
	return names;
}

void table_report_hooked(const struct guard_change *change, const char *what,
			 enum table_type type)
{
	struct names *names = allocate(what);

	if (names)
		print_hooked(change, type, names);
	kfree(names);
}

void table_report_restored(const struct guard_change *change, const char *what)
{
	struct names *names = allocate(what);

	if (names)
		guard_print(change, NULL, EMIT_INFO, "pointer_restored",
			    " what=%s old=%s new=%s", names->what,
			    guard_quote_address(names->old, names->name, change->old),
			    guard_quote_address(names->new, names->name, change->new));
	kfree(names);
}
