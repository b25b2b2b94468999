// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look-ups without kallsyms_lookup_name(), which modules may not call since 5.7.
 *
 * Name to address: register_kprobe() resolves the name first and stores the address in
 * p->addr, and only then finds out that it cannot put a probe there. Asked for the second
 * byte of a function, in the middle of an instruction, it always fails, so nothing is
 * ever armed.
 *
 * Address to name: sprint_symbol(), whose answer is "symbol+0x10/0x80 [module]", or the
 * bare address if there is none; the latter must not get out.
 */
#include "symbols.h"

#include <linux/errno.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/string.h>

#define INSIDE_FIRST_INSTRUCTION 1

/**
 * struct parts - the pieces of sprint_symbol()'s answer
 * @text: the answer, cut up
 * @name: the symbol, in @text
 * @module: in @text; NULL for the kernel's own
 * @offset: of the address in the symbol
 * @size: of the symbol
 */
struct parts {
	char text[KSYM_SYMBOL_LEN];
	const char *name;
	const char *module;
	unsigned long offset;
	unsigned long size;
};

/* From the right, because a module may choose any bytes for its symbols' names. */
static int split(struct parts *parts, unsigned long address)
{
	char *bracket, *slash, *plus;

	sprint_symbol(parts->text, address);
	parts->name = parts->text;
	parts->module = NULL;
	bracket = strrchr(parts->text, '[');
	if (bracket && bracket > parts->text &&
	    parts->text[strlen(parts->text) - 1] == ']') {
		parts->text[strlen(parts->text) - 1] = '\0';
		bracket[-1] = '\0';
		parts->module = bracket + 1;
	}
	slash = strrchr(parts->text, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	plus = strrchr(parts->text, '+');
	if (!plus)
		return -ENOENT;
	*plus = '\0';
	if (kstrtoul(plus + 1, 16, &parts->offset) ||
	    kstrtoul(slash + 1, 16, &parts->size))
		return -ENOENT;
	return 0;
}

void symbols_describe(char to[SYMBOLS_NAME_SIZE], unsigned long address)
{
	struct parts parts;
	size_t n = 0;

	if (!address || split(&parts, address)) {
		strscpy(to, "unknown", SYMBOLS_NAME_SIZE);
		return;
	}
	if (parts.module)
		n = scnprintf(to, SYMBOLS_NAME_SIZE, "%s:", parts.module);
	n += scnprintf(to + n, SYMBOLS_NAME_SIZE - n, "%s", parts.name);
	if (parts.offset)
		scnprintf(to + n, SYMBOLS_NAME_SIZE - n, "+0x%lx", parts.offset);
}

bool symbols_module(char to[MODULE_NAME_LEN], unsigned long address)
{
	struct parts parts;

	to[0] = '\0';
	if (address && !split(&parts, address) && parts.module)
		strscpy(to, parts.module, MODULE_NAME_LEN);
	return to[0];
}

/* The name may come back as another one: several symbols can share an address. */
static int find_range(unsigned long address, struct symbol_range *ret)
{
	struct parts parts;

	if (split(&parts, address) || parts.module)
		return -ENOENT;
	ret->start = address - parts.offset;
	ret->end = ret->start + parts.size;
	return 0;
}

int symbols_find(const char *name, struct symbol_range *ret)
{
	struct kprobe probe = { .symbol_name = name, .offset = INSIDE_FIRST_INSTRUCTION };
	int r;

	r = register_kprobe(&probe);
	if (!r) {
		/* Not on any known kernel; but then it is armed, and must not stay. */
		unregister_kprobe(&probe);
		return -EILSEQ;
	}
	if (!probe.addr)
		return r;
	return find_range((unsigned long)probe.addr - INSIDE_FIRST_INSTRUCTION, ret);
}

bool symbols_contains(const struct symbol_range *range, unsigned long address)
{
	return address >= range->start && address < range->end;
}
