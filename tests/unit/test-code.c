// SPDX-License-Identifier: Apache-2.0
/* kernel/code: what a change of the kernel's code does. What it asks others is faked here. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"

typedef uint8_t u8;
typedef uint64_t u64;
typedef int32_t s32;

/* kernel/guard.h, kprobe_table.h, owner.h, patch_sites.h, symbols.h */
#define PHOTON_RING_GUARD_H
#define PHOTON_RING_KPROBE_TABLE_H
#define PHOTON_RING_OWNER_H
#define PHOTON_RING_PATCH_SITES_H
#define PHOTON_RING_SYMBOLS_H
#define SYMBOLS_NAME_SIZE 640

enum owner_kind {
	OWNER_KERNEL,
	OWNER_IN_TREE,
	OWNER_TRAMPOLINE,
	OWNER_FOREIGN,
	OWNER_NOBODY
};

struct owner {
	enum owner_kind kind;
};

/* Where the function is, and what there is within reach of it */
#define HERE	  0x10000000ul
#define ELSEWHERE (HERE + 0x1000)
#define FTRACE	  (HERE + 0x2000)
#define SLOT	  (HERE + 0x100000)
#define FOREIGN	  (HERE + 0x200000)
#define NOBODYS	  (HERE + 0x300000)
#define PROBED	  (HERE + 16)
#define SITE	  (HERE + 8)
/* The distance from HERE differs from SLOT's from the second byte on, which is e8. */
#define NEXT_SLOT   (SLOT + 0xe900)
#define FTRACE_SITE (HERE + 26)
/* The distance from a call at SITE begins with cc, as int3 does. */
#define LIKE_INT3 (SITE + 5 + 0xfcc)

static void owner_find(unsigned long address, struct owner *ret)
{
	ret->kind = address < SLOT	? OWNER_KERNEL
		    : address < FOREIGN ? OWNER_TRAMPOLINE
		    : address < NOBODYS ? OWNER_FOREIGN
					: OWNER_NOBODY;
}

static void symbols_describe(char *to, unsigned long address)
{
	strcpy(to, address == FTRACE ? "ftrace_caller" : "something");
}

static bool kprobe_table_has(unsigned long address)
{
	return address == PROBED;
}

static unsigned long guard_read(const void *address)
{
	return (unsigned long)address;
}

static bool are_sites_known;
static bool is_entry_a_site;

static bool patch_sites_are_known(unsigned long address)
{
	return are_sites_known && address < ELSEWHERE;
}

static bool patch_sites_has(unsigned long address)
{
	return are_sites_known && (address == SITE || address == FTRACE_SITE ||
				   (is_entry_a_site && address == HERE));
}

static bool patch_sites_find(unsigned long address, unsigned long *ret)
{
	bool is_of_entry = is_entry_a_site && address - HERE < 5;

	*ret = is_of_entry ? HERE : SITE;
	return are_sites_known && (is_of_entry || address - SITE < 5);
}

static bool patch_sites_is_of_ftrace(unsigned long address)
{
	return address == FTRACE_SITE;
}

#include "../../kernel/code.c"

#define SIZE	    32
#define NOP	    "\x0f\x1f\x44\x00\x00"
#define TEST	    "\x85\xc0\x74\x10\x90" /* test, je, nop: as of no patch */
#define RET	    "\xc3\xcc\xcc\xcc\xcc"
#define ZERO	    "\x66\x66\x48\x31\xc0"
#define UNLOCK	    "\x3e\x3e\xc6\x07\x00"
#define SHORT_NOP   "\x66\x90\x90\x90\x90"
#define SHORT_LABEL "\xeb\x10\x90\x90\x90"

/* five bytes: as they are, or a call or jump to where @to says */
struct five {
	const char *bytes;
	u8 opcode;
	unsigned long to;
};

static void put(u8 *code, size_t at, const struct five *five)
{
	s32 distance = (s32)(five->to - (HERE + at + 5));

	if (five->bytes) {
		memcpy(code + at, five->bytes, 5);
		return;
	}
	code[at] = five->opcode;
	memcpy(code + at + 1, &distance, sizeof(distance));
}

#define AS(text)                \
	{                       \
		.bytes = (text) \
	}
#define CALLS(to)                \
	{                        \
		NULL, 0xe8, (to) \
	}
#define JUMPS(to)                \
	{                        \
		NULL, 0xe9, (to) \
	}

static bool is_unlawful(size_t at, const struct five *was, const struct five *is,
			u8 ahead)
{
	u8 before[SIZE], now[SIZE];
	struct code_change change;

	memset(before, 0x90, sizeof(before));
	if (ahead)
		before[at - 1] = ahead;
	memcpy(now, before, sizeof(now));
	put(before, at, was);
	put(now, at, is);
	return code_find_change(HERE, now, before, SIZE, &change);
}

