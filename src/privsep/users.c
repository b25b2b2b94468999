// SPDX-License-Identifier: Apache-2.0
/* See users.h. The names are made by packaging/systemd/sysusers.conf. */
#include "privsep/users.h"

#include <unistd.h>

#include "base/log.h"

void users_choose(struct users *ret)
{
	*ret = (struct users){ .are_chosen = geteuid() == 0 };
	if (!ret->are_chosen)
		return;
	ret->core = privilege_find_user("lksm-core", FALLBACK_CORE_UID);
	ret->web = privilege_find_user("lksm-web", FALLBACK_WEB_UID);
	ret->history = privilege_find_user("lksm-history", FALLBACK_HISTORY_UID);
	log_info("users: core is %u%s, web is %u%s, history is %u%s", ret->core.uid,
		 ret->core.is_named ? " (lksm-core)" : "", ret->web.uid,
		 ret->web.is_named ? " (lksm-web)" : "", ret->history.uid,
		 ret->history.is_named ? " (lksm-history)" : "");
}

const struct privilege_user *users_core(const struct users *users)
{
	return users->are_chosen ? &users->core : NULL;
}

const struct privilege_user *users_web(const struct users *users)
{
	return users->are_chosen ? &users->web : NULL;
}

const struct privilege_user *users_history(const struct users *users)
{
	return users->are_chosen ? &users->history : NULL;
}
