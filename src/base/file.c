// SPDX-License-Identifier: Apache-2.0
/* See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

#define BLOCK_SIZE 65536
#define COPY_BYTES ((size_t)256 << 10)

int write_all(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n) {
		ssize_t written = write(fd, at, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		at += written;
		n -= (size_t)written;
	}
	return 0;
}

/* @offset: NULL: from where the descriptor is */
static ssize_t read_from(int fd, void *data, size_t n, const uint64_t *offset)
{
	size_t got = 0;

	while (got < n) {
		char *at = (char *)data + got;
		ssize_t r = offset ? pread(fd, at, n - got, (off_t)(*offset + got))
				   : read(fd, at, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

ssize_t read_full(int fd, void *data, size_t n)
{
	return read_from(fd, data, n, NULL);
}

ssize_t read_at(int fd, void *data, size_t n, uint64_t offset)
{
	return read_from(fd, data, n, &offset);
}

int copy_bytes(int from, uint64_t at, uint64_t end, int to)
{
	_cleanup_free_ char *chunk = malloc(COPY_BYTES);

	if (!chunk)
		return -ENOMEM;
	while (at < end) {
		ssize_t n = read_at(from, chunk, COPY_BYTES, at);
		int r = n > 0 ? write_all(to, chunk, (size_t)n) : 0;

		if (n <= 0 || r < 0)
			return n < 0 ? (int)n : r; /* 0: it ends before */
		at += (uint64_t)n;
	}
	return 0;
}

int sync_parent(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int allocate_file(int fd, size_t n)
{
	int r;

	do
		r = posix_fallocate(fd, 0, (off_t)n);
	while (r == EINTR);
	return -r;
}

int read_rest(int fd, size_t limit, struct buffer *ret)
{
	size_t start = ret->len;

	for (;;) {
		char *to = buffer_reserve(ret, BLOCK_SIZE);
		ssize_t n;

		if (!to)
			return buffer_error(ret);
		n = read_full(fd, to, BLOCK_SIZE);
		if (n < 0)
			return (int)n;
		ret->len += (size_t)n;
		if (ret->len - start > limit)
			return -EFBIG;
		if (n < BLOCK_SIZE)
			return 0;
	}
}

int read_file(const char *path, size_t limit, struct buffer *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : read_rest(fd, limit, ret);
}

int open_regular_at(int folder, const char *name)
{
	_cleanup_close_ int fd = openat(
		folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? take_fd(&fd) : -EINVAL;
}
