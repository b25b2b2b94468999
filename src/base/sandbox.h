/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Least power: what each kind of process gives up, for good, once it has what it needs.
 * Everything is tried; what a kernel, a container or a user without privilege cannot do is
 * named once in the program's log and is left out, and the report says so.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/privilege.h"

enum sandbox_kind {
	SANDBOX_CORE,	/* another user; opens nothing */
	SANDBOX_WEB,	/* another user; opens nothing, answers connections */
	SANDBOX_LOADER, /* reads files, writes what is open */
	SANDBOX_APART, /* before a built-in is run apart: sees what root sees, changes nothing */
	SANDBOX_MODULE,	     /* before it is run: reads files, connects to nobody */
	SANDBOX_COMPRESSOR,  /* works in one folder */
	SANDBOX_HISTORY,     /* another user; works in one folder, reads in another */
	SANDBOX_WEB_HISTORY, /* SANDBOX_WEB that reads in a folder, by a thread */
	SANDBOX_FEEDER,	     /* reads the logs, writes what is open */
	SANDBOX_SENDER,	     /* another user; reads what all may, connects to others */
	SANDBOX_KIND_COUNT,
};

#define SANDBOX_CAPABILITIES_MAX 16

struct sandbox_options {
	enum sandbox_kind kind;
	const char *name;		   /* for messages */
	const struct privilege_user *user; /* NULL: it stays who it is */
	int folder;	 /* SANDBOX_COMPRESSOR's, SANDBOX_HISTORY's, open */
	int read_folder; /* SANDBOX_HISTORY's, SANDBOX_WEB_HISTORY's, open */
	/* that stay, besides those of the kind; numbers of linux/capability.h */
	int capabilities[SANDBOX_CAPABILITIES_MAX];
	size_t n_capabilities;
};

/** What is in force, as it came out. */
struct sandbox_report {
	int landlock;	/* ABI; 0: not for this kind; -errno */
	int seccomp;	/* 1; 0: not for this kind; -errno */
	int privileges; /* 0: user, capabilities and limits are as wanted; -errno */
};

/**
 * sandbox_enter() - give up; call it with one thread, after everything is open
 *
 * The parent's death still kills this process, if it did before.
 */
void sandbox_enter(const struct sandbox_options *options, struct sandbox_report *ret);

/** sandbox_settle() - SANDBOX_CORE's (SANDBOX_WEB_HISTORY's) threads run now: no more of them, no more code */
void sandbox_settle(void);

#endif
