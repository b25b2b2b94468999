// SPDX-License-Identifier: Apache-2.0
/* See sensor_source.h. */
#include "core/sensor_source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Of /proc, too, files are regular ones. */
static int find_kind(int fd, enum sensor_source_kind *ret)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	if (S_ISREG(st.st_mode))
		*ret = fs.f_type == PROC_SUPER_MAGIC ? SENSOR_PROC : SENSOR_FILE;
	else if (S_ISSOCK(st.st_mode))
		*ret = SENSOR_SOCKET;
	else
		return -ENOTSUP;
	return 0;
}

int sensor_source_open(struct sensor_source *s, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	int r = find_kind(fd, &s->kind);

	if (r < 0)
		return r;
	/* whoever opened it has done so: a sandbox may forbid it here */
	if (flags < 0 ||
	    (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -errno;
	s->fd = fd;
	s->offset = 0;
	s->begin = s->len = 0;
	s->is_skipping = false;
	return 0;
}

static bool take_line(struct sensor_source *s, struct span *ret)
{
	const char *from = s->buffer + s->begin;
	const char *end = memchr(from, '\n', s->len);

	if (!end)
		return false;
	*ret = (struct span){ from, (size_t)(end - from) };
	s->begin += ret->len + 1;
	s->len -= ret->len + 1;
	return true;
}

/* No room for its end: nothing that the sensor writes. */
static bool take_overlong(struct sensor_source *s, struct span *ret)
{
	if (s->len < sizeof(s->buffer))
		return false;
	*ret = (struct span){ s->buffer, s->len };
	s->begin = s->len = 0;
	s->is_skipping = true;
	return true;
}

/* What a file has to say when it gives no more bytes. */
static int check_file(struct sensor_source *s)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return -errno;
	if (st.st_size < s->offset) {
		s->offset = 0;
		s->begin = s->len = 0;
		s->is_skipping = false;
		return 1;
	}
	return st.st_nlink ? 0 : -EIO;
}

/* More bytes behind those in the buffer. Return: 1; 0 none for now; -errno. */
static int fill(struct sensor_source *s)
{
	char *to = s->buffer + s->len;
	size_t room = sizeof(s->buffer) - s->len;
	ssize_t n;

	do
		n = s->kind == SENSOR_FILE ? pread(s->fd, to, room, s->offset)
					   : read(s->fd, to, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0 && s->kind == SENSOR_SOCKET)
		return -EIO;
	if (n == 0)
		return s->kind == SENSOR_FILE ? check_file(s) : 0;
	s->offset += n;
	s->len += (size_t)n;
	return 1;
}

int sensor_source_next(struct sensor_source *s, struct span *ret)
{
	for (;;) {
		int r;

		if (take_line(s, ret)) {
			if (!s->is_skipping)
				return 1;
			s->is_skipping = false;
			continue;
		}
		if (s->is_skipping)
			s->begin = s->len = 0;
		memmove(s->buffer, s->buffer + s->begin, s->len);
		s->begin = 0;
		if (take_overlong(s, ret))
			return 1;
		r = fill(s);
		if (r <= 0)
			return r;
	}
}
