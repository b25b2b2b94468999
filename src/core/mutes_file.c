// SPDX-License-Identifier: Apache-2.0
/* See mutes_file.h. */
#include "core/mutes_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "core/yaml.h"

#define FOLDER_MODE 0750
#define LOCK_MODE   0600
#define FILE_MODE   0644 /* who follows the log may know what he does not see */

int mutes_read(const char *path, struct buffer *ret, struct buffer *errors)
{
	struct stat st;

	if (lstat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	return yaml_read(path, ret, errors);
}

int mutes_load(const char *path, struct mutes *ret, struct buffer *errors)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	int r = mutes_read(path, &text, errors);

	return r < 0 ? r : mutes_parse(path, buffer_span(&text), ret, errors);
}

static void append_line(const struct mute *m, struct buffer *out)
{
	char until[TIME_TEXT_SIZE] = "";

	if (m->until_us)
		time_format(m->until_us, until);
	buffer_append_u64(out, m->id);
	buffer_append_char(out, '\t');
	mute_append_what(m, out);
	buffer_appendf(out, "\t%s\t%s\t%s\t", until, m->reason ? m->reason : "",
		       m->by ? m->by : "");
	mute_append_json(m, out);
	buffer_append_char(out, '\n');
}

int mutes_load_lines(const char *path, struct buffer *out)
{
	_cleanup_buffer_ struct buffer errors = { 0 };
	_cleanup_mutes_ struct mutes m = { 0 };
	int r = mutes_load(path, &m, &errors);

	if (r < 0)
		buffer_append_span(out, buffer_span(&errors));
	for (size_t i = 0; i < m.n; i++)
		append_line(&m.items[i], out);
	return r;
}

/* Not the folder itself: whoever can read that could hold it for ever. */
int mutes_lock(const char *path)
{
	_cleanup_free_ char *copy = strdup(path), *name = NULL;
	_cleanup_close_ int fd = -1;

	if (!copy || asprintf(&name, "%s.lock", path) < 0) {
		name = NULL; /* undefined after a failure */
		return -ENOMEM;
	}
	if (mkdir(dirname(copy), FOLDER_MODE) < 0 && errno != EEXIST)
		return -errno;
	fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, LOCK_MODE);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	return take_fd(&fd);
}

static int write_file(int fd, struct span text)
{
	int r = write_all(fd, text.data, text.len);

	if (r == 0 && (fchmod(fd, FILE_MODE) < 0 || fsync(fd) < 0))
		r = -errno;
	return r;
}

int mutes_store(const char *path, const struct mutes *m)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	mutes_format(m, &text);
	if (buffer_error(&text))
		return buffer_error(&text);
	if (text.len > MUTES_FILE_MAX)
		return -EFBIG;
	if (asprintf(&name, "%s.XXXXXX", path) < 0) {
		name = NULL; /* undefined after a failure */
		return -ENOMEM;
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_file(fd, buffer_span(&text));
	if (r == 0 && rename(name, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(name);
	return r < 0 ? r : sync_parent(path);
}

bool mutes_file_is_news(struct mutes_file *f)
{
	struct stat now = { 0 }; /* as good as any if there is none */
	bool is_same;

	(void)stat(f->path, &now);
	is_same = f->is_seen && now.st_dev == f->seen.st_dev &&
		  now.st_ino == f->seen.st_ino && now.st_size == f->seen.st_size &&
		  now.st_ctim.tv_sec == f->seen.st_ctim.tv_sec &&
		  now.st_ctim.tv_nsec == f->seen.st_ctim.tv_nsec;
	f->is_again = is_same && f->is_unread;
	f->is_unread = false;
	f->seen = now;
	f->is_seen = true;
	return !is_same || f->is_again;
}

bool mutes_file_failed(struct mutes_file *f)
{
	f->is_unread = true;
	return !f->is_again;
}
