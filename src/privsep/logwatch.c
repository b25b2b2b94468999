// SPDX-License-Identifier: Apache-2.0
/*
 * See logwatch.h. The folder's watch tells of names and of writes; link(2) is told to the
 * watches of files only, so each file has one.
 *
 * Core writes to its log all the time, and inotify does not say who wrote. But core counts
 * its writes, before and after each. If no write of core's ended since we had last begun to
 * read notices, and none began until we have read them all, a notice of writing that is
 * among them is somebody else's.
 */
#include "privsep/logwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "privsep/logfiles.h"

#define NAME_SIZE 64
#define FILES_MAX \
	4096 /* that are there: logs of eleven years; more are not watched, which is said */
#define SIZE_TRIES 8 /* to see the size while core is not writing */

#define FOLDER_MASK                                                                    \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define FILE_MASK (IN_ATTRIB | IN_DONT_FOLLOW)

struct known_file {
	char name[NAME_SIZE];
	int watch;	 /* inotify's number, -1 for none */
	struct stat st;	 /* as it should be; .st_nlink 0: not there, which is known */
	bool is_written; /* by us */
	bool is_unseen;	 /* it could not be looked at: what is found next counts */
	bool is_touched, is_modified, is_moved; /* since the last look */
	enum tampering told; /* of the current log, and not mended since */
};

struct logwatch {
	int dir, fd, folder_watch;
	const struct log_progress *progress;
	char current[NAME_SIZE], busy[NAME_SIZE];
	uint64_t n_done; /* core's writes that had ended when we last began to read */
	bool is_folder_gone, is_full, is_overrun;
	size_t n, capacity;
	struct known_file *files;
	char (*strange)[NAME_SIZE]; /* names of logs that appeared */
	size_t n_strange;
};

const char *tampering_name(enum tampering how)
{
	static const char *const names[TAMPERING_COUNT] = {
		[TAMPERING_NONE] = "none",
		[TAMPERING_DELETED] = "deleted",
		[TAMPERING_RENAMED] = "renamed",
		[TAMPERING_REPLACED] = "replaced",
		[TAMPERING_LINKED] = "hard_linked",
		[TAMPERING_TRUNCATED] = "truncated",
		[TAMPERING_APPENDED] = "appended",
		[TAMPERING_CHANGED] = "changed",
		[TAMPERING_ATTRIBUTES] = "attributes",
		[TAMPERING_PLANTED] = "planted",
		[TAMPERING_FOLDER] = "folder_removed",
	};

	return names[how];
}

static int watch_folder(struct logwatch *w)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", w->dir);
	w->folder_watch = inotify_add_watch(w->fd, path, FOLDER_MASK);
	return w->folder_watch < 0 ? -errno : 0;
}

int logwatch_create(int dir, const struct log_progress *progress, struct logwatch **ret)
{
	struct logwatch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->dir = dir;
	w->progress = progress;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	r = w->fd < 0 ? -errno : watch_folder(w);
	if (r < 0)
		logwatch_destroy(w);
	else
		*ret = w;
	return r;
}

void logwatch_destroy(struct logwatch *w)
{
	if (!w)
		return;
	cleanup_close(&w->fd);
	free(w->files);
	free(w->strange);
	free(w);
}

int logwatch_fd(const struct logwatch *w)
{
	return w->fd;
}

/* ---- what we know ---- */

static struct known_file *find(struct logwatch *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->files[i].name, name))
			return &w->files[i];
	return NULL;
}

static void unwatch(struct logwatch *w, struct known_file *f)
{
	int watch = f->watch;

	f->watch = -1;
	for (size_t i = 0; watch >= 0 && i < w->n; i++)
		if (w->files[i].watch == watch)
			return; /* of two names of one file; the other one needs it */
	if (watch >= 0)
		(void)inotify_rm_watch(w->fd, watch); /* fails if the file is gone */
}

static void forget(struct logwatch *w, struct known_file *f)
{
	unwatch(w, f);
	*f = w->files[--w->n];
}

