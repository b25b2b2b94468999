// SPDX-License-Identifier: GPL-2.0-only
/*
 * Diverts a function to this module by changing its code. The way back is a jump that is
 * written into a pad, behind the instructions that had to make room. As how= says:
 *
 *	jump		over ftrace's nop at the entry
 *	offset		behind that nop, where a look at the entry does not fall
 *	movabs		mov to rax and jmp rax, at the entry
 *	breakpoint	int3 at the entry; a die notifier lets the function go on
 *	ret		the function does nothing any more (for hooks of a log's path)
 *
 * and writes as via= says: wp (CR0.WP), alias (a second, writable mapping of the page),
 * pte (the page's entry made writable).
 */
#include <linux/kdebug.h>
#include <linux/notifier.h>

#include <asm/insn.h>

#include "attack.h"
#include "text.h"

static char *symbol = "tcp4_seq_show";
module_param(symbol, charp, 0);
static char *how = "jump";
module_param(how, charp, 0);
static char *via = "wp";
module_param(via, charp, 0);

#define PAD_SIZE    64
#define MOVABS_SIZE 12
#define BYTES_MAX   16

/* Never run as it is: filled first. */
static noinline __used void pad(void)
{
	asm volatile(".fill 64, 1, 0x90");
}

static u8 *site;
static u8 old[BYTES_MAX];
static size_t n_old;

static int write_by_alias(void *to, const void *from, size_t size)
{
	struct page *pages[2];
	unsigned long base = (unsigned long)to & PAGE_MASK;
	int i;

	for (i = 0; i < 2; i++)
		pages[i] = pfn_to_page(PHYS_PFN(__pa_symbol(base + i * PAGE_SIZE)));
	return text_write_alias(pages, to, from, size);
}

static int write_by_pte(void *to, const void *from, size_t size)
{
	pte_t *(*lookup)(unsigned long,
			 unsigned int *) = (void *)attack_symbol("lookup_address");
	void (*flush)(void) = (void *)attack_symbol("flush_tlb_all");
	unsigned int level;
	pte_t *entry, was;

	entry = lookup && flush ? lookup((unsigned long)to, &level) : NULL;
	if (!entry)
		return -ENOENT;
	was = *entry;
	WRITE_ONCE(entry->pte, was.pte | _PAGE_RW);
	flush();
	memcpy(to, from, size);
	WRITE_ONCE(entry->pte, was.pte);
	flush();
	return 0;
}

static int write_text(void *to, const void *from, size_t size)
{
	if (!strcmp(via, "alias"))
		return write_by_alias(to, from, size);
	if (!strcmp(via, "pte"))
		return write_by_pte(to, from, size);
	return attack_write(to, from, size);
}

/* Would it do something else at another place? */
static bool is_bound_to_place(const struct insn *insn)
{
	u8 op = insn->opcode.bytes[0], second = insn->opcode.bytes[1];

	if (insn->modrm.nbytes && (insn->modrm.bytes[0] & 0xc7) == 0x05)
		return true; /* relative to RIP */
	return op == 0xe8 || op == 0xe9 || op == 0xeb || (op & 0xf0) == 0x70 ||
	       (op & 0xfc) == 0xe0 || (op == 0x0f && (second & 0xf0) == 0x80);
}

/* Return: the size of the whole instructions that cover @least bytes, or -errno */
static int measure(const u8 *code, int least)
{
	void (*init)(struct insn *, const void *, int,
		     int) = (void *)attack_symbol("insn_init");
	void (*get_length)(struct insn *) = (void *)attack_symbol("insn_get_length");
	struct insn insn;
	int n = 0;

	if (!init || !get_length)
		return -ENOENT;
	while (n < least) {
		init(&insn, code + n, MAX_INSN_SIZE, 1);
		get_length(&insn);
		if (!insn.length || is_bound_to_place(&insn))
			return -EOPNOTSUPP;
		n += insn.length;
	}
	return n;
}

/* What was at the site, and a jump to what comes behind it. */
static int fill_pad(size_t n_moved)
{
	u8 code[BYTES_MAX + JUMP_SIZE];
	unsigned long at = (unsigned long)pad;

	memcpy(code, site, n_moved);
	text_jump(code + n_moved, at + n_moved, (unsigned long)site + n_moved);
	return text_write_own((void *)at, code, n_moved + JUMP_SIZE);
}

static int replace(const u8 *bytes, size_t n)
{
	n_old = n;
	memcpy(old, site, n);
	return write_text(site, bytes, n);
}

static int put_jump(void)
{
	u8 jump[JUMP_SIZE];
	int n = measure(site, JUMP_SIZE), r;

	/* ftrace's nop, or call, need not be run. */
	if (n < 0)
		return n;
	r = fill_pad(n);
	if (r)
		return r;
	text_jump(jump, (unsigned long)site, (unsigned long)pad);
	return replace(jump, sizeof(jump));
}

static int put_movabs(void)
{
	u8 code[MOVABS_SIZE] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };
	unsigned long to = (unsigned long)pad;
	int n = measure(site, MOVABS_SIZE), r;

	if (n < 0)
		return n;
	r = n > BYTES_MAX ? -E2BIG : fill_pad(n);
	if (r)
		return r;
	memcpy(code + 2, &to, sizeof(to));
	return replace(code, sizeof(code));
}

static int on_die(struct notifier_block *block, unsigned long action, void *data)
{
	struct die_args *args = data;

	if (action != DIE_INT3 || args->regs->ip != (unsigned long)site + 1)
		return NOTIFY_DONE;
	args->regs->ip = (unsigned long)site + JUMP_SIZE;
	return NOTIFY_STOP;
}

static struct notifier_block die_block = { .notifier_call = on_die, .priority = INT_MAX };

static int put_breakpoint(void)
{
	static const u8 int3 = 0xcc;
	int r = register_die_notifier(&die_block);

	return r ? r : replace(&int3, 1);
}

static int put_return(void)
{
	static const u8 code[] = { 0x31, 0xc0, 0xc3 };

	return replace(code, sizeof(code));
}

static int change(void)
{
	unsigned long function = attack_symbol(symbol);

	if (!function)
		return -ENOENT;
	site = (u8 *)text_after_endbr(function);
	if (!strcmp(how, "jump"))
		return put_jump();
	if (!strcmp(how, "movabs"))
		return put_movabs();
	if (!strcmp(how, "breakpoint"))
		return put_breakpoint();
	if (!strcmp(how, "ret"))
		return put_return();
	site += JUMP_SIZE;
	return put_jump();
}

static void restore(void)
{
	(void)write_text(site, old, n_old);
	if (!strcmp(how, "breakpoint"))
		unregister_die_notifier(&die_block);
}

ATTACK(change, restore, "code that was changed");
