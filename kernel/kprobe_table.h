/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own table of kprobes, read without a lock and without faulting. */
#ifndef PHOTON_RING_KPROBE_TABLE_H
#define PHOTON_RING_KPROBE_TABLE_H

#include <linux/kprobes.h>
#include <linux/types.h>

void kprobe_table_want(void);
bool kprobe_table_is_known(void);

/* Is there a kprobe at @address? Unknown is no. */
bool kprobe_table_has(unsigned long address);

/**
 * kprobe_table_each() - look at every kprobe
 * @visit: gets a copy of it, with preemption off; several at one address are one, whose
 * pre_handler is the kernel's
 */
void kprobe_table_each(void (*visit)(const struct kprobe *where,
				     const struct kprobe *copy, void *data),
		       void *data);

/*
 * Which struct kprobe are told of by those who see the registration. Only the latest are
 * kept in mind.
 *
 * kprobe_table_note_asked(): one is being registered. Return: its place, for
 * kprobe_table_note_answer(), which says whether it was. Both callable from a kprobe
 * handler.
 *
 * kprobe_table_is_noted(): was it? May sleep while it is being registered, but not for
 * long: who never returns from a registration is not believed.
 */
unsigned int kprobe_table_note_asked(unsigned long probe);
void kprobe_table_note_answer(unsigned int place, unsigned long probe,
			      bool is_registered);
bool kprobe_table_is_noted(unsigned long probe);

#endif
