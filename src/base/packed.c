// SPDX-License-Identifier: Apache-2.0
/* See packed.h. */
#include "base/packed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define CHUNK_BYTES ((size_t)128 << 10)
#define FEED_BYTES  ((size_t)1 << 20)

DEFINE_CLEANUP(ZSTD_DCtx *, ZSTD_freeDCtx)

/* The next @len bytes of @fd are those of @data. Return: 1, 0, or -errno. */
static int is_next(int fd, const char *data, size_t len, char *scratch)
{
	while (len) {
		ssize_t n = read_full(fd, scratch, len < CHUNK_BYTES ? len : CHUNK_BYTES);

		if (n < 0)
			return (int)n;
		if (n == 0 || memcmp(data, scratch, (size_t)n) != 0)
			return 0;
		data += n;
		len -= (size_t)n;
	}
	return 1;
}

struct comparison {
	ZSTD_DCtx *context;
	int plain;
	char *in, *out, *scratch;
	size_t left; /* 0: at the end of a frame */
};

/* Return: 1 so far the same, 0, or -errno. */
static int compare_piece(struct comparison *c, size_t len)
{
	ZSTD_inBuffer in = { c->in, len, 0 };
	ZSTD_outBuffer out;

	do { /* a full out means that more may be waiting, even without input */
		int r;

		out = (ZSTD_outBuffer){ c->out, CHUNK_BYTES, 0 };
		c->left = ZSTD_decompressStream(c->context, &out, &in);
		if (ZSTD_isError(c->left))
			return 0;
		r = is_next(c->plain, c->out, out.pos, c->scratch);
		if (r <= 0)
			return r;
	} while (in.pos < in.size || (c->left && out.pos == out.size));
	return 1;
}

int packed_is_same(int packed, int plain)
{
	_cleanup_(ZSTD_freeDCtxp) ZSTD_DCtx *context = ZSTD_createDCtx();
	_cleanup_free_ char *memory = malloc(3 * CHUNK_BYTES);
	struct comparison c = { .context = context, .plain = plain, .left = 1 };
	char one_more;
	ssize_t n;

	if (!context || !memory)
		return -ENOMEM;
	c.in = memory;
	c.out = memory + CHUNK_BYTES;
	c.scratch = memory + 2 * CHUNK_BYTES;
	if (lseek(packed, 0, SEEK_SET) < 0 || lseek(plain, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = read_full(packed, c.in, CHUNK_BYTES)) > 0) {
		int r = compare_piece(&c, (size_t)n);

		if (r <= 0)
			return r;
	}
	if (n < 0 || c.left)
		return (int)n;
	n = read_full(plain, &one_more, 1);
	return n < 0 ? (int)n : n == 0;
}

struct feed {
	int (*take)(void *userdata, struct span piece);
	void *userdata;
	ZSTD_DCtx *context; /* NULL: the bytes are plain */
	char *in, *out;
	size_t left; /* 0: at the end of a frame */
};

/* All that comes out for one piece of what goes in. */
static int unpack(struct feed *f, size_t len)
{
	ZSTD_inBuffer in = { f->in, len, 0 };
	ZSTD_outBuffer out;
	int r = 0;

	do { /* a full out means that more may be waiting, even without input */
		out = (ZSTD_outBuffer){ f->out, FEED_BYTES, 0 };
		f->left = ZSTD_decompressStream(f->context, &out, &in);
		if (ZSTD_isError(f->left))
			return -EBADMSG;
		if (out.pos)
			r = f->take(f->userdata, (struct span){ f->out, out.pos });
	} while (r == 0 && (in.pos < in.size || out.pos == out.size));
	return r;
}

static int feed(struct feed *f, int fd)
{
	for (;;) {
		ssize_t n = read_full(fd, f->in, FEED_BYTES);
		int r;

		if (n < 0)
			return (int)n;
		if (n == 0)
			return f->left ? -EBADMSG : 0;
		if (f->context)
			r = unpack(f, (size_t)n);
		else
			r = f->take(f->userdata, (struct span){ f->in, (size_t)n });
		if (r)
			return r;
	}
}

int packed_feed(int fd, bool is_packed, int (*take)(void *userdata, struct span piece),
		void *userdata)
{
	_cleanup_(ZSTD_freeDCtxp) ZSTD_DCtx *context = is_packed ? ZSTD_createDCtx()
								 : NULL;
	_cleanup_free_ char *memory = malloc(2 * FEED_BYTES);
	struct feed f = { .take = take, .userdata = userdata, .context = context };

	if (!memory || (is_packed && !context))
		return -ENOMEM;
	f.in = memory;
	f.out = memory + FEED_BYTES;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* as good without */
	return feed(&f, fd);
}
