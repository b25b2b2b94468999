// SPDX-License-Identifier: Apache-2.0
/* See log_lines.h. */
#include "cli/log_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/packed.h"
#include "core/event.h"
#include "core/reverse_lines.h"

struct splitter {
	log_line_taker *take;
	void *userdata;
	struct buffer
		pending;  /* the beginning of a line whose end is in the next piece */
	bool is_overlong; /* it was thrown away; so is its end */
	uint64_t n_whole; /* bytes up to the end of the last whole line */
	uint64_t n_bytes;
};

static int take_line(struct splitter *s, struct span line)
{
	return line.len < EVENT_LINE_MAX ? s->take(s->userdata, line) : 0;
}

static int finish_pending(struct splitter *s, struct span rest)
{
	int r = 0;

	buffer_append_span(&s->pending, rest);
	if (!s->is_overlong)
		r = buffer_error(&s->pending) ? buffer_error(&s->pending)
					      : take_line(s, buffer_span(&s->pending));
	s->is_overlong = false;
	buffer_clear(&s->pending);
	return r;
}

static int keep_pending(struct splitter *s, struct span rest)
{
	if (s->pending.len + rest.len >= EVENT_LINE_MAX) {
		s->is_overlong = true;
		buffer_clear(&s->pending);
		return 0;
	}
	buffer_append_span(&s->pending, rest);
	return buffer_error(&s->pending);
}

static int split(void *userdata, struct span piece)
{
	struct splitter *s = userdata;
	const char *end;
	int r = 0;

	s->n_bytes += piece.len;
	while (r == 0 && piece.len && (end = memchr(piece.data, '\n', piece.len))) {
		struct span line = { piece.data, (size_t)(end - piece.data) };

		piece = span_skip(piece, line.len + 1);
		r = s->pending.len || s->is_overlong ? finish_pending(s, line)
						     : take_line(s, line);
		s->n_whole = s->n_bytes - piece.len;
	}
	return r ? r : keep_pending(s, piece);
}

static int each_from(int fd, bool is_packed, uint64_t *offset, log_line_taker *take,
		     void *userdata)
{
	struct splitter s = { .take = take, .userdata = userdata };
	int r;

	if (lseek(fd, (off_t)*offset, SEEK_SET) < 0)
		return -errno;
	r = packed_feed(fd, is_packed, split, &s);
	*offset += s.n_whole;
	buffer_deinit(&s.pending);
	return r;
}

int log_lines_from(int fd, uint64_t *offset, log_line_taker *take, void *userdata)
{
	return each_from(fd, false, offset, take, userdata);
}

int log_lines_each(int fd, bool is_packed, log_line_taker *take, void *userdata)
{
	uint64_t offset = 0;

	return each_from(fd, is_packed, &offset, take, userdata);
}

static int write_piece(void *userdata, struct span piece)
{
	const int *fd = userdata;

	return write_all(*fd, piece.data, piece.len);
}

/* Return: a descriptor of a file without a name; -errno. */
static int unpack(int fd)
{
	const char *folder = getenv("TMPDIR");
	_cleanup_close_ int plain = open(folder && *folder ? folder : "/tmp",
					 O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	int r;

	if (plain < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	r = packed_feed(fd, true, write_piece, &plain);
	return r < 0 && r != -EBADMSG ? r : take_fd(&plain);
}

static int each_back(int fd, log_line_taker *take, void *userdata)
{
	struct reverse_lines lines = { .fd = fd };
	off_t size = lseek(fd, 0, SEEK_END);
	struct span line;
	int r;

	if (size < 0)
		return -errno;
	r = reverse_lines_end(fd, (uint64_t)size, &lines.offset);
	while (r >= 0 && (r = reverse_lines_previous(&lines, &line)) > 0) {
		if (!line.data)
			continue;
		r = take(userdata, (struct span){ line.data, line.len - 1 });
		if (r)
			break;
	}
	reverse_lines_deinit(&lines);
	return r;
}

int log_lines_each_back(int fd, bool is_packed, log_line_taker *take, void *userdata)
{
	_cleanup_close_ int plain = is_packed ? unpack(fd) : -1;

	if (is_packed && plain < 0)
		return plain;
	return each_back(is_packed ? plain : fd, take, userdata);
}
