// SPDX-License-Identifier: Apache-2.0
/*
 * See log_follower.h. A file is read in pieces into f->pending; of a line whose end is not
 * there yet nothing is kept, because a torn line may be cut and written anew: it is read
 * again. When a file has no more and a later one is there, it is read once more to its end,
 * and then the later one.
 */
#include "core/log_follower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <zstd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "core/event.h"
#include "core/reverse_lines.h"

#define PACKED	   ".zst"
#define READ_BYTES ((size_t)256 << 10)
#define SEQ_MAX	   ((uint64_t)1 << 53)

struct log_follower {
	int folder; /* the caller's */
	int watch;
	struct log_cursor cursor;

	int fd;		       /* of the log that cursor.name names; -1: none */
	ZSTD_DCtx *unpacker;   /* while it is a compressed one */
	char *packed;	       /* READ_BYTES of it */
	ZSTD_inBuffer unread;  /* of them */
	uint64_t offset;       /* unpacked: behind f->pending */
	struct buffer pending; /* read, of it given out: */
	size_t at;
	bool is_overlong;   /* inside a line that is passed over */
	bool is_last_look;  /* a later log is there */
	bool is_rescanning; /* until the end: old numbers are no surprise */
	uint64_t bad_lines;
	size_t passed_over; /* bytes, since -EAGAIN */
};

bool log_line_seq(struct span line, uint64_t *ret)
{
	static const struct span begin = SPAN("{\"seq\": ");
	uint64_t seq;

	if (!span_starts_with(line, begin))
		return false;
	line = span_skip(line, begin.len);
	if (!take_number(&line, SEQ_MAX, &seq) || !line.len || *line.data != ',')
		return false;
	*ret = seq;
	return true;
}

