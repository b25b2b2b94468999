/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which credentials each task has committed. From one commit to the next it must have kept
 * them, and they what was in them: nothing else gives a task others.
 */
#ifndef PHOTON_RING_COMMITTED_CREDS_H
#define PHOTON_RING_COMMITTED_CREDS_H

#include <linux/cred.h>
#include <linux/types.h>

enum creds_verdict {
	CREDS_GOOD, /* or nobody knows */
	CREDS_IN_PLACE,
	CREDS_OF_INIT,
	CREDS_OF_OTHERS,
	CREDS_VERDICT_COUNT
};

/* What tells one set of ids and capabilities from another; never 0. */
u32 creds_digest(const struct cred *copy);

/**
 * committed_creds_check() - at the entry of commit_creds(): look at what the task had
 * @address: of what it is about to get; from then on it must have that
 * @copy: what is in there
 */
enum creds_verdict committed_creds_check(const struct cred *address,
					 const struct cred *copy);

#endif
