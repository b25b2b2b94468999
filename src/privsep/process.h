/* SPDX-License-Identifier: Apache-2.0 */
/* Starting child processes that have what is meant for them and nothing else. */
#ifndef PRIVSEP_PROCESS_H
#define PRIVSEP_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/** A set of open descriptors, sorted. */
struct descriptors {
	int *items; /* owned */
	size_t n;
};

/** descriptors_list() - those that are open in this process now; 0 or -errno */
int descriptors_list(struct descriptors *ret);
void descriptors_deinit(struct descriptors *d);

bool descriptors_has(const struct descriptors *d, int fd);

/**
 * descriptors_update() - take the difference of two lists into account
 * @d: loses what is not in @after, gains what is in @after but not in @before
 */
int descriptors_update(struct descriptors *d, const struct descriptors *before,
		       const struct descriptors *after);

/**
 * process_fork() - fork; the child dies with us
 * @name: of the child, for its log messages; a string literal
 *
 * In the child no signal is blocked; SIGTERM has its default action; SIGINT, SIGHUP and
 * SIGPIPE are ignored: a terminal's Ctrl-C is ours to deal with.
 *
 * Return: as fork(): the pid, 0 in the child; -errno.
 */
pid_t process_fork(const char *name);

/**
 * process_unspare() - in a child: if a service manager has the kernel spare us when memory is
 * short (proc(5), /proc/pid/oom_score_adj), it does not spare this one: what takes it all is
 * to end, not the rest of the machine
 */
void process_unspare(void);

/**
 * process_adopt() - what our descendants leave behind becomes our child, not init's
 *
 * Not if it could be somebody else's: for process 1 everything is left behind, and a child
 * from before us has descendants of its own. Return: is it so?
 */
bool process_adopt(void);

/**
 * process_count_waits() - how often has a process waited for something, by its own will?
 * @ret_n: of its first thread
 *
 * Format: proc(5), /proc/pid/status: State, voluntary_ctxt_switches
 * Return: 1 it runs, or could; 0 it waits now; -errno.
 */
int process_count_waits(pid_t pid, uint64_t *ret_n);

/** process_open_children() - a file of our children's numbers; NULL: the kernel has none */
FILE *process_open_children(void);

/** process_keep_only() - in a child: close all but 0, 1, 2, those of @keep and the two
 * others */
void process_keep_only(const struct descriptors *keep, int other1, int other2);

/** PROCESS_BROKE_OUT - what process_reason() says when seccomp killed it */
#define PROCESS_BROKE_OUT "killed by SIGSYS"

/**
 * process_spawn() - run a program in a process group of its own; until it ends, what its
 * children leave behind becomes its child
 * @argv: NULL-terminated, argv[0] a path
 * @output: becomes its standard output; the input is empty, the errors go where ours go
 * @prepare: called with @context in the child, last before the program; or NULL
 *
 * Return: its pid, or -errno if it cannot be run.
 */
pid_t process_spawn(const char *const *argv, int output, void (*prepare)(void *context),
		    void *context);

/** PROCESS_EXITED_CLEANLY - what process_reason() says of an exit() with 0 */
#define PROCESS_EXITED_CLEANLY "exited with status 0"

/** process_reason() - "exited with status 1", "killed by SIGSEGV" */
void process_reason(const siginfo_t *info, char *ret, size_t size);

#endif
