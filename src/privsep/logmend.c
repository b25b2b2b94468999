// SPDX-License-Identifier: Apache-2.0
/* See logmend.h. */
#include "privsep/logmend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/systemd.h"
#include "core/lines.h"
#include "core/logtail.h"
#include "core/reverse_lines.h"
#include "privsep/logfiles.h"

#define FOREIGN_MAX 999
#define HEAD_BYTES  64 /* enough for {"seq": and a number */
#define TEMPORARY   LOGFILE_TEMPORARY "mended"

int logmend_move_aside(int dir, const char *name, char ret_name[static LOGMEND_NAME_SIZE])
{
	for (int i = 1; i <= FOREIGN_MAX; i++) {
		(void)snprintf(ret_name, LOGMEND_NAME_SIZE, "foreign-%d-%.32s", i, name);
		if (renameat2(dir, name, dir, ret_name, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static bool is_it(int dir, const char *name, const struct stat *wanted)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino;
}

int logmend_rename_back(int dir, const char *name, int kept,
			char ret_other[static NAME_MAX + 1])
{
	_cleanup_closedir_ DIR *stream = NULL;
	struct dirent *entry;
	struct stat st;
	int r = logfile_open_folder(dir, &stream);

	if (r >= 0 && fstat(kept, &st) < 0)
		r = -errno;
	if (r < 0)
		return r;
	while ((entry = readdir(stream))) {
		if (!is_it(dir, entry->d_name, &st))
			continue;
		(void)snprintf(ret_other, NAME_MAX + 1, "%s", entry->d_name);
		r = renameat2(dir, entry->d_name, dir, name, RENAME_NOREPLACE);
		if (r < 0)
			return -errno;
		logfile_sync_name(dir, name);
		return 1;
	}
	return 0;
}

/*
 * A disk may take long for a log, and nothing else is done meanwhile: systemd is told that it
 * gets on, for each piece that is on the disk.
 */
static int copy_in_pieces(int from, uint64_t size, int to)
{
	int r = 0;

	for (uint64_t at = 0; r >= 0 && at < size; at += LOGMEND_PIECE) {
		uint64_t left = size - at;

		r = copy_bytes(from, at,
			       at + (left < LOGMEND_PIECE ? left : LOGMEND_PIECE), to);
		if (r >= 0 && fdatasync(to) < 0)
			r = -errno;
		(void)sd.notify(0, "WATCHDOG=1"); /* nobody may be listening */
	}
	return r;
}

static int copy_whole_lines(int dir, int kept, unsigned int mode, uint64_t *ret_bytes)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	uint64_t cut;
	int r;

	if (fstat(kept, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size > LOGMEND_COPY_MAX)
		return -EFBIG;
	(void)unlinkat(dir, TEMPORARY, 0); /* of a try that was interrupted */
	fd = logfile_open(dir, TEMPORARY, O_RDWR | O_CREAT | O_EXCL, mode);
	r = fd < 0 ? fd : copy_in_pieces(kept, (uint64_t)st.st_size, fd);
	if (r >= 0) /* which syncs, if it cuts; the pieces are synced */
		r = logtail_repair(fd, &cut);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

int logmend_put_back(int dir, const char *name, int kept, unsigned int mode,
		     uint64_t *ret_bytes)
{
	uint64_t bytes = 0;
	int r = copy_whole_lines(dir, kept, mode, &bytes);

	if (r >= 0 && renameat(dir, TEMPORARY, dir, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir, TEMPORARY, 0);
		return r;
	}
	*ret_bytes = bytes;
	logfile_sync_name(dir, name);
	return 0;
}

bool logmend_seq_range(int fd, uint64_t *ret_first, uint64_t *ret_last)
{
	struct reverse_lines lines = { .fd = fd };
	char head[HEAD_BYTES];
	struct span line;
	struct stat st;
	uint64_t first, last;
	ssize_t n = read_at(fd, head, sizeof(head), 0);
	bool is_known;

	if (n <= 0 || !lines_seq((struct span){ head, (size_t)n }, &first) ||
	    fstat(fd, &st) < 0 ||
	    reverse_lines_end(fd, (uint64_t)st.st_size, &lines.offset) < 0)
		return false;
	is_known = reverse_lines_previous(&lines, &line) > 0 && line.data &&
		   lines_seq(line, &last);
	reverse_lines_deinit(&lines);
	if (!is_known)
		return false;
	*ret_first = first;
	*ret_last = last;
	return true;
}
