/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose memory an address lies in. How bad a hook is follows from that, and from nothing
 * else. The roster is this module's own list of modules, filled as they come: a module
 * that takes itself out of the kernel's lists stays in it.
 */
#ifndef PHOTON_RING_OWNER_H
#define PHOTON_RING_OWNER_H

#include <linux/module.h>
#include <linux/types.h>

#include "emit.h"

enum owner_kind {
	OWNER_KERNEL,	  /* the kernel image */
	OWNER_IN_TREE,	  /* a signed module of this kernel's own */
	OWNER_TRAMPOLINE, /* code that ftrace, kprobes or BPF made */
	OWNER_FOREIGN,	  /* an out-of-tree or unsigned module */
	OWNER_NOBODY,
	OWNER_KIND_COUNT
};

/**
 * struct owner - whose an address is
 * @module: for OWNER_IN_TREE and OWNER_FOREIGN; "" otherwise; hostile bytes
 */
struct owner {
	enum owner_kind kind;
	char module[MODULE_NAME_LEN];
};

#define ROSTER_PARTS_MAX 8

/*
 * What makes a module foreign: as it was when its init had not run yet. A staging driver that
 * is signed is the kernel's own.
 */
#define OWNER_FOREIGN_TAINTS                                        \
	(BIT(TAINT_PROPRIETARY_MODULE) | BIT(TAINT_FORCED_MODULE) | \
	 BIT(TAINT_OOT_MODULE) | BIT(TAINT_UNSIGNED_MODULE))

/**
 * struct roster_module - a module, as it was when its init had not run yet
 * @node: the roster's
 * @module: its identity; memory that is gone once it has left
 * @parts: its memory, init memory too until it is live
 * @is_foreign: out of tree, unsigned, proprietary or forced
 * @is_starting: its init runs
 * @is_leaving: its exit function or what follows a failed init runs
 * @presence: as last seen by the guard of modules
 * @taints: as when its init had not run yet
 */
struct roster_module {
	struct list_head node;
	const struct module *module;
	char name[MODULE_NAME_LEN];
	struct {
		unsigned long start;
		unsigned long size;
	} parts[ROSTER_PARTS_MAX];
	bool is_foreign;
	bool is_starting;
	bool is_leaving;
	unsigned long presence;
	unsigned long taints;
};

/* Says which symbols it needs, before symbols_resolve(). */
void owner_want(void);

/*
 * Fills the roster with the modules that are there already. After symbols_resolve(), and
 * with the sensor of modules running, so that none comes or goes unseen. May sleep.
 */
int owner_init(void);
void owner_deinit(void);

/* A module came, its init begins, became live, is about to leave, has left. May sleep. */
int roster_add(const struct module *module);
void roster_set_starting(const struct module *module);
void roster_set_live(const struct module *module);
void roster_set_leaving(const struct module *module);
void roster_remove(const struct module *module);

/* Copies where a module's memory is, and nothing else. */
void roster_copy_parts(struct roster_module *to, const struct module *module);

/**
 * roster_each() - look at every module
 * @visit: with the roster locked; ends the walk by another value than 0
 *
 * May sleep. Return: that value, or 0
 */
int roster_each(int (*visit)(struct roster_module *module, void *data), void *data);

/**
 * roster_suspects() - who can have done what nobody's address tells
 * @to: names of the modules whose init or exit runs now, "a,b"; "" if there is none
 *
 * Return: how many there are
 */
size_t roster_suspects(char *to, size_t size);

/* May sleep. Never fails: what is not known is nobody's. */
void owner_find(unsigned long address, struct owner *ret);

/* Is there a module of that name, and is it foreign? May sleep. */
bool owner_is_foreign(const char *module);

/* Does it lie in the kernel image? Callable from a kprobe handler. */
bool owner_is_kernel(unsigned long address);

/* Is it code of ours? What we hook ourselves is not to be told. */
bool owner_is_self(unsigned long address);

/* How bad it is to have something at that owner's called: info, high or critical. */
enum emit_severity owner_severity(const struct owner *owner);

#endif
