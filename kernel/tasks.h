/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What guard_tasks.c, which walks the tasks, has in common with those who look at each:
 * known_creds.c at credentials, foreign_threads.c at the kernel's threads. Everything here
 * is called by one visit at a time, and all that has _look in its name under RCU.
 */
#ifndef PHOTON_RING_TASKS_H
#define PHOTON_RING_TASKS_H

#include <linux/sched.h>
#include <linux/types.h>

enum finding_kind {
	FOUND_UNKILLABLE,
	FOUND_CREDS_IN_PLACE, /* ids or capabilities that nobody committed */
	FOUND_CREDS_INIT,     /* those of the first task of all */
	FOUND_CREDS_SHARED,   /* those of another process */
	FOUND_THREAD,	      /* a kernel thread's function */
	FOUND_WORK,	      /* a work item's function */
	FOUND_STACK,	      /* a kernel thread has called it */
	FOUND_KIND_COUNT
};

/**
 * struct task_name - which task; it may be gone when that is told
 */
struct task_name {
	pid_t pid;
	char comm[TASK_COMM_LEN];
};

void task_name_set(struct task_name *to, const struct task_struct *task);

/**
 * tasks_found() - note something that must not be
 * @what: with the kind, tells this from all others: seen again, it is not told again
 * @address: of code; for the kinds that are about code
 */
void tasks_found(enum finding_kind kind, const void *what, const struct task_name *name,
		 unsigned long address);

int known_creds_start(void);
void known_creds_stop(void);

/* Before a walk. May sleep. */
void known_creds_begin(void);

/* Looks at a task's credentials, and remembers them until the walk after the next one. */
void known_creds_look(const struct task_struct *task);

/* After a walk: lets those go that were remembered before. */
void known_creds_end(void);

/* Before a walk; @is_deep: look at the stacks of threads, too. */
void foreign_threads_begin(bool is_deep);

/* Looks at a kernel thread. Return: whether there is room for another one */
bool foreign_threads_look(struct task_struct *task);

/* Judges what was seen since the last call. May sleep. */
void foreign_threads_judge(void);

#endif
