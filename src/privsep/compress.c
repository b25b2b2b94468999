// SPDX-License-Identifier: Apache-2.0
/* See compress.h. */
#include "privsep/compress.h"

#include <errno.h>
#include <fcntl.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/packed.h"
#include "privsep/logfiles.h"

#define LEVEL	    9 /* the usual compromise for text that is written once and kept */
#define CHUNK_BYTES ((size_t)128 << 10)

DEFINE_CLEANUP(ZSTD_CCtx *, ZSTD_freeCCtx)

/* Feed one piece of input, the last one (@mode ZSTD_e_end) until all is out. */
static int compress_piece(ZSTD_CCtx *context, ZSTD_inBuffer *in, ZSTD_EndDirective mode,
			  char *out, int to)
{
	size_t left;

	do {
		ZSTD_outBuffer piece = { out, CHUNK_BYTES, 0 };
		int r;

		left = ZSTD_compressStream2(context, &piece, in, mode);
		if (ZSTD_isError(left))
			return -EIO;
		r = write_all(to, out, piece.pos);
		if (r < 0)
			return r;
	} while (mode == ZSTD_e_end ? left != 0 : in->pos < in->size);
	return 0;
}

static int compress_stream(int from, int to)
{
	_cleanup_(ZSTD_freeCCtxp) ZSTD_CCtx *context = ZSTD_createCCtx();
	_cleanup_free_ char *in = malloc(CHUNK_BYTES), *out = malloc(CHUNK_BYTES);
	ssize_t n;

	if (!context || !in || !out)
		return -ENOMEM;
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	do {
		ZSTD_inBuffer piece = { in, 0, 0 };
		int r;

		n = read_full(from, in, CHUNK_BYTES);
		if (n < 0)
			return (int)n;
		piece.size = (size_t)n;
		r = compress_piece(context, &piece, n ? ZSTD_e_continue : ZSTD_e_end, out,
				   to);
		if (r < 0)
			return r;
	} while (n);
	return 0;
}

/* Make @temporary from @plain, safely on the disk and read back. */
static int write_compressed(int dir, const char *temporary, int plain)
{
	_cleanup_close_ int fd = logfile_open(dir, temporary, O_RDWR | O_CREAT | O_TRUNC,
					      0640);
	int r;

	if (fd < 0)
		return fd;
	r = compress_stream(plain, fd);
	if (r < 0)
		return r;
	if (fsync(fd) < 0)
		return -errno;
	r = packed_is_same(fd, plain);
	return r < 0 ? r : r ? 0 : -EBADMSG;
}

static int remove_plain(int dir, const char *name)
{
	if (fsync(dir) < 0) /* the new name first, for good */
		return -errno;
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

/* Both are there: is the plain one only the leftover of an earlier try? */
static int finish_earlier(int dir, const char *name, const char *target, int plain)
{
	_cleanup_close_ int fd = logfile_open(dir, target, O_RDONLY, 0);
	int r;

	if (fd < 0)
		return fd;
	r = packed_is_same(fd, plain);
	if (r < 0)
		return r;
	return r ? remove_plain(dir, name) : -EEXIST;
}

int compress_log(int dir, const char *name)
{
	_cleanup_close_ int plain = logfile_open(dir, name, O_RDONLY, 0);
	char target[64], temporary[sizeof(target) + sizeof(LOGFILE_TEMPORARY)];
	int r;

	if (plain < 0)
		return plain;
	(void)snprintf(target, sizeof(target), "%s.zst", name);
	(void)snprintf(temporary, sizeof(temporary), LOGFILE_TEMPORARY "%s", target);
	r = finish_earlier(dir, name, target, plain);
	if (r != -ENOENT)
		return r;
	r = write_compressed(dir, temporary, plain);
	if (r >= 0 && renameat(dir, temporary, dir, target) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir, temporary, 0); /* else the next start does it */
		return r;
	}
	return remove_plain(dir, name);
}
