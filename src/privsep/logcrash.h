/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log and a crash of the machine. What was not synced can be gone, from any place on: a
 * page that the kernel had not written shows zeros, also with later ones behind it. Our lines
 * have no NUL byte, so that the first one is where the log ends.
 */
#ifndef PRIVSEP_LOGCRASH_H
#define PRIVSEP_LOGCRASH_H

#include <stdint.h>

/** LOGCRASH_NAME_SIZE - "damaged-999-" and a log's name */
#define LOGCRASH_NAME_SIZE 48

struct logcrash {
	uint64_t cut_bytes; /* 0: there was nothing to mend */
	uint64_t
		next_seq; /* behind the last event that was cut; 0: none was to be read */
	char moved_to[LOGCRASH_NAME_SIZE]; /* what was cut is there; "" if it cannot be */
};

/**
 * logcrash_mend() - end a log before its first line with a NUL byte, on the disk
 * @dir: the log folder
 *
 * What is cut is kept under another name, "damaged-N-…", as far as there is room.
 * Return: 0 or -errno.
 */
int logcrash_mend(int dir, const char *name, struct logcrash *ret);

/** logcrash_sync() - have a log, if it is there, on the disk: another one is to begin */
void logcrash_sync(int dir, const char *name);

#endif
