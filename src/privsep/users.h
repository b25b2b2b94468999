/* SPDX-License-Identifier: Apache-2.0 */
/* Whom core and web become. */
#ifndef PRIVSEP_USERS_H
#define PRIVSEP_USERS_H

#include "base/privilege.h"

struct users {
	bool are_chosen; /* we are root */
	struct privilege_user core, web;
};

/**
 * users_choose() - lksm-core and lksm-web, where the system has them, else 65521 and 65522
 *
 * Logged. Only root can choose: without, everybody stays who we are.
 */
void users_choose(struct users *ret);

/** users_core(), users_web() - for struct sandbox_options; NULL: it stays who it is */
const struct privilege_user *users_core(const struct users *users);
const struct privilege_user *users_web(const struct users *users);

#endif
