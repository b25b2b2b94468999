// SPDX-License-Identifier: GPL-2.0-only
/*
 * Overwrites a variable in memory, past its sysctl: text=, or value= of size= bytes. It is
 * put back, if not keep=1.
 */
#include "attack.h"

static char *symbol;
module_param(symbol, charp, 0);
static char *text;
module_param(text, charp, 0);
static unsigned long value;
module_param(value, ulong, 0);
static unsigned int size = 4;
module_param(size, uint, 0);

static bool keep;
module_param(keep, bool, 0);

static u8 old[64];
static void *variable;

static int change(void)
{
	const void *new = text ? (const void *)text : &value;

	if (text)
		size = strlen(text) + 1;
	variable = symbol ? (void *)attack_symbol(symbol) : NULL;
	if (!variable || size > sizeof(old))
		return -ENOENT;
	memcpy(old, variable, size);
	return attack_write(variable, new, size);
}

static void restore(void)
{
	if (!keep)
		(void)attack_write(variable, old, size);
}

ATTACK(change, restore, "a variable in memory");
