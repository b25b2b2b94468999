/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who called the function that a probe sits on: the return addresses on the stack. What the
 * kernel does by itself is told from what a module makes it do by nothing else.
 */
#ifndef PHOTON_RING_CALLERS_H
#define PHOTON_RING_CALLERS_H

#include <linux/kprobes.h>
#include <linux/ptrace.h>

#include "emit.h"
#include "owner.h"

/**
 * callers_note() - keep the callers of the function that was just entered
 * @record: its callers are set
 * @kprobe: on the first instruction of that function
 * @regs: as its handler got them
 *
 * Callable from a kprobe handler.
 */
void callers_note(struct emit_record *record, const struct kprobe *kprobe,
		  struct pt_regs *regs);

/* Is one of them not of the kernel image? Callable from a kprobe handler. */
bool callers_has_outsider(const struct emit_record *record);

/**
 * callers_find_stranger() - find the nearest one in a foreign module or nobody's memory
 * @ret: whose it is
 *
 * May sleep. Return: its index in the record's callers, or -ENOENT
 */
int callers_find_stranger(const struct emit_record *record, struct owner *ret);

#endif
