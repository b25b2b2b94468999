// SPDX-License-Identifier: Apache-2.0
/* See auth.h; and the file that the token lives in: 64 hex digits and a newline. */
#include "output/dashboard/auth.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include "base/log.h"
#include "output/dashboard/dashboard.h"
#include "output/dashboard/http_value.h"

#define TOKEN_BYTES    32
#define TOKEN_DIGITS   (DASHBOARD_TOKEN_SIZE - 1)
#define COOKIE_PURPOSE "lksm dashboard session 1"

_Static_assert(TOKEN_DIGITS == TOKEN_BYTES * 2, "a token is hex digits");

static void hash(unsigned char ret[static AUTH_HASH_SIZE], struct span s)
{
	/* Fails only for lengths that are out of range. */
	(void)crypto_generichash(ret, AUTH_HASH_SIZE, (const unsigned char *)s.data,
				 s.len, NULL, 0);
}

static bool matches(const unsigned char want[static AUTH_HASH_SIZE], struct span s)
{
	unsigned char got[AUTH_HASH_SIZE];

	hash(got, s);
	return sodium_memcmp(got, want, sizeof(got)) == 0;
}

int auth_init(struct auth *a, const char *token)
{
	unsigned char key[AUTH_HASH_SIZE], session[AUTH_HASH_SIZE];

	*a = (struct auth){ .is_on = token != NULL };
	if (!token)
		return 0;
	if (sodium_init() < 0)
		return -ENOSYS;
	hash(a->token_hash, span_from(token));
	/* The key is a hash of the token, but not the one compared with. */
	(void)crypto_generichash(key, sizeof(key), (const unsigned char *)token,
				 strlen(token), a->token_hash, sizeof(a->token_hash));
	(void)crypto_generichash(session, sizeof(session),
				 (const unsigned char *)COOKIE_PURPOSE,
				 strlen(COOKIE_PURPOSE), key, sizeof(key));
	sodium_bin2hex(a->cookie_value, sizeof(a->cookie_value), session,
		       sizeof(session));
	hash(a->cookie_hash, span_from(a->cookie_value));
	sodium_memzero(key, sizeof(key));
	sodium_memzero(session, sizeof(session));
	return 0;
}

void auth_deinit(struct auth *a)
{
	sodium_memzero(a, sizeof(*a));
}

bool auth_has_bearer(const struct auth *a, struct span authorization)
{
	struct span token;

	return !a->is_on || (http_parse_bearer(authorization, &token) &&
			     matches(a->token_hash, token));
}

bool auth_has_cookie(const struct auth *a, struct span cookies)
{
	struct span value;

	if (!a->is_on)
		return true;
	while (http_next_cookie(&cookies, SPAN(AUTH_COOKIE), &value))
		if (matches(a->cookie_hash, value))
			return true;
	return false;
}

static bool is_token(const char *text, size_t len)
{
	if (len != TOKEN_DIGITS)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!strchr("0123456789abcdef", text[i]) || text[i] == '\0')
			return false;
	return true;
}

/*
 * New, or a crash came before it was on the disk, and so before anybody was given it: digits
 * without the end of the line, or zeros.
 */
static bool is_unfinished(const char *text, size_t n)
{
	size_t digits = 0;

	while (digits < n && isxdigit((unsigned char)text[digits]))
		digits++;
	return digits < TOKEN_DIGITS && (digits == n || text[digits] == '\0');
}

static int make_token(int fd, char ret[static DASHBOARD_TOKEN_SIZE])
{
	unsigned char secret[TOKEN_BYTES];
	char text[DASHBOARD_TOKEN_SIZE];
	ssize_t n;

	if (sodium_init() < 0)
		return -ENOSYS;
	randombytes_buf(secret, sizeof(secret));
	sodium_bin2hex(text, sizeof(text), secret, sizeof(secret));
	sodium_memzero(secret, sizeof(secret));
	memcpy(ret, text, sizeof(text));
	text[TOKEN_DIGITS] = '\n';
	n = pwrite(fd, text, sizeof(text), 0);
	sodium_memzero(text, sizeof(text));
	if (n < 0)
		return -errno;
	return n == sizeof(text) && fsync(fd) == 0 ? 0 : -EIO;
}

int dashboard_token_load(int fd, char ret[static DASHBOARD_TOKEN_SIZE])
{
	char text[DASHBOARD_TOKEN_SIZE + 1];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return log_error_errno(EINVAL,
				       "dashboard: the token's file is no plain file");
	if (st.st_mode & (S_IRWXG | S_IRWXO) && fchmod(fd, S_IRUSR | S_IWUSR) < 0)
		return log_error_errno(errno,
				       "dashboard: cannot make the token's file private");
	n = pread(fd, text, sizeof(text), 0);
	if (n < 0)
		return -errno;
	if (is_unfinished(text, (size_t)n))
		return make_token(fd, ret);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (!is_token(text, (size_t)n)) {
		log_error("dashboard: the token's file holds no 64 hex digits: remove "
			  "it, and a "
			  "new token will be made");
		return -EBADMSG;
	}
	memcpy(ret, text, TOKEN_DIGITS);
	ret[TOKEN_DIGITS] = '\0';
	sodium_memzero(text, sizeof(text));
	return 0;
}
