/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up, one by one and for good, what a process may do by its user. */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Whom a process becomes. */
struct privilege_user {
	uid_t uid;
	gid_t gid;
	bool is_named; /* the system has a user of that name */
};

/** Whom processes become where the system has none of our users, all different: numbers that
 * systemd's table (UIDS-GIDS) leaves to nobody, and that containers map. */
enum privilege_fallback {
	FALLBACK_CORE_UID = 65521,
	FALLBACK_WEB_UID,
	FALLBACK_HISTORY_UID,
	FALLBACK_ALERTS_UID,
};

/**
 * privilege_find_user() - the user called @name, else @fallback as user and group
 *
 * @fallback: of enum privilege_fallback
 */
struct privilege_user privilege_find_user(const char *name, uid_t fallback);

/**
 * privilege_drop_bounding() - no program run from here can gain a capability again
 * @keep: capability numbers of linux/capability.h that stay
 *
 * Return: 0; -EPERM if the kernel does not let us, as without root.
 */
int privilege_drop_bounding(const int *keep, size_t n_keep);

/** privilege_become() - all ids, no further groups; 0 or -errno. Parent-death signal and
 * dumpability are the kernel's defaults afterwards */
int privilege_become(const struct privilege_user *user);

/** privilege_drop_capabilities() - of all sets but the bounding one; 0 or -errno */
int privilege_drop_capabilities(const int *keep, size_t n_keep);

#endif
