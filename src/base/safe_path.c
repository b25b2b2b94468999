// SPDX-License-Identifier: Apache-2.0
/* See safe_path.h. */
#include "base/safe_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/paths.h"

static int refuse(struct buffer *reason, const char *path, size_t len, const char *what)
{
	buffer_appendf(reason, "%.*s %s", (int)len, path, what);
	return -EACCES;
}

enum part {
	PART_ABOVE, /* a folder further up: sticky, as /tmp is, nobody can swap what is root's */
	PART_FOLDER, /* the file's own: others could link files of root's into a sticky one */
	PART_FILE,
};

/* @len: of the part of @path that @fd stands for. */
static int check(int fd, const char *path, size_t len, enum part part,
		 struct buffer *reason)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (part == PART_FILE && !S_ISREG(st.st_mode))
		return refuse(reason, path, len, "is not a regular file");
	/* it was one for realpath() */
	if (part != PART_FILE && !S_ISDIR(st.st_mode))
		return refuse(reason, path, len, "is not a folder");
	if (st.st_uid != 0)
		return refuse(reason, path, len, "does not belong to root");
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) &&
	    !(part == PART_ABOVE && (st.st_mode & S_ISVTX)))
		return refuse(reason, path, len, "can be written by others than root");
	return 0;
}

static int open_at(int folder, const char *name, int flags)
{
	int fd = openat(folder, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

/* @path is absolute, without links, "." and "..": the answer of realpath(3). */
static int walk(const char *path, struct buffer *reason)
{
	_cleanup_close_ int folder = open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
	const char *at = path + 1;
	int r = folder < 0 ? folder
			   : check(folder, path, 1,
				   strchr(at, '/') ? PART_ABOVE : PART_FOLDER, reason);

	for (const char *slash; r >= 0 && (slash = strchr(at, '/')); at = slash + 1) {
		_cleanup_free_ char *name = strndup(at, (size_t)(slash - at));
		int next = name ? open_at(folder, name, O_PATH | O_NOFOLLOW) : -ENOMEM;

		if (next < 0)
			return next;
		(void)close(folder); /* a path only */
		folder = next;
		r = check(folder, path, (size_t)(slash - path),
			  strchr(slash + 1, '/') ? PART_ABOVE : PART_FOLDER, reason);
	}
	return r < 0 ? r : open_at(folder, at, O_RDONLY | O_NOFOLLOW);
}

static int open_file(const char *path, bool is_strict, struct buffer *reason)
{
	_cleanup_close_ int fd = is_strict ? walk(path, reason)
					   : open_at(AT_FDCWD, path, O_RDONLY);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return fd;
	if (is_strict)
		r = check(fd, path, strlen(path), PART_FILE, reason);
	else if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = refuse(reason, path, strlen(path), "is not a regular file");
	return r < 0 ? r : take_fd(&fd);
}

bool safe_path_is_strict(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	const char *root = paths_checkout();
	size_t n = strlen(root);

	return geteuid() == 0 &&
	       !(n && real && !strncmp(real, root, n) && real[n] == '/');
}

int safe_path_open(const char *path, bool is_strict, struct buffer *reason)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	int r = real ? open_file(real, is_strict, reason) : -errno;

	if (r < 0 && !reason->len)
		buffer_appendf(reason, "%s cannot be opened: %s", path, strerror(-r));
	return r;
}

/* Further up, a group is the system's own: Ubuntu's /var/log is syslog's, too. */
static bool can_others_write(const struct stat *st, enum part part)
{
	bool is_others = st->st_uid != 0 && st->st_uid != geteuid();

	if (part == PART_ABOVE)
		return is_others || (st->st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH;
	return is_others || (st->st_mode & (S_IWGRP | S_IWOTH));
}

bool safe_path_is_own(int folder)
{
	struct stat st;

	return fstat(folder, &st) == 0 && !can_others_write(&st, PART_FOLDER);
}

bool safe_path_is_shared(const char *folder)
{
	_cleanup_free_ char *path = realpath(folder, NULL);
	enum part part = PART_FOLDER;
	bool is_shared = false;
	struct stat st;

	while (path && *path && !is_shared) {
		is_shared = stat(path, &st) == 0 && can_others_write(&st, part);
		*strrchr(path, '/') = '\0'; /* realpath() begins with one */
		part = PART_ABOVE;
	}
	return is_shared;
}
