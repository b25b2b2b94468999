/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of GnuTLS: gnutls_init() is gnutls.init(). See base/library.h. */
#ifndef BASE_GNUTLS_H
#define BASE_GNUTLS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/library.h"

/* clang-format off */
#define GNUTLS_CALLS(X) \
	X(gnutls_, bye) \
	X(gnutls_, certificate_allocate_credentials) \
	X(gnutls_, certificate_free_credentials) \
	X(gnutls_, certificate_set_x509_key_mem) \
	X(gnutls_, certificate_set_x509_system_trust) \
	X(gnutls_, certificate_set_x509_trust_file) \
	X(gnutls_, credentials_set) \
	X(gnutls_, deinit) \
	X(gnutls_, error_is_fatal) \
	X(gnutls_, handshake) \
	X(gnutls_, handshake_set_timeout) \
	X(gnutls_, init) \
	X(gnutls_, priority_set_direct) \
	X(gnutls_, record_send) \
	X(gnutls_, server_name_set) \
	X(gnutls_, session_set_verify_cert) \
	X(gnutls_, strerror) \
	X(gnutls_, transport_set_int2) \
	X(gnutls_, x509_crt_deinit) \
	X(gnutls_, x509_crt_get_expiration_time) \
	X(gnutls_, x509_crt_list_import) \
	X(gnutls_, x509_privkey_deinit) \
	X(gnutls_, x509_privkey_import2) \
	X(gnutls_, x509_privkey_init)
/* clang-format on */

struct gnutls_calls {
	GNUTLS_CALLS(LIBRARY_MEMBER)
} LIBRARY_TABLE;

extern struct gnutls_calls gnutls;

/** gnutls_load() - see library_load() */
int gnutls_load(struct buffer *error);

#endif
