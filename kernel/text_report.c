// SPDX-License-Identifier: GPL-2.0-only
#include "text_report.h"

#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

/* room to put an event together; too big for a stack */
struct names {
	char where[SYMBOLS_NAME_SIZE];
	char what[EMIT_ESCAPED_SIZE];
};

static void report_patched(const struct guard_change *change, const char *where,
			   const struct code_change *what)
{
	struct guard_change to = *change;

	to.is_new = true; /* the old value is no address */
	if (what->target)
		guard_print_target(&to, EMIT_HIGH, "text_patched", " what=%s how=%s",
				   where, code_kind_names[what->kind]);
	else
		guard_print(change, NULL, EMIT_HIGH, "text_patched", " what=%s how=%s",
			    where, code_kind_names[what->kind]);
}

static void print_where(char *to, size_t size, const char *function, size_t offset)
{
	if (offset)
		scnprintf(to, size, "%s+0x%zx", function, offset);
	else
		strscpy(to, function, size);
}

void text_report(const struct guard_change *change, const char *function,
		 const struct code_change *what)
{
	bool is_patched = !change->is_gone && change->new;
	struct names *names;

	if (change->is_new && !is_patched)
		return;
	names = kmalloc(sizeof(*names), GFP_KERNEL);
	if (!names) {
		photon_records_lost(1, "memory");
		return;
	}
	print_where(names->where, sizeof(names->where), function,
		    is_patched ? what->offset : 0);
	emit_quote(names->what, sizeof(names->what), names->where);
	if (is_patched)
		report_patched(change, names->what, what);
	else
		guard_print(change, NULL, EMIT_INFO, "text_restored", " what=%s",
			    names->what);
	kfree(names);
}