static void test_change(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		struct five before, now;
		bool want;
		u8 ahead; /* the byte before them; 0: a nop */
	} cases[] = {
		{ "nothing", 0, AS(NOP), AS(NOP), false },
		{ "entry: ftrace calls a trampoline", 0, AS(NOP), CALLS(SLOT), false },
		{ "entry: ftrace calls its own", 0, AS(NOP), CALLS(FTRACE), false },
		{ "entry: ftrace calls no more", 0, CALLS(FTRACE), AS(NOP), false },
		{ "entry: an optimised kprobe", 0, AS(TEST), JUMPS(SLOT), false },
		{ "entry: a jump to a module", 0, AS(NOP), JUMPS(FOREIGN), true },
		{ "entry: a jump to nobody's", 0, AS(NOP), JUMPS(NOBODYS), true },
		{ "entry: a jump to the kernel", 0, AS(NOP), JUMPS(ELSEWHERE), true },
		{ "entry: a call of the kernel", 0, AS(NOP), CALLS(ELSEWHERE), true },
		{ "entry: a jump to ftrace's return", 0, AS(NOP), JUMPS(FTRACE), true },
		{ "entry: a return, as of a tail call", 0, AS(NOP), AS(RET), true },
		{ "entry: a return", 0, AS(NOP), AS("\xc3\x1f\x44\x00\x00"), true },
		{ "jump label on", 8, AS(NOP), JUMPS(HERE + 24), false },
		{ "jump label off", 8, JUMPS(HERE + 24), AS(NOP), false },
		{ "static call to another", 8, CALLS(ELSEWHERE), CALLS(FTRACE), false },
		{ "static call to another, cc in its distance", 8, CALLS(ELSEWHERE),
		  CALLS(LIKE_INT3), false },
		{ "a breakpoint in the place of a call", 8, CALLS(ELSEWHERE),
		  AS("\xcc\xf3\x0f\x00\x00"), true },
		{ "static call to nothing", 8, CALLS(ELSEWHERE), AS(NOP), false },
		{ "static call that returns 0", 8, CALLS(ELSEWHERE), AS(ZERO), false },
		{ "static call that unlocks", 8, CALLS(ELSEWHERE), AS(UNLOCK), false },
		{ "static call that unlocked", 8, AS(UNLOCK), CALLS(ELSEWHERE), false },
		{ "tail call to nothing", 8, JUMPS(ELSEWHERE), AS(RET), false },
		{ "tail call again", 8, AS(RET), JUMPS(ELSEWHERE), false },
		{ "an optimised kprobe", 8, AS(TEST), JUMPS(SLOT), false },
		{ "a call of a module", 8, CALLS(ELSEWHERE), CALLS(FOREIGN), true },
		{ "a jump over a check", 8, AS(TEST), JUMPS(HERE + 24), true },
		{ "a call in place of a check", 8, AS(TEST), CALLS(ELSEWHERE), true },
		{ "a return where a label was", 8, AS(NOP), AS(RET), true },
		{ "a kprobe", 16, AS(TEST), AS("\xcc\xc0\x74\x10\x90"), false },
		{ "a breakpoint", 8, AS(TEST), AS("\xcc\xc0\x74\x10\x90"), true },
		{ "code in padding", 16, AS("\xcc\xcc\xcc\xcc\xcc"), CALLS(ELSEWHERE),
		  true },
		{ "a label that was being patched", 8, AS("\xcc\x1f\x44\x00\x00"),
		  JUMPS(HERE + 24), false },
		{ "entry: from one trampoline to another", 0, CALLS(SLOT),
		  CALLS(NEXT_SLOT), false },
		{ "entry: from a trampoline that is gone", 0, CALLS(NOBODYS), AS(NOP),
		  false },
		{ "entry: from a trampoline's jump, of BPF's, to none", 0, JUMPS(SLOT),
		  AS(NOP), false },
		{ "entry: from a jump to a trampoline that is gone", 0, JUMPS(NOBODYS),
		  AS(NOP), false },
		{ "entry: a jump of the kernel's own that is gone", 0, JUMPS(ELSEWHERE),
		  AS(NOP), true },
		{ "entry: a short label, where none is", 0, AS(SHORT_NOP),
		  AS(SHORT_LABEL), true },
		{ "entry: an unlock, where none is", 0, AS(NOP), AS(UNLOCK), true },
		{ "entry: a check that is gone", 0, AS(TEST), AS(NOP), true },
		{ "ftrace calls, of a function without a name", 16, AS(NOP),
		  CALLS(FTRACE), false },
		{ "a call of a trampoline in place of another", 16, CALLS(ELSEWHERE),
		  CALLS(SLOT), true },
		{ "ftrace's own call, to another", 26, CALLS(FTRACE), CALLS(ELSEWHERE),
		  false },
		{ "ftrace's own call, that was being patched", 26,
		  AS("\xcc\x01\x02\x03\x04"), CALLS(ELSEWHERE), false },
		{ "ftrace's own call, gone", 26, CALLS(FTRACE), AS(NOP), true },
		{ "a second processor", 8, AS("\x3e\xff\x07\x90\x90"),
		  AS("\xf0\xff\x07\x90\x90"), false },
		{ "a lock that goes", 8, AS("\xf0\xff\x07\x90\x90"),
		  AS("\x3e\xff\x07\x90\x90"), true },
		{ "another's bytes", 8, AS(TEST), AS("\x31\xc0\x74\x10\x90"), true },
		{ "short label on", 8, AS("\x66\x90\x90\x90\x90"),
		  AS("\xeb\x10\x90\x90\x90"), false },
		{ "short label that was being patched", 8, AS("\xcc\x90\x90\x90\x90"),
		  AS(SHORT_LABEL), false },
		{ "a return where a short label was being patched", 8,
		  AS("\xcc\x90\x90\x90\x90"), AS("\xc3\x90\x90\x90\x90"), true },
		{ "label off, behind what looks like a call", 8, JUMPS(HERE + 24),
		  AS(NOP), false, 0xe8 },
		{ "static call gone, behind what looks like a jump", 8, CALLS(ELSEWHERE),
		  AS(NOP), false, 0xe9 },
	};
	/* Where none is patched. What is unlawful at a site is so there, too. */
	static const struct {
		const char *name;
		struct five before, now;
	} unlawful[] = {
		{ "no static call, to another", CALLS(ELSEWHERE), CALLS(FTRACE) },
		{ "no static call, gone", CALLS(ELSEWHERE), AS(NOP) },
		{ "no static call, returns 0", CALLS(ELSEWHERE), AS(ZERO) },
		{ "no label, on", AS(NOP), JUMPS(HERE + 2) },
		{ "no label, off", JUMPS(HERE + 2), AS(NOP) },
		{ "no short label", AS("\x66\x90\x90\x90\x90"),
		  AS("\xeb\x10\x90\x90\x90") },
	};

	(void)state;
	are_sites_known = true;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number(cases[i].name, "is unlawful",
			      is_unlawful(cases[i].at, &cases[i].before, &cases[i].now,
					  cases[i].ahead),
			      cases[i].want);
	for (size_t i = 0; i < ARRAY_SIZE(unlawful); i++) {
		are_sites_known = true;
		expect_number(unlawful[i].name, "is unlawful",
			      is_unlawful(24, &unlawful[i].before, &unlawful[i].now, 0),
			      true);
		are_sites_known = false;
		expect_number(unlawful[i].name, "is unlawful in a module",
			      is_unlawful(24, &unlawful[i].before, &unlawful[i].now, 0),
			      false);
	}
}

