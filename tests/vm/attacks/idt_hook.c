// SPDX-License-Identifier: GPL-2.0-only
/* Diverts an interrupt that never comes (overflow) to this module, which jumps on. */
#include <asm/desc_defs.h>

#include "attack.h"
#include "text.h"

static unsigned int vector = 4;
module_param(vector, uint, 0);

static noinline __used void pad(void)
{
	asm volatile(".fill 16, 1, 0x90");
}

static gate_desc *gate;
static gate_desc old;

static unsigned long gate_target(const gate_desc *desc)
{
	return desc->offset_low | (unsigned long)desc->offset_middle << 16 |
	       (unsigned long)desc->offset_high << 32;
}

static int change(void)
{
	gate_desc *table = (gate_desc *)attack_symbol("idt_table"), new;
	unsigned long to = (unsigned long)pad;
	u8 jump[JUMP_SIZE];

	if (!table)
		return -ENOENT;
	gate = &table[vector];
	old = *gate;
	text_jump(jump, to, gate_target(&old));
	(void)text_write_own((void *)to, jump, sizeof(jump));
	new = old;
	new.offset_low = (u16)to;
	new.offset_middle = (u16)(to >> 16);
	new.offset_high = (u32)(to >> 32);
	return attack_write(gate, &new, sizeof(new));
}

static void restore(void)
{
	(void)attack_write(gate, &old, sizeof(old));
}

ATTACK(change, restore, "an interrupt gate");