static int open_regular(int folder, const char *name)
{
	_cleanup_close_ int fd = openat(
		folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? take_fd(&fd) : -EINVAL;
}

/* What has the name of a log and is none, or is gone, is passed over; not what we may not
 * read. */
static bool is_absent(int error)
{
	return error == -ENOENT || error == -ELOOP || error == -EINVAL;
}

static void leave_file(struct log_follower *f)
{
	cleanup_close(&f->fd);
	f->fd = -1;
	(void)ZSTD_freeDCtx(f->unpacker); /* takes NULL, too */
	f->unpacker = NULL;
	f->unread = (ZSTD_inBuffer){ 0 };
	f->pending.len = f->at = 0;
	f->offset = 0;
	f->is_overlong = f->is_last_look = false;
}

static int open_packed(struct log_follower *f)
{
	char name[FOLDER_LOG_SIZE + sizeof(PACKED)];

	(void)snprintf(name, sizeof(name), "%s" PACKED, f->cursor.name);
	f->fd = open_regular(f->folder, name);
	if (f->fd < 0)
		return f->fd;
	f->unpacker = ZSTD_createDCtx();
	if (!f->packed)
		f->packed = malloc(READ_BYTES);
	return f->unpacker && f->packed ? 0 : -ENOMEM;
}

/* Is the line that ends at the cursor the one that it is behind? */
static bool is_place_known(const struct log_follower *f)
{
	struct reverse_lines lines = { .fd = f->fd, .offset = f->cursor.offset };
	struct span line;
	struct stat st;
	uint64_t seq;
	char last;
	bool is_known = f->cursor.offset > 0 && fstat(f->fd, &st) == 0 &&
			(uint64_t)st.st_size >= f->cursor.offset &&
			pread(f->fd, &last, 1, (off_t)f->cursor.offset - 1) == 1 &&
			last == '\n';

	is_known = is_known && reverse_lines_previous(&lines, &line) > 0 && line.data &&
		   log_line_seq(line, &seq) && seq + 1 == f->cursor.next_seq;
	reverse_lines_deinit(&lines);
	return is_known;
}

/* Open the cursor's log and go to its place; if that is not there, the whole log again. */
static int seek_cursor(struct log_follower *f)
{
	leave_file(f);
	if (!*f->cursor.name)
		return 0;
	f->fd = open_regular(f->folder, f->cursor.name);
	if (is_absent(f->fd)) {
		int r = open_packed(f);

		f->is_rescanning = true;
		/* retention took it, or somebody: the next one is there, or will be */
		return is_absent(r) ? 0 : r;
	}
	if (f->fd < 0)
		return f->fd;
	if (is_place_known(f))
		f->offset = f->cursor.offset;
	else
		f->is_rescanning = true;
	return 0;
}

static int watch_folder(int folder)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	if (watch < 0 ||
	    inotify_add_watch(watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return -errno;
	return take_fd(&watch);
}

int log_follower_create(int folder, const struct log_cursor *from,
			struct log_follower **ret)
{
	struct log_follower *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	*f = (struct log_follower){
		.folder = folder, .fd = -1, .cursor = *from, .is_rescanning = !*from->name
	};
	f->cursor.name[sizeof(f->cursor.name) - 1] = '\0';
	f->watch = watch_folder(folder); /* before it is read: nothing falls between */
	if (f->watch < 0)
		f->watch = -1; /* too many watches in use: the caller asks now and then */
	r = seek_cursor(f);
	if (r < 0) {
		log_follower_destroy(f);
		return r;
	}
	*ret = f;
	return 0;
}

void log_follower_destroy(struct log_follower *f)
{
	if (!f)
		return;
	leave_file(f);
	cleanup_close(&f->watch);
	buffer_deinit(&f->pending);
	free(f->packed);
	free(f);
}

int log_follower_watch(const struct log_follower *f)
{
	return f->watch;
}

void log_follower_clear_watch(struct log_follower *f)
{
	char ignored[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (f->watch >= 0 && read(f->watch, ignored, sizeof(ignored)) > 0)
		;
}

void log_follower_cursor(const struct log_follower *f, struct log_cursor *ret)
{
	*ret = f->cursor;
}

uint64_t log_follower_bad_lines(const struct log_follower *f)
{
	return f->bad_lines;
}

static void drop_pending(struct log_follower *f)
{
	f->pending.len = f->at = 0;
}

/* Begin of the bytes that are not given out, in the file. */
static uint64_t pending_offset(const struct log_follower *f)
{
	return f->offset - (f->pending.len - f->at);
}

/* Return: 1 and a whole line without its newline, which is taken; 0. */
static int take_line(struct log_follower *f, struct span *ret)
{
	struct span rest;
	const char *end;

	if (!f->pending.len)
		return 0; /* there may be no buffer yet */
	rest = (struct span){ f->pending.data + f->at, f->pending.len - f->at };
	end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL;
	if (end) {
		*ret = (struct span){ rest.data, (size_t)(end - rest.data) };
		f->at += ret->len + 1;
		return 1;
	}
	if (rest.len > EVENT_LINE_MAX) {
		f->is_overlong = true;
		f->passed_over += rest.len;
		drop_pending(f);
	} else if (f->at) {
		memmove(f->pending.data, rest.data, rest.len);
		f->pending.len = rest.len;
		f->at = 0;
	}
	return 0;
}

/* Return: bytes, 0 at the end, -errno. */
static ssize_t read_plain(struct log_follower *f, char *to)
{
	ssize_t n;

	do
		n = pread(f->fd, to, READ_BYTES, (off_t)f->offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* The same. What cannot be unpacked ends the file: `lksm verify` tells of it. */
static ssize_t read_packed(struct log_follower *f, char *to)
{
	ZSTD_outBuffer out = { to, READ_BYTES, 0 };

	for (;;) {
		size_t in_before = f->unread.pos, left;
		ssize_t n;

		left = ZSTD_decompressStream(f->unpacker, &out, &f->unread);
		if (ZSTD_isError(left))
			return 0;
		if (out.pos)
			return (ssize_t)out.pos;
		if (f->unread.pos < f->unread.size && f->unread.pos != in_before)
			continue;
		do
			n = read(f->fd, f->packed, READ_BYTES);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		f->unread = (ZSTD_inBuffer){ f->packed, (size_t)n, 0 };
	}
}

static ssize_t read_more(struct log_follower *f)
{
	char *to = f->fd >= 0 ? buffer_reserve(&f->pending, READ_BYTES) : NULL;
	ssize_t n;

	if (f->fd < 0)
		return 0;
	if (!to)
		return buffer_error(&f->pending);
	n = f->unpacker ? read_packed(f, to) : read_plain(f, to);
	if (n > 0) {
		f->pending.len += (size_t)n;
		f->offset += (uint64_t)n;
	}
	return n;
}

/* Another file has the log's name by now, or it is shorter than what was read. */
static bool is_changed(const struct log_follower *f)
{
	struct stat ours, named;

	if (f->fd < 0 || f->unpacker || fstat(f->fd, &ours) < 0)
		return false;
	if ((uint64_t)ours.st_size < pending_offset(f))
		return true;
	return fstatat(f->folder, f->cursor.name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(named.st_mode) && named.st_ino != ours.st_ino;
}

/* The first log behind the cursor's; 1, 0 if there is none, -errno. */
static int find_next(const struct log_follower *f, char ret[static FOLDER_LOG_SIZE])
{
	size_t plain_len = FOLDER_LOG_SIZE - sizeof(PACKED);
	struct folder_logs logs = { 0 };
	int r = folder_logs_list(f->folder, &logs), found = 0;

	for (size_t i = 0; r == 0 && !found && i < logs.n; i++) {
		logs.names[i][plain_len] = '\0';
		found = strcmp(logs.names[i], f->cursor.name) > 0;
		if (found)
			memcpy(ret, logs.names[i], FOLDER_LOG_SIZE);
	}
	folder_logs_deinit(&logs);
	return r < 0 ? r : found;
}

/* The end of this file: is there more elsewhere? 1: read on, 0: not now, -errno. */
static int go_on(struct log_follower *f)
{
	char next[FOLDER_LOG_SIZE];
	bool is_behind = f->is_last_look || f->fd < 0;
	int r;

	/* it may be cut and written anew: it is read again */
	f->offset = pending_offset(f);
	drop_pending(f);
	if (is_changed(f)) {
		r = seek_cursor(f);
		return r < 0 ? r : f->fd >= 0;
	}
	r = find_next(f, next);
	if (r <= 0) {
		f->is_rescanning = f->is_rescanning && r < 0;
		return r;
	}
	if (!is_behind) {
		f->is_last_look = true;
		return 1;
	}
	memcpy(f->cursor.name, next, sizeof(next));
	f->cursor.offset = 0;
	leave_file(f);
	f->fd = open_regular(f->folder, next);
	r = f->fd < 0 ? f->fd : 0;
	if (is_absent(r))
		r = open_packed(f);
	return r < 0 && !is_absent(r) ? r : 1;
}

/* Return: 1 it is new, 0 not for the caller, -ESTALE. */
static int judge(struct log_follower *f, struct span line, struct log_line *ret)
{
	uint64_t seq;

	if (f->is_overlong || line.len >= EVENT_LINE_MAX || !log_line_seq(line, &seq)) {
		f->bad_lines++;
		f->is_overlong = false;
		return 0;
	}
	*ret = (struct log_line){ seq, line };
	if (seq < f->cursor.next_seq)
		return f->is_rescanning ? 0 : -ESTALE;
	f->cursor.next_seq = seq + 1;
	f->cursor.offset = pending_offset(f);
	return 1;
}

int log_follower_next(struct log_follower *f, struct log_line *ret)
{
	for (;;) {
		struct span line;
		ssize_t n;
		int r;

		while (take_line(f, &line)) {
			r = judge(f, line, ret);
			if (r)
				return r;
			f->passed_over += line.len + 1;
		}
		if (f->passed_over >= LOG_FOLLOWER_TURN) {
			f->passed_over = 0;
			return -EAGAIN;
		}
		n = read_more(f);
		if (n < 0)
			return (int)n;
		r = n > 0 ? 1 : go_on(f);
		if (r <= 0)
			return r;
	}
}
