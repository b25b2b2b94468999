// SPDX-License-Identifier: Apache-2.0
/* See custody.h. */
#include "privsep/custody.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "core/logtail.h"

#define NUMBER_SIZE 24

int custody_init(struct custody *c, int dir, const char *folder)
{
	void *memory = mmap(NULL, sizeof(struct log_progress), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*c = (struct custody){ .folder = folder, .dir = dir, .kept = -1 };
	if (memory == MAP_FAILED)
		return -errno;
	c->progress = memory;
	return 0;
}

static void unmap_progress(struct custody *c)
{
	if (c->progress)
		(void)munmap(c->progress, sizeof(*c->progress)); /* cannot fail */
	c->progress = NULL;
}

void custody_leave(struct custody *c, bool keep_progress)
{
	logwatch_destroy(c->watch);
	c->watch = NULL;
	c->kept = -1; /* goes with the other descriptors that are not kept */
	if (!keep_progress)
		unmap_progress(c);
}

void custody_deinit(struct custody *c)
{
	logwatch_destroy(c->watch);
	c->watch = NULL;
	cleanup_close(&c->kept);
	c->kept = -1;
	unmap_progress(c);
}

void custody_start(struct custody *c, struct reports *reports)
{
	_cleanup_free_ struct logfile *list = NULL;
	int n, r = logwatch_create(c->dir, c->progress, &c->watch);

	c->reports = reports;
	if (r < 0) {
		(void)log_warning_errno(r, "%s is not watched", c->folder);
		return;
	}
	n = logfile_list(c->dir, &list);
	for (int i = 0; i < n; i++)
		logwatch_know(c->watch, list[i].name, false);
}

void custody_know(struct custody *c, const char *name, bool is_written)
{
	if (c->watch)
		logwatch_know(c->watch, name, is_written);
}

void custody_forget(struct custody *c, const char *name)
{
	if (c->watch)
		logwatch_forget(c->watch, name);
}

void custody_set_busy(struct custody *c, const char *name)
{
	if (c->watch)
		logwatch_set_busy(c->watch, name);
}

/* ---- telling ---- */

static void tell(struct custody *c, const char *type, enum lksm_severity severity,
		 const struct report_datum *data, size_t n)
{
	if (c->reports)
		reports_add_all(c->reports, type, severity, data, n);
}

static enum lksm_severity severity_of(enum tampering how)
{
	return how == TAMPERING_LINKED || how == TAMPERING_ATTRIBUTES ||
			       how == TAMPERING_PLANTED
		       ? LKSM_HIGH
		       : LKSM_CRITICAL;
}

static void tell_tampered(struct custody *c, const char *name, enum tampering how)
{
	const struct report_datum data[] = { { "file", name, false },
					     { "how", tampering_name(how), false } };

	log_warning("%s/%s was tampered with: %s", c->folder, name, tampering_name(how));
	tell(c, "log_tampered", severity_of(how), data, ARRAY_SIZE(data));
}

static void tell_restored(struct custody *c, uint64_t bytes, const char *moved_to)
{
	char number[NUMBER_SIZE];
	const struct report_datum data[] = { { "file", c->name, false },
					     { "bytes", number, true },
					     { "moved_to", moved_to, false } };

	(void)snprintf(number, sizeof(number), "%" PRIu64, bytes);
	log_notice("%s/%s is whole again, %s bytes", c->folder, c->name, number);
	tell(c, "log_restored", LKSM_HIGH, data, *moved_to ? 3 : 2);
}

/* Lines @first to behind @next, of which there may be none. */
static void tell_lost(struct custody *c, uint64_t first, uint64_t next,
		      const char *reason)
{
	char numbers[3][NUMBER_SIZE];
	const struct report_datum data[] = {
		{ "file", c->name, false },   { "first", numbers[0], true },
		{ "last", numbers[1], true }, { "count", numbers[2], true },
		{ "reason", reason, false },
	};

	if (next <= first)
		return;
	(void)snprintf(numbers[0], NUMBER_SIZE, "%" PRIu64, first);
	(void)snprintf(numbers[1], NUMBER_SIZE, "%" PRIu64, next - 1);
	(void)snprintf(numbers[2], NUMBER_SIZE, "%" PRIu64, next - first);
	log_error("%s/%s: the events %s to %s are lost: %s", c->folder, c->name,
		  numbers[0], numbers[1], reason);
	tell(c, "log_lines_lost", LKSM_CRITICAL, data, ARRAY_SIZE(data));
}

static bool is_own(const char *name)
{
	return name[0] == '.' && name[1];
}

static bool is_gone(enum tampering how)
{
	return how == TAMPERING_DELETED || how == TAMPERING_RENAMED ||
	       how == TAMPERING_REPLACED;
}

static void on_found(void *context, const char *name, enum tampering how)
{
	struct custody *c = context;

	/* first: the event is to be in the new file already */
	if (!strcmp(name, c->name) || how == TAMPERING_FOLDER)
		atomic_fetch_add(&c->progress->n_reopen, 1);
	tell_tampered(c, name, how);
	c->is_folder_told = c->is_folder_told || how == TAMPERING_FOLDER;
	c->is_own_lost = c->is_own_lost || (is_own(name) && is_gone(how));
}

void custody_look(struct custody *c)
{
	if (c->watch)
		logwatch_look(c->watch, on_found, c);
}

/* ---- mending ---- */

/* What is left of the log in its place: whole lines, and which. */
static void keep_rest(struct custody *c, enum tampering how)
{
	uint64_t first = atomic_load(&c->progress->first_seq), last, cut = 0;
	_cleanup_close_ int fd = logfile_open(c->dir, c->name, O_RDWR, 0);
	int r = fd < 0 ? fd : logtail_repair(fd, &cut);

	if (r < 0)
		(void)log_warning_errno(r, "%s/%s cannot be repaired", c->folder,
					c->name);
	if (cut)
		log_notice("%s/%s: cut a torn line of %" PRIu64 " bytes", c->folder,
			   c->name, cut);
	if (how != TAMPERING_TRUNCATED)
		return;
	if (fd >= 0 && logmend_seq_range(fd, &first, &last))
		first = last + 1;
	tell_lost(c, first, atomic_load(&c->progress->next_seq), tampering_name(how));
}

/* The name is free, or becomes it, for a new log; the lines of the old one stay behind. */
static void start_anew(struct custody *c, enum tampering how)
{
	char moved_to[LOGMEND_NAME_SIZE];
	uint64_t first, last;
	int r = logmend_move_aside(c->dir, c->name, moved_to);

	if (r == 0)
		log_notice("%s/%s: what had its place is now %s", c->folder, c->name,
			   moved_to);
	if (logmend_seq_range(c->kept, &first, &last))
		tell_lost(c, first, last + 1, tampering_name(how));
	cleanup_close(&c->kept);
	c->kept = -1;
	logwatch_set_current(c->watch, NULL);
	logwatch_forget(c->watch, c->name);
}

static bool rename_back(struct custody *c)
{
	char other[NAME_MAX + 1];
	struct stat st;

	if (fstat(c->kept, &st) < 0 ||
	    logmend_rename_back(c->dir, c->name, c->kept, other) <= 0)
		return false;
	logwatch_forget(c->watch, other);
	tell_restored(c, (uint64_t)st.st_size, "");
	return true;
}

static void put_back(struct custody *c, enum tampering how)
{
	char moved_to[LOGMEND_NAME_SIZE] = "";
	uint64_t bytes = 0;
	int r = 0;

	if ((how == TAMPERING_DELETED || how == TAMPERING_RENAMED) && rename_back(c))
		return;
	if (how == TAMPERING_REPLACED)
		r = logmend_move_aside(c->dir, c->name, moved_to);
	if (r >= 0 || r == -ENOENT)
		r = logmend_put_back(c->dir, c->name, c->kept, c->mode, &bytes);
	if (r >= 0) {
		tell_restored(c, bytes, moved_to);
		return;
	}
	(void)log_warning_errno(r, "%s/%s cannot be put back", c->folder, c->name);
	start_anew(c, how);
}

void custody_mend(struct custody *c, bool has_writer)
{
	bool is_news = false;
	enum tampering how = TAMPERING_NONE;

	if (c->watch && c->kept >= 0)
		how = logwatch_judge_current(c->watch, has_writer, &is_news);
	if (is_news)
		tell_tampered(c, c->name, how);
	if (how == TAMPERING_TRUNCATED || how == TAMPERING_APPENDED)
		keep_rest(c, how);
	else if (how)
		put_back(c, how);
	if (how && c->kept >= 0)
		logwatch_know(c->watch, c->name, false);
}

void custody_renew(struct custody *c)
{
	int r = c->watch ? logwatch_renew(c->watch) : 0;

	if (r < 0)
		(void)log_warning_errno(r, "%s is not watched", c->folder);
	if (!c->is_folder_told)
		tell_tampered(c, ".", TAMPERING_FOLDER);
	c->is_folder_told = false;
	c->is_own_lost = true;
}

void custody_take(struct custody *c, const char *name, unsigned int mode)
{
	uint64_t first, last;
	struct stat st;

	if (c->kept >= 0 && strcmp(c->name, name) != 0)
		custody_know(c, c->name, false); /* it is closed */
	cleanup_close(&c->kept);
	c->kept = logfile_open(c->dir, name, O_RDONLY, 0);
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	c->mode = mode;
	if (c->kept >= 0 && fstat(c->kept, &st) == 0)
		atomic_store(&c->progress->size, (uint64_t)st.st_size);
	/* who asks is not writing; a core that was killed while it did has left it open */
	atomic_store(&c->progress->n_done, atomic_load(&c->progress->n_begun));
	if (c->kept >= 0 && logmend_seq_range(c->kept, &first, &last)) {
		atomic_store(&c->progress->first_seq, first);
		atomic_store(&c->progress->next_seq, last + 1);
	}
	custody_know(c, name, false);
	if (c->watch)
		logwatch_set_current(c->watch, name);
}

int custody_clear(struct custody *c, const char *name)
{
	char moved_to[LOGMEND_NAME_SIZE];
	int r = logmend_move_aside(c->dir, name, moved_to);

	if (r < 0)
		return r;
	tell_tampered(c, name, TAMPERING_REPLACED);
	log_notice("%s/%s: what had its place is now %s", c->folder, name, moved_to);
	return 0;
}
