// SPDX-License-Identifier: GPL-2.0-only
/*
 * No general decoder: the kernel's own is not exported, and what matters are the few forms
 * in which code is redirected. What is in none of them is reported as bytes.
 *
 *	e8 / e9 d32		call, jmp	ftrace, static calls, jump labels, khook
 *	eb d8			jmp		jump labels
 *	cc			int3		kprobes; text_poke_bp() for a moment
 *	48 b8 i64 ff e0		mov rax; jmp	rootkits (any register, push; ret too)
 *	68 i32 c3		push; ret	rootkits
 *	ff 25 d32		jmp [rip + d]	rootkits
 *	0f 1f 44 00 00		nop		what was a call or jmp, or becomes one
 *	f0			lock		was 3e as long as there was one processor only
 */
#include "code.h"

#include <linux/kernel.h>
#include <linux/string.h>

#include "guard.h"
#include "kprobe_table.h"
#include "owner.h"
#include "patch_sites.h"
#include "symbols.h"

#define NEAR_SIZE  CODE_CALL_SIZE
#define ENDBR_SIZE 4
#define CALL	   0xe8
#define JUMP	   0xe9
#define SHORT_JUMP 0xeb
#define INT3	   0xcc

const char *const code_kind_names[CODE_KIND_COUNT] = {
	[CODE_JUMP] = "jump",
	[CODE_CALL] = "call",
	[CODE_BREAKPOINT] = "breakpoint",
	[CODE_BYTES] = "bytes",
};

/* What the five bytes of a place that the kernel patches can be. */
enum form {
	FORM_OTHER,
	FORM_NOP,
	FORM_CALL,
	FORM_ZERO,   /* xor rax, rax: a call that returns 0 */
	FORM_UNLOCK, /* movb $0, (rdi): a call of queued_spin_unlock() */
	FORM_JUMP,
	FORM_RET, /* a tail call to nothing */
	FORM_COUNT
};

/* What static calls and jump labels put where no call is wanted; arch/x86/kernel. */
static const struct {
	u8 bytes[NEAR_SIZE];
	enum form form;
} idle[] = {
	{ { 0x0f, 0x1f, 0x44, 0x00, 0x00 }, FORM_NOP },
	{ { 0x66, 0x66, 0x48, 0x31, 0xc0 }, FORM_ZERO },
	{ { 0x2e, 0x2e, 0x2e, 0x31, 0xc0 }, FORM_ZERO },
	{ { 0x3e, 0x3e, 0xc6, 0x07, 0x00 }, FORM_UNLOCK }, /* from 7.x on */
	{ { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc }, FORM_RET },
	{ { 0x66, 0x66, 0x66, 0x66, 0x90 }, FORM_NOP }, /* of 5.10, by processor */
	{ { 0x3e, 0x8d, 0x74, 0x26, 0x00 }, FORM_NOP },
};

/* A function that begins with a ret, or goes on elsewhere in the middle, is nobody's patch. */
#define AS_CALL (1 << FORM_NOP | 1 << FORM_CALL | 1 << FORM_ZERO | 1 << FORM_UNLOCK)
static const unsigned int lawful_after[FORM_COUNT] = {
	[FORM_NOP] = AS_CALL | 1 << FORM_JUMP,
	[FORM_CALL] = AS_CALL,
	[FORM_ZERO] = AS_CALL,
	[FORM_UNLOCK] = AS_CALL,
	[FORM_JUMP] = 1 << FORM_NOP | 1 << FORM_JUMP | 1 << FORM_RET,
	[FORM_RET] = 1 << FORM_JUMP | 1 << FORM_RET,
};

