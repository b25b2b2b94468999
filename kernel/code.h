/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changed in code, by what the bytes do: a jump, a call, a breakpoint. Kernel text is
 * rewritten lawfully all the time (jump labels, static calls, ftrace, kprobes), so that
 * bytes differ says nothing; where they lead to says it.
 */
#ifndef PHOTON_RING_CODE_H
#define PHOTON_RING_CODE_H

#include <linux/types.h>

enum code_kind {
	CODE_JUMP,
	CODE_CALL,
	CODE_BREAKPOINT, /* int3, and no kprobe is known there */
	CODE_BYTES,	 /* something else */
	CODE_KIND_COUNT
};

/**
 * struct code_change - the first unlawful difference
 * @offset: in bytes, from the start of what was compared
 * @kind: what is there now
 * @target: of a jump or call; otherwise 0
 */
struct code_change {
	size_t offset;
	enum code_kind kind;
	unsigned long target;
};

/* Longest code that can be compared at once, in bytes */
#define CODE_SIZE_MAX 4096

/* Bytes of a call with a 32-bit distance */
#define CODE_CALL_SIZE 5

/**
 * code_find_change() - compare code with a copy of it
 * @address: where the code is
 * @now: its bytes as they are, @size of them, at most CODE_SIZE_MAX
 * @before: as they were
 * @ret: set if there is an unlawful difference
 *
 * May sleep. Return: whether there is one
 */
bool code_find_change(unsigned long address, const u8 *now, const u8 *before, size_t size,
		      struct code_change *ret);

/**
 * code_find_hook() - look at the first instruction of a function of which there is no copy
 *
 * As code_find_change(): a jump or call that leads to where none may, or a breakpoint.
 */
bool code_find_hook(unsigned long address, const u8 *now, size_t size,
		    struct code_change *ret);

/* Where calls of ftrace's lead, and where those led that are no more */
struct code_traced {
	unsigned long on;
	unsigned long off;
};

/**
 * code_is_traced() - does one instruction differ because ftrace traces its function, or did?
 * @address: where the instruction is
 * @now: its CODE_CALL_SIZE bytes
 * @before: as they were
 * @known: targets that are ftrace's, or 0; the caller's, for as long as they stay that
 *
 * A short way: code_find_change() says the same. May sleep.
 */
bool code_is_traced(unsigned long address, const u8 *now, const u8 *before,
		    struct code_traced *known);

/* Return: how many bytes are the same, from the first on */
size_t code_n_same(const u8 *now, const u8 *before, size_t size);

/*
 * How often a change has to be seen before it is believed. What the kernel is about to patch
 * looks like tampering for a moment: text_poke_bp() leaves a breakpoint, ftrace forgets a
 * trampoline before its last call is gone. Pauses double, so a moment is about 100 ms at the
 * most; for a breakpoint, about 400 ms, for it stands until all processors have been told of
 * it twice, also those that hardly run.
 */
#define CODE_LOOK_PAUSE_US 2000
size_t code_n_looks(const struct code_change *change);

/* What a change is, as one word for a guard; never 0 */
unsigned long code_change_value(const struct code_change *change);

/* Decodes a call or jump with a 32-bit distance. Return: its target, or 0 */
unsigned long code_near_target(unsigned long address, const u8 *bytes, size_t size);

extern const char *const code_kind_names[CODE_KIND_COUNT];

#endif
