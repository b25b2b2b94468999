// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kprobes put into code: int3, and in its place later a jump to where the probe's
 * handlers are called from (arch/x86/kernel/kprobes/opt.c; by text_poke_bp(), so the
 * distance stands behind the int3 for a moment). A probe may be made or go while we copy:
 * what it left would be taken for the kernel's own code, and that for tampering later. So
 * a piece is copied until two copies of it are the same.
 */
#include "code_copy.h"

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "kprobe_table.h"

#define INT3	  0xcc
#define JUMP	  0xe9
#define JUMP_SIZE 5

/* A jump may begin before a piece or end behind it. */
#define MARGIN	     (JUMP_SIZE - 1)
#define PIECE	     (64 << 10)
#define TRIES	     50
#define TRY_AGAIN_US 200

struct piece {
	u8 *bytes;
	unsigned long start;
	size_t size;
};

/* Puts back what the jump of an optimised probe covers. Return: whether there is one */
static bool put_behind_jump(u8 *bytes, const struct kprobe *where, unsigned long address)
{
#ifdef CONFIG_OPTPROBES
	const struct optimized_kprobe *optimized = container_of(
		where, struct optimized_kprobe, kp);
	kprobe_opcode_t *slot;
	s32 distance;

	/* Of a probe that is none of these the read goes astray, and does not match. */
	if (copy_from_kernel_nofault(&slot, &optimized->optinsn.insn, sizeof(slot)))
		return false;
	distance = (s32)((unsigned long)slot - (address + JUMP_SIZE));
	return !memcmp(bytes, &distance, sizeof(distance)) &&
	       !copy_from_kernel_nofault(bytes, optimized->optinsn.copied_insn,
					 sizeof(distance));
#else
	return false;
#endif
}

static void put_original(const struct kprobe *where, const struct kprobe *probe,
			 void *data)
{
	struct piece *piece = data;
	unsigned long address = (unsigned long)probe->addr;
	size_t offset = address - piece->start;
	u8 *at = piece->bytes + offset;
	bool is_optimized;

	/* ftrace calls the handlers: what is there is the kernel's, and no byte is kept. */
	if (offset >= piece->size || (probe->flags & KPROBE_FLAG_FTRACE))
		return;
	is_optimized = piece->size - offset >= JUMP_SIZE &&
		       put_behind_jump(at + 1, where, address);
	if (*at == INT3 || is_optimized)
		*at = probe->opcode;
}

static int copy_once(const struct piece *piece)
{
	if (copy_from_kernel_nofault(piece->bytes, (void *)piece->start, piece->size))
		return -EFAULT;
	kprobe_table_each(put_original, (void *)piece);
	return 0;
}

static int copy_twice(const struct piece *piece, const struct piece *again)
{
	size_t i;
	int error;

	for (i = 0; i < TRIES; i++) {
		error = copy_once(piece) ?: copy_once(again);
		if (error || !memcmp(piece->bytes, again->bytes, piece->size))
			return error;
		usleep_range(TRY_AGAIN_US, 2 * TRY_AGAIN_US);
	}
	return 0;
}

int code_copy(u8 *to, unsigned long start, size_t size)
{
	u8 *buffers = kvmalloc(2 * min_t(size_t, size, PIECE + 2 * MARGIN), GFP_KERNEL);
	size_t at, before, n;
	int error = buffers ? 0 : -ENOMEM;

	for (at = 0; !error && at < size; at += n) {
		struct piece piece, again;

		before = min_t(size_t, at, MARGIN);
		n = min_t(size_t, size - at, PIECE);
		piece = (struct piece){ buffers, start + at - before,
					before + min_t(size_t, size - at, n + MARGIN) };
		again = piece;
		again.bytes += piece.size;
		error = copy_twice(&piece, &again);
		if (!error)
			memcpy(to + at, buffers + before, n);
		cond_resched();
	}
	kvfree(buffers);
	return error;
}
