/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry probes: kprobes on the first instruction of functions of the kernel, in tables. A
 * symbol that this kernel does not have costs its row.
 */
#ifndef PHOTON_RING_PROBES_H
#define PHOTON_RING_PROBES_H

#include <linux/kprobes.h>
#include <linux/types.h>

/**
 * struct entry_probe - a function, and what is done before it runs
 * @symbol: of the kernel
 * @handler: a kprobe's; always returns 0
 * @is_spare: no loss if it is missing: another row does in its place
 * @is_armed: probes_arm()'s, as is @kprobe
 */
struct entry_probe {
	const char *symbol;
	int (*handler)(struct kprobe *kprobe, struct pt_regs *regs);
	bool is_spare;
	bool is_armed;
	struct kprobe kprobe;
};

/* Of all tables together */
#define PROBES_MAX 64

/**
 * probes_arm() - register a table
 * @probes: @n of them, static
 *
 * Return: 0 if at least one is armed, else the error of the first one
 */
int probes_arm(struct entry_probe *probes, size_t n);

/* All tables at once: the kernel waits long for each call, not for each probe. */
void probes_disarm_all(void);

/* How often a handler could not run, since they were armed. */
unsigned long probes_n_missed(void);

/**
 * probes_each() - look at every armed probe
 * @visit: is told of each, with its state; @i is its number, below PROBES_MAX
 *
 * May sleep.
 */
void probes_each(void (*visit)(size_t i, const struct entry_probe *probe,
			       bool is_working));

/*
 * Has the task that runs that capability where it counts? In a user namespace of its own
 * everybody has all of them. Callable from a kprobe handler.
 */
bool probe_is_by_capable(int capability);

/* Will @kprobe be hit? Its flags, the kernel's table and the code must all say so. */
bool probe_is_working(const struct kprobe *kprobe);

#endif
