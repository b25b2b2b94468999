// SPDX-License-Identifier: Apache-2.0
/* See tls.h. GnuTLS judges, as it is what libmicrohttpd uses. */
#include "output/dashboard/tls.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/gnutls.h"
#include "base/safe_path.h"

#define CERTIFICATES_MAX 16 /* of a chain */

void tls_pair_deinit(struct tls_pair *p)
{
	if (p->size)
		sodium_memzero(p->certificate, p->size);
	free(p->certificate);
	*p = (struct tls_pair){ 0 };
}

/* @to has room for TLS_FILE_MAX bytes and a NUL. */
static int read_text(int fd, const char *path, char *to, struct buffer *error)
{
	ssize_t n = read_full(fd, to, TLS_FILE_MAX + 1);

	if (n < 0) {
		buffer_appendf(error, "%s cannot be read: %s", path, strerror((int)-n));
		return (int)n;
	}
	if ((size_t)n > TLS_FILE_MAX || memchr(to, '\0', (size_t)n)) {
		buffer_appendf(error, "%s is no PEM file", path);
		return -EINVAL;
	}
	to[n] = '\0';
	return 0;
}

static int check_secrecy(int fd, const char *path, struct buffer *error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!(st.st_mode & S_IROTH))
		return 0;
	buffer_appendf(error, "%s can be read by everybody: `chmod o-rwx` it", path);
	return -EACCES;
}

static int read_one(const char *path, bool is_secret, char *to, struct buffer *error)
{
	_cleanup_close_ int fd = safe_path_open(path, safe_path_is_strict(path), error);
	int r = fd < 0 ? fd : is_secret ? check_secrecy(fd, path, error) : 0;

	return r < 0 ? r : read_text(fd, path, to, error);
}

int tls_pair_read(const char *certificate, const char *key, struct tls_pair *ret,
		  int64_t *ret_expires_s, struct buffer *error)
{
	const size_t half = TLS_FILE_MAX + 1;
	_cleanup_tls_pair_ struct tls_pair p = { 0 };
	int r;

	if (!*certificate || !*key) {
		buffer_appendf(error, "it needs dashboard.tls.%s as well",
			       *key ? "certificate" : "key");
		return -EINVAL;
	}
	r = gnutls_load(error);
	if (r < 0)
		return r;
	p.certificate = malloc(2 * half);
	if (!p.certificate)
		return -ENOMEM;
	p.size = 2 * half;
	p.key = p.certificate + half;
	r = read_one(certificate, false, p.certificate, error);
	if (r >= 0)
		r = read_one(key, true, p.key, error);
	if (r >= 0)
		r = tls_pair_check(&p, certificate, key, ret_expires_s, error);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct tls_pair){ 0 };
	return 0;
}

static gnutls_datum_t datum_of(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text, (unsigned int)strlen(text) };
}

/* The first one is the server's own. */
static int check_certificate(const char *text, int64_t *ret_expires_s)
{
	gnutls_x509_crt_t all[CERTIFICATES_MAX];
	unsigned int n = ARRAY_SIZE(all);
	gnutls_datum_t pem = datum_of(text);
	int r = gnutls.x509_crt_list_import(all, &n, &pem, GNUTLS_X509_FMT_PEM,
					    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);

	if (r < 0)
		return r;
	*ret_expires_s = gnutls.x509_crt_get_expiration_time(all[0]);
	for (unsigned int i = 0; i < n; i++)
		gnutls.x509_crt_deinit(all[i]);
	return 0;
}

static int check_key(const char *text)
{
	gnutls_datum_t pem = datum_of(text);
	gnutls_x509_privkey_t key;
	int r = gnutls.x509_privkey_init(&key);

	if (r < 0)
		return r;
	r = gnutls.x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls.x509_privkey_deinit(key);
	return r;
}

/* As libmicrohttpd will do it. */
static int check_match(const struct tls_pair *p)
{
	gnutls_datum_t certificate = datum_of(p->certificate), key = datum_of(p->key);
	gnutls_certificate_credentials_t both;
	int r = gnutls.certificate_allocate_credentials(&both);

	if (r < 0)
		return r;
	r = gnutls.certificate_set_x509_key_mem(both, &certificate, &key,
						GNUTLS_X509_FMT_PEM);
	gnutls.certificate_free_credentials(both);
	return r;
}

int tls_pair_check(const struct tls_pair *p, const char *certificate, const char *key,
		   int64_t *ret_expires_s, struct buffer *error)
{
	int r = gnutls_load(error);

	if (r < 0)
		return r;
	r = check_certificate(p->certificate, ret_expires_s);
	if (r < 0) {
		buffer_appendf(error, "%s holds no certificate in PEM form (%s)",
			       certificate, gnutls.strerror(r));
		return -EINVAL;
	}
	r = check_key(p->key);
	if (r < 0) {
		buffer_appendf(error,
			       "%s holds no private key in PEM form, without a password "
			       "(%s)",
			       key, gnutls.strerror(r));
		return -EINVAL;
	}
	r = check_match(p);
	if (r < 0) {
		buffer_appendf(error,
			       "the key in %s is not that of the first certificate in %s "
			       "(%s)",
			       key, certificate, gnutls.strerror(r));
		return -EINVAL;
	}
	return 0;
}

/* The two texts, each with its NUL. */
int tls_pair_store(const struct tls_pair *p, int fd)
{
	int r = write_all(fd, p->certificate, strlen(p->certificate) + 1);

	return r < 0 ? r : write_all(fd, p->key, strlen(p->key) + 1);
}

int tls_pair_load(int fd, struct tls_pair *ret)
{
	_cleanup_tls_pair_ struct tls_pair p = { 0 };
	struct stat st;
	ssize_t n;
	size_t first;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return -ENODATA;
	if (st.st_size < 2 || (size_t)st.st_size > 2 * (TLS_FILE_MAX + 1))
		return -EBADMSG;
	p.certificate = malloc((size_t)st.st_size);
	if (!p.certificate)
		return -ENOMEM;
	p.size = (size_t)st.st_size;
	n = read_at(fd, p.certificate, p.size, 0);
	if (n < 0)
		return (int)n;
	if ((size_t)n != p.size || p.certificate[p.size - 1] != '\0')
		return -EBADMSG;
	first = strlen(p.certificate) + 1;
	if (first == p.size)
		return -EBADMSG;
	p.key = p.certificate + first;
	*ret = p;
	p = (struct tls_pair){ 0 };
	return 0;
}
