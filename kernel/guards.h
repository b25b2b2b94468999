/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All guards: when they look. What they look at is guard.h's.
 */
#ifndef PHOTON_RING_GUARDS_H
#define PHOTON_RING_GUARDS_H

#include "guard.h"
#include "watched_work.h"

extern const struct guard guard_ftrace;
extern const struct guard guard_hidden_code;
extern const struct guard guard_image;
extern const struct guard guard_kprobes;
extern const struct guard guard_lsm;
extern const struct guard guard_netfilter;
extern const struct guard guard_notifiers;
extern const struct guard guard_processes;
extern const struct guard guard_syscalls;
extern const struct guard guard_modules;
extern const struct guard guard_objects;
extern const struct guard guard_pointers;
extern const struct guard guard_proc;
extern const struct guard guard_cpu;
extern const struct guard guard_tasks;
extern const struct guard guard_text;
extern const struct guard guard_tracepoints;
extern const struct guard guard_variables;

extern struct watched_work guards_sweep_work;

/* Says which symbols they need, before symbols_resolve(). */
void guards_want(void);

/* Takes the first look, and begins to sweep. */
void guards_start(void);

/* From then on, checks do nothing. */
void guards_stop(void);

/* Looks at everything, now. May sleep. */
void guards_check(const struct guard_who *who);

/* Looks at one of them, now. May sleep. */
void guards_check_one(const struct guard *guard, const struct guard_who *who);

/**
 * guards_coverage() - which there are
 * @is_running: those that work, or those that this kernel cannot carry
 * @to: has a list "a,b" or nothing; is added to
 */
void guards_coverage(bool is_running, char *to, size_t size);

/* Is that the name of a setting that guard_variables looks at? From a kprobe handler. */
bool guard_variables_knows(const char *name);

/* Is that code that guard_text looks at? */
bool guard_text_has(unsigned long address);

/* Is that a table that guard_pointers looks at? */
bool guard_pointers_has(unsigned long table);

#endif