/* A distance, or an address that is extended as the processor does. */
static long read_s32(const u8 *bytes)
{
	s32 value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static __always_inline unsigned long read_u64(const u8 *bytes)
{
	u64 value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static bool is_near(u8 opcode)
{
	return opcode == CALL || opcode == JUMP;
}

static enum form form_of(const u8 *bytes)
{
	size_t i;

	if (is_near(bytes[0]))
		return bytes[0] == CALL ? FORM_CALL : FORM_JUMP;
	for (i = 0; i < ARRAY_SIZE(idle); i++) {
		if (!memcmp(bytes, idle[i].bytes, NEAR_SIZE))
			return idle[i].form;
	}
	return FORM_OTHER;
}

unsigned long code_near_target(unsigned long address, const u8 *bytes, size_t size)
{
	if (size < NEAR_SIZE || !is_near(bytes[0]))
		return 0;
	return address + NEAR_SIZE + read_s32(bytes + 1);
}

/* The forms that hold an address as such. Return: it, or 0 */
static unsigned long far_target(unsigned long address, const u8 *bytes, size_t size)
{
	if (size >= 10 && (bytes[0] & 0xfe) == 0x48 && (bytes[1] & 0xf8) == 0xb8)
		return read_u64(bytes + 2);
	if (size >= 6 && bytes[0] == 0x68 && bytes[5] == 0xc3)
		return read_s32(bytes + 1);
	if (size >= 6 && bytes[0] == 0xff && bytes[1] == 0x25)
		return guard_read((void *)(address + 6 + read_s32(bytes + 2)));
	return 0;
}

/* ENDBR64, or the nop that it became where nobody calls the function by its address */
static size_t entry_offset(const u8 *bytes, size_t size)
{
	static const u8 forms[][ENDBR_SIZE] = {
		{ 0xf3, 0x0f, 0x1e, 0xfa },
		{ 0x66, 0x0f, 0x1f, 0x00 },
		{ 0x0f, 0x1f, 0x40, 0xd6 }, /* the nop from 6.15 on */
	};
	size_t i;

	for (i = 0; size > ENDBR_SIZE && i < ARRAY_SIZE(forms); i++) {
		if (!memcmp(bytes, forms[i], ENDBR_SIZE))
			return ENDBR_SIZE;
	}
	return 0;
}

/* May be called or jumped to by who was always there. */
static bool is_lawful(unsigned long target)
{
	struct owner owner;

	owner_find(target, &owner);
	return owner.kind != OWNER_FOREIGN && owner.kind != OWNER_NOBODY;
}

/* What entries call of the kernel image's own. */
static bool is_of_ftrace(unsigned long target)
{
	static const char *const names[] = { "ftrace_caller", "ftrace_regs_caller",
					     "ftrace_graph_caller", "__fentry__" };
	char name[SYMBOLS_NAME_SIZE];
	size_t i;

	symbols_describe(name, target);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

/*
 * what is compared, and where we are
 * @entry: offset of the first instruction after ENDBR
 * @at: offset of the first byte that differs
 */
struct code {
	unsigned long address;
	const u8 *now;
	const u8 *before;
	size_t size;
	size_t entry;
	size_t at;
};

static bool set_change(struct code_change *ret, size_t offset, enum code_kind kind,
		       unsigned long target)
{
	*ret = (struct code_change){ offset, kind, target };
	return true;
}

static const u8 short_nop[2] = { 0x66, 0x90 };

static bool is_short(const u8 *bytes)
{
	return bytes[0] == SHORT_JUMP || !memcmp(bytes, short_nop, sizeof(short_nop));
}

/* Where the instruction begins that the kernel patches and of which byte @at is a part. */
static bool find_site(const struct code *code, size_t *ret)
{
	unsigned long site;

	if (!patch_sites_find(code->address + code->at, &site) || site < code->address)
		return false;
	*ret = site - code->address;
	return *ret + 2 <= code->size &&
	       code->at - *ret < (is_short(code->before + *ret) ? 2 : NEAR_SIZE);
}

/* Is @at in the first instruction, if that is one that ftrace writes? */
static bool is_at_entry(const struct code *code)
{
	return code->at - code->entry < NEAR_SIZE &&
	       code->entry + NEAR_SIZE <= code->size;
}

/* Where a call or jump begins of which byte @at is a part, the opcode changed or not. */
static bool find_near(const struct code *code, size_t *ret)
{
	size_t back;

	/* A byte before it that looks like an opcode is none. */
	if (find_site(code, ret))
		return *ret + NEAR_SIZE <= code->size && is_near(code->now[*ret]);
	*ret = code->entry;
	if (is_at_entry(code) && is_near(code->now[code->entry]))
		return true;
	for (back = 0; back < NEAR_SIZE && back <= code->at; back++) {
		size_t i = code->at - back;

		if (i + NEAR_SIZE > code->size || !is_near(code->now[i]))
			continue;
		if (back && code->now[i] != code->before[i])
			continue;
		*ret = i;
		return true;
	}
	return false;
}

static bool is_site(const struct code *code, size_t at)
{
	unsigned long address = code->address + at;

	return !patch_sites_are_known(address) || patch_sites_has(address);
}

/* The copy may have been made while the kernel patched there. */
static bool was_being_patched(const struct code *code, size_t at)
{
	return code->before[at] == INT3 && patch_sites_has(code->address + at);
}

/* Jump labels of two bytes: a jmp where a nop was, or the other way round. */
static bool is_short_label(const struct code *code)
{
	const u8 *now = code->now + code->at, *before = code->before + code->at;

	if (code->at + 2 > code->size || !is_site(code, code->at) || !is_short(now) ||
	    (code->at <= code->entry && !patch_sites_has(code->address + code->at)))
		return false;
	return was_being_patched(code, code->at) ||
	       (is_short(before) && now[0] != before[0]);
}

/* Does the kernel put there what is there now, after what was there? */
static bool is_patch(const struct code *code, size_t at)
{
	unsigned long address = code->address + at;
	enum form was, is;
	bool is_unknown;

	if (at + NEAR_SIZE > code->size || !is_site(code, at))
		return false;
	is_unknown = was_being_patched(code, at);
	was = form_of(code->before + at);
	is = form_of(code->now + at);
	if (patch_sites_is_of_ftrace(address))
		return (is_unknown || was == is) && is_near(code->now[at]);
	if (is_unknown)
		return is != FORM_OTHER;
	return lawful_after[was] & 1 << is;
}

/* Led it out of the kernel, as to a trampoline of BPF's, which may be gone? */
static bool was_jump_out(const struct code *code, size_t at)
{
	const u8 *before = code->before + at;
	struct owner owner;

	if (before[0] != JUMP)
		return false;
	owner_find(code_near_target(code->address + at, before, NEAR_SIZE), &owner);
	return owner.kind != OWNER_KERNEL;
}

/* ftrace's place without a call, whatever half-written call was there for the copy. */
static bool is_idle_entry(const struct code *code)
{
	const u8 *before = code->before + code->entry;

	return is_at_entry(code) && form_of(code->now + code->entry) == FORM_NOP &&
	       (before[0] == INT3 || before[0] == CALL || form_of(before) == FORM_NOP ||
		was_jump_out(code, code->entry));
}

/* Was it a place for a call of ftrace's? */
static bool was_traceable(const struct code *code, size_t at)
{
	const u8 *before = code->before + at;
	struct owner owner;

	if (form_of(before) == FORM_NOP)
		return true;
	owner_find(code_near_target(code->address + at, before, NEAR_SIZE), &owner);
	return before[0] == CALL && owner.kind != OWNER_KERNEL;
}

/* Kprobes jump to a trampoline from anywhere, ftrace calls one, or the kernel, at the entry. */
static bool is_lawful_near(const struct code *code, size_t begin, unsigned long target)
{
	bool is_known_site = patch_sites_has(code->address + begin);
	struct owner owner;

	owner_find(target, &owner);
	if (owner.kind == OWNER_TRAMPOLINE)
		return code->now[begin] == JUMP || begin <= code->entry ||
		       is_known_site || was_traceable(code, begin);
	if (begin <= code->entry && !is_known_site)
		return owner.kind == OWNER_KERNEL && code->now[begin] == CALL &&
		       is_of_ftrace(target);
	return is_lawful(target) && is_patch(code, begin);
}

/* A machine that was booted with one processor has got a second one. */
static bool is_lock(const struct code *code)
{
	return code->before[code->at] == 0x3e && code->now[code->at] == 0xf0;
}

/* How many bytes from @at on are lawful, other than by where a call or jump leads? */
static size_t n_lawful(const struct code *code)
{
	const u8 *now = code->now + code->at, *before = code->before + code->at;
	struct code_traced unknown = { 0 };

	if (is_lock(code) || (*now == INT3 && kprobe_table_has(code->address + code->at)))
		return 1;
	if (code->at + NEAR_SIZE <= code->size &&
	    code_is_traced(code->address + code->at, now, before, &unknown))
		return NEAR_SIZE;
	return 0;
}

/* Where what the kernel itself put there ends, or 0 if it is not the kernel's. */
static size_t end_of_patch(const struct code *code)
{
	if (is_idle_entry(code))
		return code->entry + NEAR_SIZE;
	if (is_patch(code, code->at))
		return code->at + NEAR_SIZE;
	return is_short_label(code) ? code->at + 2 : 0;
}

/* Return: whether the difference is unlawful; if not, @at is behind it. */
static bool judge(struct code *code, struct code_change *ret)
{
	const u8 *now = code->now + code->at;
	unsigned long target;
	size_t n = n_lawful(code), begin;

	code->at += n;
	if (n)
		return false;
	if (find_near(code, &begin)) {
		target = code_near_target(code->address + begin, code->now + begin,
					  code->size - begin);
		code->at = begin + NEAR_SIZE;
		return !is_lawful_near(code, begin, target) &&
		       set_change(ret, begin,
				  code->now[begin] == CALL ? CODE_CALL : CODE_JUMP,
				  target);
	}
	/* In a call it was a byte of the distance. */
	if (*now == INT3)
		return set_change(ret, code->at, CODE_BREAKPOINT, 0);
	n = end_of_patch(code);
	if (n) {
		code->at = n;
		return false;
	}
	target = far_target(code->address + code->at, now, code->size - code->at);
	return set_change(ret, code->at, target ? CODE_JUMP : CODE_BYTES, target);
}

/* By eight bytes, four times at once: memcmp() of 5.10 takes them one by one. */
size_t code_n_same(const u8 *now, const u8 *before, size_t size)
{
	size_t n = 0;

	while (n + 4 * sizeof(u64) <= size && read_u64(now + n) == read_u64(before + n) &&
	       read_u64(now + n + 8) == read_u64(before + n + 8) &&
	       read_u64(now + n + 16) == read_u64(before + n + 16) &&
	       read_u64(now + n + 24) == read_u64(before + n + 24))
		n += 4 * sizeof(u64);
	while (n < size && now[n] == before[n])
		n++;
	return n;
}

size_t code_n_looks(const struct code_change *change)
{
	return change->kind == CODE_BREAKPOINT ? 8 : 6;
}

unsigned long code_change_value(const struct code_change *change)
{
	return change->target ? change->target : change->offset << 8 | (change->kind + 1);
}

/* May ftrace have it called? A trampoline that is not called any more may be gone. */
static bool is_traced_to(unsigned long target, bool is_called)
{
	struct owner owner;

	owner_find(target, &owner);
	return owner.kind == OWNER_TRAMPOLINE ||
	       (owner.kind == OWNER_NOBODY && !is_called) ||
	       (owner.kind == OWNER_KERNEL && is_of_ftrace(target));
}

/* Of ftrace's: a nop has become its call, or the other way round. Tens of thousands may. */
bool code_is_traced(unsigned long address, const u8 *now, const u8 *before,
		    struct code_traced *known)
{
	bool is_called = now[0] == CALL;
	const u8 *call = is_called ? now : before, *other = is_called ? before : now;
	unsigned long *to = is_called ? &known->on : &known->off;
	unsigned long target = code_near_target(address, call, NEAR_SIZE);

	if (form_of(call) != FORM_CALL || form_of(other) != FORM_NOP ||
	    patch_sites_has(address))
		return false;
	if (target != *to && !is_traced_to(target, is_called))
		return false;
	*to = target;
	return true;
}

bool code_find_change(unsigned long address, const u8 *now, const u8 *before, size_t size,
		      struct code_change *ret)
{
	struct code code = {
		.address = address,
		.now = now,
		.before = before,
		.size = size,
		.entry = entry_offset(now, size),
	};

	for (;;) {
		code.at += code_n_same(now + code.at, before + code.at, size - code.at);
		if (code.at >= size)
			return false;
		if (judge(&code, ret))
			return true;
	}
}

bool code_find_hook(unsigned long address, const u8 *now, size_t size,
		    struct code_change *ret)
{
	size_t at = entry_offset(now, size);
	unsigned long target = code_near_target(address + at, now + at, size - at);

	if (now[at] == INT3 && !kprobe_table_has(address + at))
		return set_change(ret, at, CODE_BREAKPOINT, 0);
	if (!target)
		target = far_target(address + at, now + at, size - at);
	if (!target || is_lawful(target))
		return false;
	return set_change(ret, at, now[at] == CALL ? CODE_CALL : CODE_JUMP, target);
}
