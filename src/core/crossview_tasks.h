/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden processes: every number that some system call knows must be listed in /proc, or
 * be a thread of one that is; and what is listed must be known to the system calls.
 *
 * The proof that it is hidden does not rest on time: a handle on the process (pidfd_open(2))
 * is taken, /proc is listed, and the handle still leads to a process. It was there before
 * and after, so the list had to show it. Only what is listed and known to nothing else, as
 * when it was taken out of the kernel's table of process ids, must stay so for some looks.
 */
#ifndef CORE_CROSSVIEW_TASKS_H
#define CORE_CROSSVIEW_TASKS_H

#include "core/crossview.h"

/** TASKS_SLICE - so many numbers are tried in one step: some 50 ms */
#define TASKS_SLICE ((pid_t)1 << 18)

enum task_probe {
	TASK_KILL, /* the first: always asked */
	TASK_GETPGID,
	TASK_GETSID,
	TASK_PRIORITY,
	TASK_SCHEDULER,
	TASK_AFFINITY,
	TASK_IOPRIO,
	TASK_PROBES,
};

/** What asks the kernel; for tests. */
struct task_calls {
	void *context;
	/* Return: 0 it knows @pid; -ESRCH it does not; another error: nothing is known */
	int (*probe)(void *context, enum task_probe probe, pid_t pid);
	/* Return: a handle on this very process, to be closed; -errno, also for a thread */
	int (*hold)(void *context, pid_t pid);
	bool (*is_held)(void *context, int handle);
	void (*pause)(void *context);
};

extern const struct task_calls task_calls_kernel;

/** From /proc/PID/stat and /proc/PID/status; @start in ticks since boot. */
struct task_facts {
	pid_t tgid;
	uint64_t start;
	uint64_t uid;
	size_t comm_len;
	char comm[64];
};

/** task_parse_stat(), task_parse_status() - fill in what the file says; 0 or -EBADMSG */
int task_parse_stat(struct span text, struct task_facts *ret);
int task_parse_status(struct span text, struct task_facts *ret);

struct tasks;

/**
 * tasks_create()
 * @proc: the folder /proc
 * @reason: gets a sentence if processes cannot be compared here
 *
 * Return: 0; -EOPNOTSUPP: @reason says why; -errno.
 */
int tasks_create(const char *proc, const struct task_calls *calls, struct tasks **ret,
		 struct buffer *reason);
void tasks_destroy(struct tasks *t);

/**
 * tasks_begin() - the next round
 * @is_full: try every number up to pid_max; else no further than this boot can have got
 *
 * Return: the number of steps.
 */
size_t tasks_begin(struct tasks *t, bool is_full);

/** tasks_step() - the next slice of numbers; false if the round was over before */
bool tasks_step(struct tasks *t, struct findings *out);

#endif
