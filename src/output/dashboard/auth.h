/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see the kernel log: whoever has the token, as a bearer header, or the cookie
 * that it was traded for. The cookie's value is derived from the token, so it stays good
 * across restarts and dies with the token; only hashes are kept and compared, in constant
 * time.
 */
#ifndef OUTPUT_DASHBOARD_AUTH_H
#define OUTPUT_DASHBOARD_AUTH_H

#include "base/span.h"

#define AUTH_COOKIE	       "lksm_session"
#define AUTH_HASH_SIZE	       32
#define AUTH_COOKIE_VALUE_SIZE (AUTH_HASH_SIZE * 2 + 1)

struct auth {
	bool is_on;
	unsigned char token_hash[AUTH_HASH_SIZE];
	unsigned char cookie_hash[AUTH_HASH_SIZE];
	char cookie_value[AUTH_COOKIE_VALUE_SIZE];
};

/** auth_init() - @token NULL: everybody is let in; 0 or -errno */
int auth_init(struct auth *a, const char *token);
void auth_deinit(struct auth *a);

/** auth_has_bearer() - is this Authorization header's token ours? */
bool auth_has_bearer(const struct auth *a, struct span authorization);

/** auth_has_cookie() - has this Cookie header our session? */
bool auth_has_cookie(const struct auth *a, struct span cookies);

#endif
