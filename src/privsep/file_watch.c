// SPDX-License-Identifier: Apache-2.0
/* See file_watch.h. */
#include "privsep/file_watch.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"

#define NOTICES                                                                 \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | \
	 IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static int on_rest(sd_event_source *source, uint64_t time_us, void *context)
{
	struct file_watch *w = context;

	(void)source;
	(void)time_us;
	w->begun_us = 0;
	w->changed(w->context);
	return 0;
}

static void put_off(struct file_watch *w)
{
	uint64_t now_us = clock_now().mono_us, end_us, delay_us = FILE_WATCH_REST_US;
	int r;

	if (!w->begun_us)
		w->begun_us = now_us;
	end_us = w->begun_us + FILE_WATCH_LONGEST_US;
	if (now_us + delay_us > end_us)
		delay_us = end_us > now_us ? end_us - now_us : 0;
	r = loop_after(w->event, &w->rest, delay_us, on_rest, w);
	if (r < 0)
		(void)log_warning_errno(r, "a file that was saved is not read again");
}

/* A file that is made is written next, and told of when it is closed; a link has no more to come. */
static bool is_being_made(const struct file_watched *item, const struct inotify_event *e)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (!(e->mask & IN_CREATE))
		return false;
	if (asprintf(&path, "%s/%s", item->folder, e->name) < 0) {
		path = NULL; /* undefined after a failure */
		return false;
	}
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static bool is_named(const struct file_watched *item, const char *name)
{
	return item->name ? !strcmp(item->name, name)
			  : fnmatch("*.yaml", name, FNM_PERIOD) == 0;
}

static int on_notice(sd_event_source *source, const struct inotify_event *e,
		     void *context)
{
	struct file_watched *item = context;
	/* of the folder itself, or that notices were lost */
	bool is_of_folder = e->len == 0 && !(e->mask & (IN_IGNORED | IN_ATTRIB));

	(void)source;
	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
		item->is_lost = true;
	if (is_of_folder ||
	    (e->len && is_named(item, e->name) && !is_being_made(item, e)))
		put_off(item->watch);
	return 0;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/")
	       : slash	     ? strndup(path, (size_t)(slash - path))
			     : strdup(".");
}

/* Where to look for it, and for what: of what is not there yet, for the first that is missing. */
static int split(const char *path, struct file_watched *ret)
{
	ret->path = strdup(path);
	ret->folder = strdup(path);
	while (ret->folder && !is_folder(ret->folder) && strcmp(ret->folder, ".")) {
		const char *slash = strrchr(ret->folder, '/');
		char *above = folder_of(ret->folder);

		free(ret->name);
		ret->name = strdup(slash ? slash + 1 : ret->folder);
		free(ret->folder);
		ret->folder = above;
	}
	return ret->path && ret->folder && (ret->name || !strcmp(ret->folder, path))
		       ? 0
		       : -ENOMEM;
}

static void clear(struct file_watched *item)
{
	(void)sd.event_source_disable_unref(item->source);
	free(item->path);
	free(item->folder);
	free(item->name);
	*item = (struct file_watched){ 0 };
}

static void add(struct file_watch *w, const char *path)
{
	struct file_watched *item = &w->items[w->n];
	int r = w->n < FILE_WATCH_MAX ? 0 : -E2BIG;

	if (r == 0) {
		item->watch = w;
		r = split(path, item);
		if (r >= 0)
			r = sd.event_add_inotify(w->event, &item->source, item->folder,
						 NOTICES, on_notice, item);
		if (r < 0)
			clear(item);
		else
			w->n++;
	}
	if (r < 0)
		(void)log_warning_errno(r, "changes of %s are not seen", path);
}

/* It may have been made, or replaced, since. */
static bool is_still_there(const struct file_watched *item)
{
	struct file_watched now = { 0 };
	bool is_same = !item->is_lost && split(item->path, &now) == 0 &&
		       !strcmp(now.folder, item->folder) && !now.name == !item->name &&
		       (!now.name || !strcmp(now.name, item->name));

	clear(&now);
	return is_same;
}

static bool is_watched(const struct file_watch *w, const char *const *paths, size_t n)
{
	bool is_same = w->n == n;

	for (size_t i = 0; is_same && i < n; i++)
		is_same = !strcmp(w->items[i].path, paths[i]) &&
			  is_still_there(&w->items[i]);
	return is_same;
}

static void clear_all(struct file_watch *w)
{
	while (w->n)
		clear(&w->items[--w->n]);
}

void file_watch_start(struct file_watch *w, const char *const *paths, size_t n)
{
	if (is_watched(w, paths, n))
		return;
	clear_all(w);
	for (size_t i = 0; i < n; i++)
		add(w, paths[i]);
}

void file_watch_forget(struct file_watch *w)
{
	w->rest = sd.event_source_disable_unref(w->rest);
	w->begun_us = 0;
}

void file_watch_stop(struct file_watch *w)
{
	clear_all(w);
	file_watch_forget(w);
}
