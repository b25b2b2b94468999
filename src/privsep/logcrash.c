// SPDX-License-Identifier: Apache-2.0
/* See logcrash.h. */
#include "privsep/logcrash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "core/lines.h"
#include "core/reverse_lines.h"
#include "privsep/logfiles.h"

#define DAMAGED_MAX  999
#define DAMAGED_MODE 0640
#define CHUNK_BYTES  ((size_t)256 << 10)
#define SEQ_MAX	     (UINT64_C(1) << 53) /* as core/logtail.c: nobody counts so far */

/*
 * Where the line begins that has the first NUL byte in it. Return: 1; 0 if no line has; -errno.
 */
static int find_damage(int fd, uint64_t *ret_start)
{
	_cleanup_free_ char *chunk = malloc(CHUNK_BYTES);
	uint64_t at = 0, start = 0;

	if (!chunk)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read_at(fd, chunk, CHUNK_BYTES, at);
		const char *nul, *newline;

		if (n <= 0)
			return (int)n;
		nul = memchr(chunk, '\0', (size_t)n);
		newline = memrchr(chunk, '\n', nul ? (size_t)(nul - chunk) : (size_t)n);
		if (newline)
			start = at + (size_t)(newline - chunk) + 1;
		if (nul) {
			*ret_start = start;
			return 1;
		}
		at += (size_t)n;
	}
}

/* The number of the last whole line behind @start is not given twice. */
static int find_next_seq(int fd, uint64_t start, uint64_t size, uint64_t *ret)
{
	struct reverse_lines lines = { .fd = fd };
	struct span line;
	uint64_t seq;
	int r = reverse_lines_end(fd, size, &lines.offset);

	while (r >= 0 && (r = reverse_lines_previous(&lines, &line)) > 0 &&
	       reverse_lines_at(&lines) >= start) {
		/* one with a hole may have half a number */
		if (!line.data || memchr(line.data, '\0', line.len) ||
		    !lines_seq(line, &seq) || seq >= SEQ_MAX)
			continue;
		*ret = seq + 1;
		break;
	}
	reverse_lines_deinit(&lines);
	return r < 0 ? r : 0;
}

static int create_damaged(int dir, const char *name, char ret[static LOGCRASH_NAME_SIZE])
{
	for (int i = 1; i <= DAMAGED_MAX; i++) {
		int fd;

		(void)snprintf(ret, LOGCRASH_NAME_SIZE, "damaged-%d-%.32s", i, name);
		fd = openat(dir, ret, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			    DAMAGED_MODE);
		if (fd >= 0 || errno != EEXIST)
			return fd < 0 ? -errno : fd;
	}
	return -EEXIST;
}

/* For people to look at. The log goes on in any case. */
static void keep_damaged(int dir, const char *name, int fd, uint64_t start, uint64_t size,
			 struct logcrash *ret)
{
	char moved_to[LOGCRASH_NAME_SIZE];
	_cleanup_close_ int to = create_damaged(dir, name, moved_to);
	int r = to < 0 ? to : copy_bytes(fd, start, size, to);

	if (r >= 0 && fsync(to) < 0)
		r = -errno;
	if (r >= 0) {
		(void)snprintf(ret->moved_to, sizeof(ret->moved_to), "%s", moved_to);
		logfile_sync_name(dir, moved_to);
		return;
	}
	(void)log_warning_errno(r, "what a crash left of %s behind a hole is not kept",
				name);
	if (to >= 0)
		(void)unlinkat(dir, moved_to, 0);
}

int logcrash_mend(int dir, const char *name, struct logcrash *ret)
{
	_cleanup_close_ int fd = logfile_open(dir, name, O_RDWR, 0);
	uint64_t start = 0, size;
	struct stat st;
	int r = fd < 0 ? fd : find_damage(fd, &start);

	*ret = (struct logcrash){ 0 };
	if (r <= 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	size = (uint64_t)st.st_size;
	r = find_next_seq(fd, start, size, &ret->next_seq);
	if (r < 0)
		return r;
	keep_damaged(dir, name, fd, start, size, ret);
	if (ftruncate(fd, (off_t)start) < 0 || fsync(fd) < 0)
		return -errno;
	ret->cut_bytes = size - start;
	return 0;
}

void logcrash_sync(int dir, const char *name)
{
	_cleanup_close_ int fd = logfile_open(dir, name, O_RDONLY, 0);

	if (fd >= 0 && fsync(fd) < 0)
		(void)log_warning_errno(errno, "%s cannot be synced to the disk", name);
}
