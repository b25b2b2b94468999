/* SPDX-License-Identifier: Apache-2.0 */
/* Whom core, web and history become. */
#ifndef PRIVSEP_USERS_H
#define PRIVSEP_USERS_H

#include "base/privilege.h"

struct users {
	bool are_chosen; /* we are root */
	struct privilege_user core, web, history;
};

/**
 * users_choose() - lksm-core, lksm-web and lksm-history, where the system has them, else
 * numbers (enum privilege_fallback)
 *
 * Only root can choose: without, everybody stays who we are.
 */
void users_choose(struct users *ret);

/** users_tell() - log them; nothing if everybody stays who we are */
void users_tell(const struct users *users, bool has_history, bool has_alerts);

/** users_core(), users_web(), users_history() - for struct sandbox_options; NULL: it stays who it is */
const struct privilege_user *users_core(const struct users *users);
const struct privilege_user *users_web(const struct users *users);
const struct privilege_user *users_history(const struct users *users);

#endif