static void test_site_at_entry(void **state)
{
	static const struct {
		const char *name;
		struct five before, now;
		bool want;
	} cases[] = {
		{ "short label on", AS(SHORT_NOP), AS(SHORT_LABEL), false },
		{ "short label off", AS(SHORT_LABEL), AS(SHORT_NOP), false },
		{ "label on", AS(NOP), JUMPS(HERE + 24), false },
		{ "a jump to a module", AS(NOP), JUMPS(FOREIGN), true },
		{ "a return", AS(SHORT_NOP), AS("\xc3\x90\x90\x90\x90"), true },
	};

	(void)state;
	are_sites_known = is_entry_a_site = true;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number(cases[i].name, "is unlawful",
			      is_unlawful(0, &cases[i].before, &cases[i].now, 0),
			      cases[i].want);
	is_entry_a_site = false;
}

static void test_traced(void **state)
{
	static const struct {
		const char *name;
		struct five before, now;
		bool want;
	} cases[] = {
		{ "on, its own", AS(NOP), CALLS(FTRACE), true },
		{ "on, the same again", AS(NOP), CALLS(FTRACE), true },
		{ "on, a trampoline", AS(NOP), CALLS(SLOT), true },
		{ "off", CALLS(FTRACE), AS(NOP), true },
		{ "a call of the kernel", AS(NOP), CALLS(ELSEWHERE), false },
		{ "a call of a module", AS(NOP), CALLS(FOREIGN), false },
		{ "a jump", AS(NOP), JUMPS(SLOT), false },
		{ "in place of a check", AS(TEST), CALLS(FTRACE), false },
		{ "from one to another", CALLS(FTRACE), CALLS(SLOT), false },
		{ "off, of who is gone", CALLS(NOBODYS), AS(NOP), true },
		{ "on, of who is gone", AS(NOP), CALLS(NOBODYS), false },
	};
	struct code_traced known = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 before[SIZE], now[SIZE];

		put(before, 0, &cases[i].before);
		put(now, 0, &cases[i].now);
		expect_number(cases[i].name, "is traced",
			      code_is_traced(HERE, now, before, &known), cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_change),
					    cmocka_unit_test(test_site_at_entry),
					    cmocka_unit_test(test_traced) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
