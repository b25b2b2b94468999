// SPDX-License-Identifier: Apache-2.0
/* output/dashboard/tls: which certificates and keys are taken, and what is said of others. */
#include "output/dashboard/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "expect.h"
#include "folder.h"

#define EXPIRES_S 2000000000 /* in the year 2033 */
#define PASSWORD  "secret"

struct fixture {
	char folder[64];
	char certificate[96], key[96], other_key[96], locked_key[96], odd[96];
};

static void write_file(const char *path, const void *data, size_t n, mode_t mode)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				      mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write_all(fd, data, n), 0);
}

static void write_datum(const char *path, gnutls_datum_t *datum, mode_t mode)
{
	write_file(path, datum->data, datum->size, mode);
	gnutls_free(datum->data);
}

static gnutls_x509_privkey_t make_key(const char *path, const char *locked_path)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem;
	char locked[4096];
	size_t n = sizeof(locked);

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate2(
				 key, GNUTLS_PK_ECDSA,
				 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0,
				 NULL, 0),
			 0);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
	write_datum(path, &pem, 0600);
	if (!locked_path)
		return key;
	assert_int_equal(
		gnutls_x509_privkey_export_pkcs8(key, GNUTLS_X509_FMT_PEM, PASSWORD,
						 GNUTLS_PKCS_PBES2_AES_256, locked, &n),
		0);
	write_file(locked_path, locked, n, 0600);
	return key;
}

static void make_certificate(const char *path, gnutls_x509_privkey_t key)
{
	gnutls_x509_crt_t crt;
	gnutls_datum_t pem;

	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
	assert_int_equal(gnutls_x509_crt_set_serial(crt, "1", 1), 0);
	assert_int_equal(gnutls_x509_crt_set_activation_time(crt, 1000000000), 0);
	assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, EXPIRES_S), 0);
	assert_int_equal(gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL), 0);
	assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
	assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	write_datum(path, &pem, 0644);
	gnutls_x509_crt_deinit(crt);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	gnutls_x509_privkey_t key;

	assert_non_null(f);
	(void)strcpy(f->folder, "/tmp/lksm-test-tls-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->certificate, sizeof(f->certificate), "%s/cert", f->folder);
	(void)snprintf(f->key, sizeof(f->key), "%s/key", f->folder);
	(void)snprintf(f->other_key, sizeof(f->other_key), "%s/other", f->folder);
	(void)snprintf(f->locked_key, sizeof(f->locked_key), "%s/locked", f->folder);
	(void)snprintf(f->odd, sizeof(f->odd), "%s/odd", f->folder);
	key = make_key(f->key, f->locked_key);
	make_certificate(f->certificate, key);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_privkey_deinit(make_key(f->other_key, NULL));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	remove_folder(f->folder);
	free(f);
	return 0;
}

static void test_a_good_pair(void **state)
{
	struct fixture *f = *state;
	_cleanup_tls_pair_ struct tls_pair pair = { 0 };
	_cleanup_buffer_ struct buffer error = { 0 };
	int64_t expires_s = 0;

	assert_int_equal(tls_pair_read(f->certificate, f->key, &pair, &expires_s, &error),
			 0);
	assert_int_equal(expires_s, EXPIRES_S);
	assert_int_equal(error.len, 0);
	assert_non_null(strstr(pair.certificate, "BEGIN CERTIFICATE"));
	assert_non_null(strstr(pair.key, "PRIVATE KEY"));
}

static void expect_refused(const char *certificate, const char *key, int want,
			   const char *says)
{
	_cleanup_tls_pair_ struct tls_pair pair = { 0 };
	_cleanup_buffer_ struct buffer error = { 0 };
	int64_t expires_s;

	assert_int_equal(tls_pair_read(certificate, key, &pair, &expires_s, &error),
			 want);
	assert_int_equal(pair.size, 0);
	assert_non_null(buffer_cstring(&error));
	if (!strstr(error.data, says))
		fail_msg("\"%s\" is not in \"%s\"", says, error.data);
}

static void test_bad_pairs(void **state)
{
	struct fixture *f = *state;
	static char large[TLS_FILE_MAX + 1];

	expect_refused(f->certificate, "", -EINVAL, "it needs dashboard.tls.key as well");
	expect_refused("", f->key, -EINVAL, "it needs dashboard.tls.certificate as well");
	expect_refused("/nowhere/cert", f->key, -ENOENT,
		       "/nowhere/cert cannot be opened: No such file or directory");
	expect_refused(f->key, f->key, -EINVAL, "holds no certificate in PEM form");
	expect_refused(f->certificate, f->certificate, -EACCES,
		       "can be read by everybody");
	expect_refused(f->certificate, f->other_key, -EINVAL,
		       "is not that of the first certificate in");
	expect_refused(f->certificate, f->locked_key, -EINVAL, "without a password");
	write_file(f->odd, "", 0, 0600);
	expect_refused(f->odd, f->key, -EINVAL, "holds no certificate");
	expect_refused(f->certificate, f->odd, -EINVAL, "holds no private key");
	write_file(f->odd, "a\0b", 3, 0600);
	expect_refused(f->certificate, f->odd, -EINVAL, "is no PEM file");
	memset(large, 'x', sizeof(large));
	write_file(f->odd, large, sizeof(large), 0600);
	expect_refused(f->odd, f->key, -EINVAL, "is no PEM file");
	assert_int_equal(chmod(f->key, 0604), 0);
	expect_refused(f->certificate, f->key, -EACCES, "can be read by everybody");
}

static void test_it_is_handed_on(void **state)
{
	struct fixture *f = *state;
	_cleanup_tls_pair_ struct tls_pair pair = { 0 }, other = { 0 };
	_cleanup_buffer_ struct buffer error = { 0 };
	_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
	int64_t expires_s;

	assert_int_equal(tls_pair_load(fd, &other), -ENODATA);
	assert_int_equal(tls_pair_read(f->certificate, f->key, &pair, &expires_s, &error),
			 0);
	assert_int_equal(tls_pair_store(&pair, fd), 0);
	assert_int_equal(tls_pair_load(fd, &other), 0);
	assert_string_equal(other.certificate, pair.certificate);
	assert_string_equal(other.key, pair.key);
}

static void test_what_nobody_has_stored(void **state)
{
	static const struct {
		const char *name;
		struct span in;
	} cases[] = {
		{ "one text", BYTES("abc\0") },
		{ "no end", BYTES("abc\0def") },
		{ "one byte", BYTES("\0") },
		{ "no NUL at all", BYTES("abc") },
	};
	_cleanup_tls_pair_ struct tls_pair pair = { 0 };
	_cleanup_close_ int large = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);

		assert_int_equal(write_all(fd, cases[i].in.data, cases[i].in.len), 0);
		expect_number(cases[i].name, "result", tls_pair_load(fd, &pair),
			      -EBADMSG);
	}
	assert_int_equal(ftruncate(large, (off_t)1 << 30), 0);
	assert_int_equal(tls_pair_load(large, &pair), -EBADMSG);
	assert_int_equal(pair.size, 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_a_good_pair),
		test(test_bad_pairs),
		test(test_it_is_handed_on),
		test(test_what_nobody_has_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
