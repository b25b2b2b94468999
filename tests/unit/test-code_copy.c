// SPDX-License-Identifier: Apache-2.0
/*
 * kernel/code_copy: code is copied as it is without probes, also while they come and go.
 * The kernel's own is faked here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

typedef uint8_t u8;
typedef int32_t s32;

#include "kernel/linux/kprobes.h"

#define PHOTON_RING_KPROBE_TABLE_H
#define CONFIG_OPTPROBES
#define GFP_KERNEL 0
#ifndef container_of
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer)-offsetof(type, member)))
#endif
#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))

#define kvmalloc(size, flags)	  malloc(size)
#define kvfree			  free
#define cond_resched()		  ((void)0)
#define usleep_range(least, most) ((void)(least), (void)(most))

/* More than one piece, and where two of them meet */
#define SIZE (3 * 65536 + 100)
#define SEAM 65536

static u8 code[SIZE + 8];
static struct optimized_kprobe probe;
static bool is_in_table;

/* What another processor does after so many reads of code, for as long as it lasts */
static size_t n_reads;
static void (*happens)(void);

static long copy_from_kernel_nofault(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	if ((const u8 *)from >= code && (const u8 *)from < code + SIZE && happens) {
		happens();
		n_reads++;
	}
	return 0;
}

static void kprobe_table_each(void (*visit)(const struct kprobe *where,
					    const struct kprobe *copy, void *data),
			      void *data)
{
	struct kprobe copy = probe.kp;

	if (is_in_table)
		visit(&probe.kp, &copy, data);
}

#include "../../kernel/code_copy.c"

static void put_distance(size_t at)
{
	s32 distance = (s32)((unsigned long)probe.optinsn.insn -
			     ((unsigned long)(code + at) + 5));

	memcpy(code + at + 1, &distance, sizeof(distance));
}

static void make_probe(size_t at, u8 now, bool is_jump, uint32_t flags)
{
	static u8 slot[16];

	probe = (struct optimized_kprobe){
		.kp = { code + at, code[at], flags },
		.optinsn = { .insn = slot },
	};
	memcpy(probe.optinsn.copied_insn, code + at + 1, 4);
	code[at] = now;
	if (is_jump)
		put_distance(at);
	is_in_table = true;
}

static void fill(void)
{
	size_t i;

	for (i = 0; i < sizeof(code); i++)
		code[i] = (u8)(i % 199);
	is_in_table = false;
	n_reads = 0;
	happens = NULL;
}

/* The probe is disarmed, and then forgotten, after the first copy of where it is. */
static void goes(void)
{
	if (n_reads)
		return;
	*probe.kp.addr = probe.kp.opcode;
	memcpy(probe.kp.addr + 1, probe.optinsn.copied_insn, 4);
	is_in_table = false;
}

/* It comes after the first copy. */
static void comes(void)
{
	if (n_reads)
		return;
	*probe.kp.addr = INT3;
	is_in_table = true;
}

static void test_copy(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		u8 now;
		bool is_jump;
		uint32_t flags;
		bool is_kept; /* it stays in the copy */
		void (*happens)(void);
	} cases[] = {
		{ "a breakpoint", 10, INT3, false, 0, false, NULL },
		{ "a jump", 10, JUMP, true, 0, false, NULL },
		{ "a jump, half patched", 10, INT3, true, 0, false, NULL },
		{ "a jump across two pieces", SEAM - 3, JUMP, true, 0, false, NULL },
		{ "a jump that ends with a piece", SEAM - 5, JUMP, true, 0, false, NULL },
		{ "a jump that begins a piece", SEAM, JUMP, true, 0, false, NULL },
		{ "a jump at the end", SIZE - 5, JUMP, true, 0, false, NULL },
		{ "the code's own jump, with a probe", 10, JUMP, false, 0, true, NULL },
		{ "of ftrace's, while it patches", 10, INT3, false, KPROBE_FLAG_FTRACE,
		  true, NULL },
		{ "a breakpoint that goes", 10, INT3, false, 0, false, goes },
		{ "a jump that goes", 10, JUMP, true, 0, false, goes },
		{ "a breakpoint that comes", 10, 10, false, 0, false, comes },
	};
	static u8 want[SIZE], got[SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fill();
		memcpy(want, code, SIZE);
		make_probe(cases[i].at, cases[i].now, cases[i].is_jump, cases[i].flags);
		if (cases[i].is_kept)
			want[cases[i].at] = cases[i].now;
		is_in_table = cases[i].happens != comes;
		happens = cases[i].happens;
		expect_number(cases[i].name, "error",
			      code_copy(got, (unsigned long)code, SIZE), 0);
		expect_number(cases[i].name, "differs", memcmp(got, want, SIZE) != 0, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_copy) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
