/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that each kind of process may make; with any other, the kernel kills it
 * with SIGSYS. The lists stand in seccomp_calls.c.
 */
#ifndef BASE_SECCOMP_H
#define BASE_SECCOMP_H

enum seccomp_list {
	SECCOMP_CORE,	     /* reads, appends, asks; threads until SECCOMP_SETTLED */
	SECCOMP_WEB,	     /* serves its listening socket */
	SECCOMP_LOADER,	     /* reads files, prints what is in them */
	SECCOMP_COMPRESSOR,  /* makes, renames and removes files */
	SECCOMP_CROSSVIEW,   /* reads everything, asks about every process */
	SECCOMP_HISTORY,     /* a database of its own */
	SECCOMP_WEB_HISTORY, /* SECCOMP_WEB, and reads that database */
	SECCOMP_FEEDER,	     /* reads the logs, writes lines */
	SECCOMP_SENDER,	     /* connects to receivers; threads */
	SECCOMP_MODULE,	     /* somebody's code: all but what no source of events needs */
	SECCOMP_SETTLED, /* on top of another: no new thread, no new code, no new rules */
	SECCOMP_COUNT,
};

/**
 * seccomp_restrict() - from now on, for all threads of this process and what it starts
 *
 * No new privileges must have been given up before. Reading a file by name fails with
 * EACCES where files are not for this process: libc asks for some in passing.
 *
 * Return: 0; -ENOSYS, -EINVAL where the kernel has no seccomp filters; -errno.
 */
int seccomp_restrict(enum seccomp_list list);

#endif
