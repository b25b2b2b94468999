// SPDX-License-Identifier: Apache-2.0
/* See users.h. The names are made by packaging/systemd/sysusers.conf. */
#include "privsep/users.h"

#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"

void users_choose(struct users *ret)
{
	*ret = (struct users){ .are_chosen = geteuid() == 0 };
	if (!ret->are_chosen)
		return;
	ret->core = privilege_find_user("lksm-core", FALLBACK_CORE_UID);
	ret->web = privilege_find_user("lksm-web", FALLBACK_WEB_UID);
	ret->history = privilege_find_user("lksm-history", FALLBACK_HISTORY_UID);
}

static void append(struct buffer *out, const char *who, const struct privilege_user *user)
{
	buffer_appendf(out, "%s%s is %u", out->len ? ", " : "", who, user->uid);
	if (user->is_named)
		buffer_appendf(out, " (lksm-%s)", who);
}

void users_tell(const struct users *users, bool has_history, bool has_alerts)
{
	const struct privilege_user alerts = privilege_find_user("lksm-alerts",
								 FALLBACK_ALERTS_UID);
	_cleanup_buffer_ struct buffer text = { 0 };

	if (!users->are_chosen)
		return;
	append(&text, "core", &users->core);
	append(&text, "web", &users->web);
	if (has_history)
		append(&text, "history", &users->history);
	if (has_alerts)
		append(&text, "alerts", &alerts);
	if (buffer_cstring(&text))
		log_info("users: %s", text.data);
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
