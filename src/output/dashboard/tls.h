/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dashboard's certificate and its key: read from their files and checked where there is
 * privilege (the loader, doctor), handed on in a memory file that nobody else looks into,
 * and given to the HTTP server. In every process that had it, the key is wiped.
 */
#ifndef OUTPUT_DASHBOARD_TLS_H
#define OUTPUT_DASHBOARD_TLS_H

#include "base/buffer.h"

/** TLS_FILE_MAX - a certificate with its chain, or a key */
#define TLS_FILE_MAX ((size_t)64 << 10)

/** Both in PEM form, NUL-terminated. */
struct tls_pair {
	char *certificate; /* its own, then those that vouch for it; owned */
	char *key;	   /* within the same memory */
	size_t size;	   /* of that memory; 0: there is none */
};

/** tls_pair_deinit() - wipe, and free; it can be used again, empty */
void tls_pair_deinit(struct tls_pair *p);

#define _cleanup_tls_pair_ _cleanup_(tls_pair_deinit)

/**
 * tls_pair_read() - from the two files of the configuration
 * @certificate, @key: paths; for root, both must be safe (base/safe_path.h); the key may
 *	not be readable by everybody
 * @ret: for tls_pair_deinit()
 * @ret_expires_s: when the certificate ends, in seconds since 1970
 * @error: gets a sentence with the file and what to do
 *
 * GnuTLS is loaded before they are read.
 * Return: 0; -EINVAL, -EACCES, -errno, and @error says why.
 */
int tls_pair_read(const char *certificate, const char *key, struct tls_pair *ret,
		  int64_t *ret_expires_s, struct buffer *error);

/** tls_pair_check() - are they what tls_pair_read() takes? For its names in @error */
int tls_pair_check(const struct tls_pair *p, const char *certificate, const char *key,
		   int64_t *ret_expires_s, struct buffer *error);

/** tls_pair_store() - into an empty file; 0 or -errno */
int tls_pair_store(const struct tls_pair *p, int fd);

/**
 * tls_pair_load() - out of what tls_pair_store() made
 *
 * Return: 0; -ENODATA if it is empty; -EBADMSG; -errno.
 */
int tls_pair_load(int fd, struct tls_pair *ret);

#endif
