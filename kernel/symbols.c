// SPDX-License-Identifier: GPL-2.0-only
/*
 * Look-ups without kallsyms_lookup_name(), which modules may not call since 5.7.
 *
 * Name to address: register_kprobe() resolves the name first and stores the address in
 * p->addr, and only then finds out that it cannot put a probe there. Asked for the second
 * byte of a function, in the middle of an instruction, it fails, so nothing is armed.
 *
 * Address to name: sprint_symbol(), whose answer is "symbol+0x10/0x80 [module]", or the
 * bare address if there is none; the latter must not get out.
 */
#include "symbols.h"

#include <linux/errno.h>
#include <linux/jhash.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/string.h>

#define INSIDE_FIRST_INSTRUCTION 1
#define WANTED_BUCKETS		 1024

static struct {
	struct symbol_wanted *wanted[WANTED_BUCKETS]; /* by name */
} state;

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

bool symbols_has(unsigned long address)
{
	struct parts parts;

	return !split(&parts, address);
}

/* The name may come back as another one: several symbols can share an address. */
int symbols_range(unsigned long address, struct symbol_range *ret)
{
	struct parts parts;

	if (split(&parts, address) || parts.module)
		return -ENOENT;
	ret->start = address - parts.offset;
	ret->end = ret->start + parts.size;
	return 0;
}

static int ask(const char *name, unsigned long *ret)
{
	struct kprobe probe = { .symbol_name = name, .offset = INSIDE_FIRST_INSTRUCTION };
	int r;

	r = register_kprobe(&probe);
	if (!r) /* A first instruction of one byte, as at _stext of 6.12: nobody runs it. */
		unregister_kprobe(&probe);
	if (!probe.addr)
		return r;
	*ret = (unsigned long)probe.addr - INSIDE_FIRST_INSTRUCTION;
	return 0;
}

/* 0 if there is none. */
static unsigned long address_of(const char *name)
{
	unsigned long address = 0;

	(void)ask(name, &address);
	return address;
}

int symbols_find(const char *name, struct symbol_range *ret)
{
	unsigned long address;
	int r = ask(name, &address);

	return r ? r : symbols_range(address, ret);
}

bool symbols_contains(const struct symbol_range *range, unsigned long address)
{
	return address >= range->start && address < range->end;
}

static struct symbol_wanted **bucket_of(const char *name)
{
	return &state.wanted[jhash(name, strlen(name), 0) % WANTED_BUCKETS];
}

void symbols_want(struct symbol_wanted *wanted, size_t n)
{
	struct symbol_wanted **bucket;

	for (; n; n--, wanted++) {
		bucket = bucket_of(wanted->name);
		wanted->next = *bucket;
		*bucket = wanted;
	}
}

static void note(const struct parts *parts, unsigned long address)
{
	struct symbol_wanted *wanted = *bucket_of(parts->name);

	for (; wanted; wanted = wanted->next) {
		if (wanted->address || strcmp(wanted->name, parts->name))
			continue;
		wanted->address = address;
		wanted->size = parts->size;
	}
}

/* From symbol to symbol: one pass costs less than to ask for some hundred names each. */
static void walk(const char *from, const char *to)
{
	unsigned long address = address_of(from), end = address_of(to);
	struct parts parts;

	while (address && address < end) {
		if (split(&parts, address) || parts.module || parts.offset >= parts.size)
			break;
		address -= parts.offset;
		note(&parts, address);
		address += parts.size;
		cond_resched();
	}
}

/* Those that share an address with another one do not show in a walk. */
static void ask_for(struct symbol_wanted *wanted)
{
	struct symbol_range range;

	wanted->address = address_of(wanted->name);
	if (wanted->address && !symbols_range(wanted->address, &range))
		wanted->size = range.end - wanted->address;
}

void symbols_resolve(void)
{
	struct symbol_wanted *wanted;
	size_t i;

	walk("_stext", "_etext");
	walk("__start_rodata", "__end_rodata");
	walk("_sdata", "_edata");
	walk("__bss_start", "__bss_stop");
	for (i = 0; i < WANTED_BUCKETS; i++) {
		for (wanted = state.wanted[i]; wanted; wanted = wanted->next) {
			if (!wanted->address)
				ask_for(wanted);
		}
		state.wanted[i] = NULL;
	}
}
