// SPDX-License-Identifier: Apache-2.0
/* See privilege.h. */
#include "base/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

struct privilege_user privilege_find_user(const char *name, uid_t fallback)
{
	const struct passwd *entry = getpwnam(name);

	/* root under another name would be no user of its own */
	if (entry && entry->pw_uid != 0)
		return (struct privilege_user){ entry->pw_uid, entry->pw_gid, true };
	return (struct privilege_user){ fallback, fallback, false };
}

static void choose(const int *keep, size_t n_keep, capng_type_t sets)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < n_keep; i++)
		(void)capng_update(CAPNG_ADD, sets, (unsigned int)keep[i]);
}

int privilege_drop_bounding(const int *keep, size_t n_keep)
{
	choose(keep, n_keep, CAPNG_BOUNDING_SET);
	if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return -EPERM;
	(void)capng_get_caps_process(); /* without CAP_SETPCAP, it says nothing is wrong */
	for (int i = 0; i <= CAP_LAST_CAP; i++) {
		bool is_kept = false;

		for (size_t k = 0; k < n_keep; k++)
			is_kept |= keep[k] == i;
		if (!is_kept &&
		    capng_have_capability(CAPNG_BOUNDING_SET, (unsigned int)i))
			return -EPERM;
	}
	return 0;
}

int privilege_become(const struct privilege_user *user)
{
	int r = 0;

	/* each is worth having without the others: a user namespace may forbid the first */
	if (setgroups(0, NULL) < 0)
		r = -errno;
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		r = -errno;
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		r = -errno;
	return r;
}

/* What is kept must be ours: to ask for more would fail as a whole. */
int privilege_drop_capabilities(const int *keep, size_t n_keep)
{
	int ours[64];
	size_t n = 0;

	(void)capng_get_caps_process(); /* fails as the next call does */
	for (size_t i = 0; i < n_keep && n < sizeof(ours) / sizeof(ours[0]); i++)
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned int)keep[i]))
			ours[n++] = keep[i];
	choose(ours, n, CAPNG_EFFECTIVE | CAPNG_PERMITTED);
	return capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0 ? -EPERM : 0;
}