/* Those of which it is known, and was told, that they are gone. */
static void forget_gone(struct logwatch *w)
{
	for (size_t i = w->n; i-- > 0;) {
		struct known_file *f = &w->files[i];

		if (!f->st.st_nlink && !f->is_unseen && !f->is_touched &&
		    !f->is_written && strcmp(f->name, w->current) != 0)
			forget(w, f);
	}
}

static struct known_file *add(struct logwatch *w, const char *name)
{
	struct known_file *files = w->files;

	if (w->n == FILES_MAX)
		forget_gone(w);
	if (w->n == w->capacity && w->n < FILES_MAX) {
		size_t more = w->capacity ? w->capacity * 2 : 32;

		files = reallocarray(w->files, more, sizeof(*files));
		if (files) {
			w->files = files;
			w->capacity = more;
		}
	}
	if (!files || w->n == w->capacity || strlen(name) >= NAME_SIZE) {
		log_warning("log folder: %s is not watched", name);
		w->is_full = true;
		return NULL;
	}
	files[w->n] = (struct known_file){ .watch = -1 };
	(void)snprintf(files[w->n].name, NAME_SIZE, "%s", name);
	return &files[w->n++];
}

/* Without a watch of its own, only a second name elsewhere goes unseen. */
static void watch(struct logwatch *w, struct known_file *f)
{
	char path[64 + NAME_SIZE];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", w->dir, f->name);
	f->watch = inotify_add_watch(w->fd, path, FILE_MASK);
	if (f->watch < 0)
		log_debug("log folder: second names of %s are not seen", f->name);
}

