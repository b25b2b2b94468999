// SPDX-License-Identifier: GPL-2.0-only
/*
 * Diverts a function to code in memory that it got for that, and then says that it could
 * not be loaded: no module is left, the hook is. It is never put back.
 */
#include <linux/ftrace.h>

#include "attack.h"
#include "orphan.h"
#include "text.h"

static char *symbol = "tcp4_seq_show";
module_param(symbol, charp, 0);

static int change(void)
{
	unsigned long target = attack_symbol(symbol);
	u8 *code = orphan_alloc();
	u8 jump[JUMP_SIZE];
	int r;

	if (!target || !code)
		return -ENOENT;
	target = text_after_endbr(target);
	text_jump(jump, (unsigned long)code, target + JUMP_SIZE);
	memcpy(code, jump, sizeof(jump));
	r = orphan_protect(code);
	if (r)
		return r;
	text_jump(jump, target, (unsigned long)code);
	r = attack_write((void *)target, jump, sizeof(jump));
	return r ? r : -EINVAL;
}

static void restore(void)
{
}

ATTACK(change, restore, "a module that fails after its work");
