/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which locks each process of the daemon is behind, for /healthz and `lksm doctor`: the
 * page .sandbox in the log folder, one row a process, written by the process itself when
 * it has given up its power. What the kernel shows of a process in /proc/PID/status is
 * read there; that Landlock is on, only the process knows.
 */
#ifndef CORE_SANDBOX_PAGE_H
#define CORE_SANDBOX_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/sandbox.h"

#define SANDBOX_PAGE_ROWS    64
#define SANDBOX_PAGE_NAME    ".sandbox"
#define SANDBOX_PROCESS_SIZE 32

/** What /proc/PID/status says of a process. */
struct process_locks {
	int32_t parent;
	uint32_t uid;	       /* the effective one */
	uint64_t capabilities; /* the effective set */
	int32_t no_new_privs;  /* 0 or 1 */
	int32_t seccomp;       /* 0 off, 2 a filter */
};

struct sandbox_row {
	char process[SANDBOX_PROCESS_SIZE]; /* "core", or a module's name; "" no row */
	int32_t pid;
	/* said by the process; a filter in locks may also be somebody else's, as systemd's */
	int32_t landlock; /* ABI; 0: not wanted; -errno */
	int32_t filter;	  /* 1: its own list of system calls; -errno */
	struct process_locks locks;
};

struct sandbox_page;

/**
 * sandbox_page_map() - for writing, the file made and sized if it is new
 * @fd: open for reading and writing
 * @ret_view: the same, for reading only; no call can make it writable
 */
int sandbox_page_map(int fd, struct sandbox_page **ret,
		     const struct sandbox_page **ret_view);

/** sandbox_page_read() - copy the rows that are in use; the count or -errno (-EBADMSG) */
int sandbox_page_read(int fd, struct sandbox_row ret[static SANDBOX_PAGE_ROWS]);

/** sandbox_page_row() - @ret's texts end; false if there is none at @i or no page */
bool sandbox_page_row(const struct sandbox_page *page, size_t i, struct sandbox_row *ret);

void sandbox_page_unmap(const struct sandbox_page *page);

/**
 * sandbox_page_enter() - sandbox_enter(), and write down what came of it
 * @page: may be NULL
 * @i: row of this process, which no other writes
 */
void sandbox_page_enter(struct sandbox_page *page, size_t i,
			const struct sandbox_options *options);

/** sandbox_page_clear() - there is no such process, or it has no sandbox */
void sandbox_page_clear(struct sandbox_page *page, size_t i);

/** process_locks_parse() - the text of a /proc/PID/status; 0 or -EBADMSG */
int process_locks_parse(const char *text, struct process_locks *ret);

/** process_locks_read() - of a process; 0, -ENOENT if it is gone, -errno */
int process_locks_read(pid_t pid, struct process_locks *ret);

#endif