/* A file that is not there has no names. Return: false if that cannot be found out. */
static bool look_at(const struct logwatch *w, const char *name, struct stat *ret)
{
	if (fstatat(w->dir, name, ret, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	*ret = (struct stat){ 0 };
	return errno == ENOENT;
}

/* The file as it is. Return: false if that cannot be found out now. */
static bool see(const struct logwatch *w, struct known_file *f, struct stat *ret)
{
	if (!look_at(w, f->name, ret))
		return false;
	if (f->is_unseen)
		f->st = *ret;
	f->is_unseen = false;
	return true;
}

void logwatch_know(struct logwatch *w, const char *name, bool is_written)
{
	struct known_file *f = find(w, name);
	struct stat before = f ? f->st : (struct stat){ 0 };

	if (!f)
		f = add(w, name);
	if (!f)
		return;
	f->is_written = is_written;
	f->told = TAMPERING_NONE;
	f->is_unseen = !look_at(w, name, &f->st);
	if (f->st.st_ino != before.st_ino || f->watch < 0) {
		unwatch(w, f);
		watch(w, f);
	}
}

void logwatch_forget(struct logwatch *w, const char *name)
{
	struct known_file *f = find(w, name);

	if (f)
		forget(w, f);
}

int logwatch_renew(struct logwatch *w)
{
	struct known_file *f;

	for (size_t i = w->n; i-- > 0;)
		if (strcmp(w->files[i].name, w->current) != 0)
			logwatch_forget(w, w->files[i].name);
	f = find(w, w->current);
	if (f)
		f->told = TAMPERING_DELETED;
	(void)inotify_rm_watch(w->fd, w->folder_watch); /* fails if the kernel did it */
	return watch_folder(w);
}

void logwatch_set_current(struct logwatch *w, const char *name)
{
	(void)snprintf(w->current, sizeof(w->current), "%s", name ? name : "");
	w->n_done = atomic_load(&w->progress->n_done);
}

void logwatch_set_busy(struct logwatch *w, const char *name)
{
	(void)snprintf(w->busy, sizeof(w->busy), "%s", name ? name : "");
}

static bool is_busy(const struct logwatch *w, const char *name)
{
	size_t len = strlen(w->busy);

	return len && !strncmp(name, w->busy, len) &&
	       (!name[len] || !strcmp(name + len, ".zst"));
}

/* ---- notices ---- */

static void note_strange(struct logwatch *w, const char *name)
{
	struct logfile file;
	void *more;

	if (!logfile_parse_name(name, &file))
		return;
	for (size_t i = 0; i < w->n_strange; i++)
		if (!strcmp(w->strange[i], name))
			return;
	more = w->n_strange < FILES_MAX
		       ? reallocarray(w->strange, w->n_strange + 1, NAME_SIZE)
		       : NULL;
	if (!more)
		return;
	w->strange = more;
	(void)snprintf(w->strange[w->n_strange++], NAME_SIZE, "%s", name);
}

static void note(struct logwatch *w, const struct inotify_event *e)
{
	const char *name = e->len ? e->name : "";
	struct known_file *named = find(w, name);

	w->is_overrun = w->is_overrun || (e->mask & IN_Q_OVERFLOW);
	if (e->wd == w->folder_watch && (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF)))
		w->is_folder_gone = true;
	for (size_t i = 0; i < w->n; i++) {
		struct known_file *f = &w->files[i];
		bool is_own_watch = e->wd != w->folder_watch && f->watch == e->wd;

		if (f != named && !is_own_watch)
			continue;
		f->is_touched = true;
		f->is_modified = f->is_modified || (e->mask & IN_MODIFY);
		f->is_moved = f->is_moved || (e->mask & IN_MOVED_FROM);
		if (is_own_watch && (e->mask & IN_IGNORED))
			f->watch = -1;
	}
	if (!named && (e->mask & (IN_CREATE | IN_MOVED_TO)))
		note_strange(w, name);
}

static void read_notices(struct logwatch *w)
{
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t n;

	while ((n = read(w->fd, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (void *)(buffer + at);

			note(w, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
}

/* Notices were lost: everything is looked at. Of a log that is not in a table that was full
 * once, nobody knows for how long it has been there. */
static void touch_all(struct logwatch *w)
{
	_cleanup_free_ struct logfile *list = NULL;
	int n = w->is_full ? 0 : logfile_list(w->dir, &list);

	w->is_overrun = false;
	for (size_t i = 0; i < w->n; i++)
		w->files[i].is_touched = true;
	for (int i = 0; i < n; i++)
		if (!find(w, list[i].name))
			note_strange(w, list[i].name);
}

/* ---- judging ---- */

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static enum tampering compare_identity(const struct known_file *f, const struct stat *now)
{
	if (!now->st_nlink)
		return !f->st.st_nlink ? TAMPERING_NONE
		       : f->is_moved   ? TAMPERING_RENAMED
				       : TAMPERING_DELETED;
	if (now->st_dev != f->st.st_dev || now->st_ino != f->st.st_ino ||
	    !S_ISREG(now->st_mode))
		return TAMPERING_REPLACED;
	return now->st_nlink > f->st.st_nlink ? TAMPERING_LINKED : TAMPERING_NONE;
}

static enum tampering compare_attributes(const struct stat *then, const struct stat *now)
{
	return then->st_mode != now->st_mode || then->st_uid != now->st_uid ||
			       then->st_gid != now->st_gid
		       ? TAMPERING_ATTRIBUTES
		       : TAMPERING_NONE;
}

/* A file that nobody writes: st_ctime tells an edit even if st_mtime was put back. */
static enum tampering compare_closed(const struct known_file *f, const struct stat *now)
{
	enum tampering how = compare_identity(f, now);

	if (how || !now->st_nlink)
		return how;
	if (!f->is_written && now->st_size < f->st.st_size)
		return TAMPERING_TRUNCATED;
	if (!f->is_written &&
	    (now->st_size > f->st.st_size ||
	     (f->is_modified && !is_same_time(now->st_ctim, f->st.st_ctim))))
		return TAMPERING_CHANGED;
	return compare_attributes(&f->st, now);
}

/* The log and its size while core rests. Return: false if core gave no time to look. */
static bool look_at_rest(const struct logwatch *w, const char *name, struct stat *ret,
			 uint64_t *ret_size)
{
	for (int i = 0; i < SIZE_TRIES; i++) {
		uint64_t n_begun = atomic_load(&w->progress->n_begun), size;
		struct stat now;

		if (!log_progress_is_at_rest(w->progress))
			continue;
		size = atomic_load(&w->progress->size);
		if (!look_at(w, name, &now))
			return false;
		if (atomic_load(&w->progress->n_begun) != n_begun)
			continue;
		*ret = now;
		*ret_size = size;
		return true;
	}
	return false;
}

static enum tampering compare_size(const struct stat *now, uint64_t size)
{
	if ((uint64_t)now->st_size == size)
		return TAMPERING_NONE;
	return (uint64_t)now->st_size < size ? TAMPERING_TRUNCATED : TAMPERING_APPENDED;
}

/*
 * @n_done: core's writes that had ended before the notices that came before these
 * @now: a look at it, which becomes a newer one if core gives time for it
 */
static enum tampering compare_current(const struct logwatch *w,
				      const struct known_file *f, uint64_t n_done,
				      struct stat *now)
{
	bool is_core_silent = atomic_load(&w->progress->n_begun) == n_done;
	uint64_t size = 0;
	bool has_size = look_at_rest(w, f->name, now, &size);
	enum tampering how;

	how = compare_identity(f, now);
	if (how || !now->st_nlink)
		return how;
	if (has_size)
		how = compare_size(now, size);
	if (!how && f->is_modified && is_core_silent &&
	    !is_same_time(now->st_ctim, f->st.st_ctim))
		how = TAMPERING_CHANGED;
	return how ? how : compare_attributes(&f->st, now);
}

enum tampering logwatch_judge_current(struct logwatch *w, bool has_writer,
				      bool *ret_is_news)
{
	struct known_file *f = find(w, w->current);
	enum tampering how;
	struct stat now;

	if (!f || !see(w, f, &now))
		return TAMPERING_NONE;
	how = compare_identity(f, &now);
	if (!how)
		how = compare_size(&now, atomic_load(&w->progress->size));
	if (how == TAMPERING_APPENDED && !has_writer)
		how = TAMPERING_NONE;
	*ret_is_news = how && !f->told;
	f->told = how;
	return how;
}

/* What takes a new file to mend is compared again when core asks for it. */
static bool needs_mending(enum tampering how)
{
	return how && how != TAMPERING_CHANGED && how != TAMPERING_ATTRIBUTES;
}

static void judge(struct logwatch *w, struct known_file *f, uint64_t n_done,
		  logwatch_found_fn found, void *context)
{
	bool is_current = !strcmp(f->name, w->current), is_news;
	enum tampering how;
	char name[NAME_SIZE];
	struct stat now;

	if (!see(w, f, &now))
		return; /* it stays touched, for the next look */
	how = is_current ? compare_current(w, f, n_done, &now) : compare_closed(f, &now);
	is_news = how && !f->told;
	f->is_touched = f->is_modified = f->is_moved = false;
	f->told = is_current && needs_mending(how) ? how : TAMPERING_NONE;
	if (!f->told)
		f->st = now;
	if (f->watch < 0 && now.st_nlink)
		watch(w, f);
	memcpy(name, f->name, sizeof(name));
	if (is_news)
		found(context, name, how); /* which may come to know or forget files */
}

static void judge_strange(struct logwatch *w, logwatch_found_fn found, void *context)
{
	for (size_t i = 0; i < w->n_strange; i++) {
		struct stat now;

		if (is_busy(w, w->strange[i]) || find(w, w->strange[i]) ||
		    !look_at(w, w->strange[i], &now) || !now.st_nlink)
			continue;
		logwatch_know(w, w->strange[i], false);
		found(context, w->strange[i], TAMPERING_PLANTED);
	}
	w->n_strange = 0;
}

void logwatch_look(struct logwatch *w, logwatch_found_fn found, void *context)
{
	uint64_t before = w->n_done;

	w->n_done = atomic_load(&w->progress->n_done);
	read_notices(w);
	if (w->is_overrun)
		touch_all(w);
	for (size_t i = w->n; i-- > 0;)
		if (i < w->n && w->files[i].is_touched && !is_busy(w, w->files[i].name))
			judge(w, &w->files[i], before, found, context);
	judge_strange(w, found, context);
	if (w->is_folder_gone)
		found(context, ".", TAMPERING_FOLDER);
	w->is_folder_gone = false;
}
