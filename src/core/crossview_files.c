// SPDX-License-Identifier: Apache-2.0
/* See crossview_files.h. */
#include "core/crossview_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

#define XFS_MAGIC     0x58465342
#define PROGRAMS_MAX  512
#define SWALLOWED_MAX 8 /* names told of one folder */

/* ---- the kernel ---- */

static int kernel_stat(void *context, int fd, struct stat *ret)
{
	(void)context;
	return fstat(fd, ret) < 0 ? -errno : 0;
}

/* ext2/3/4 and tmpfs always, xfs too; btrfs, overlayfs and network ones do not. */
static bool kernel_counts_links(void *context, int fd)
{
	struct statfs fs;

	(void)context;
	return fstatfs(fd, &fs) == 0 &&
	       (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == TMPFS_MAGIC ||
		fs.f_type == XFS_MAGIC);
}

static bool kernel_lists_all(void *context, int fd)
{
	struct statfs fs;

	return kernel_counts_links(context, fd) ||
	       (fstatfs(fd, &fs) == 0 &&
		(fs.f_type == BTRFS_SUPER_MAGIC || fs.f_type == OVERLAYFS_SUPER_MAGIC ||
		 fs.f_type == F2FS_SUPER_MAGIC));
}

static void kernel_pause(void *context)
{
	(void)context;
	crossview_pause();
}

static ssize_t kernel_getdents(int fd, void *to, size_t size)
{
	return folder_calls_kernel.getdents(fd, to, size);
}

const struct file_calls file_calls_kernel = {
	.folder = { kernel_getdents, lseek },
	.stat = kernel_stat,
	.counts_links = kernel_counts_links,
	.lists_all = kernel_lists_all,
	.pause = kernel_pause,
};

/* ---- one look at a folder ---- */

struct swallowed {
	uint64_t inode;
	size_t len; /* 0: its name is not left */
	char name[FINDING_TEXT_MAX];
};

struct look {
	size_t n_folders;
	bool has_unknown; /* records that do not tell what they are */
	size_t n_swallowed;
	struct swallowed swallowed[SWALLOWED_MAX];
	size_t n_misplaced;
	int64_t n_links_more; /* than subfolders; 0 if it cannot be told */
};

static void add_swallowed(struct look *l, const struct folder_record *record)
{
	struct swallowed *s = &l->swallowed[l->n_swallowed];

	if (l->n_swallowed == SWALLOWED_MAX)
		return;
	*s = (struct swallowed){ 0 };
	l->n_swallowed++;
	if (!record)
		return;
	s->inode = record->inode;
	s->len = record->name.len < sizeof(s->name) ? record->name.len : sizeof(s->name);
	if (s->len)
		memcpy(s->name, record->name.data, s->len);
}

/* What lies behind a record is, as a rule, the one that was taken out. */
static void take_slack(struct look *l, struct span slack)
{
	struct folder_record hidden;
	bool has_name = false;

	while (folder_next(&slack, &hidden) > 0 && hidden.name.len) {
		add_swallowed(l, &hidden);
		has_name = true;
		if (hidden.slack.len)
			slack = hidden.slack;
	}
	if (!has_name)
		add_swallowed(l, NULL);
}

static bool is_dots(struct span name)
{
	return span_equal(name, SPAN(".")) || span_equal(name, SPAN(".."));
}

static int take_record(void *context, const struct folder_record *record)
{
	struct look *l = context;

	if (record->slack.len)
		take_slack(l, record->slack);
	l->has_unknown |= record->type == DT_UNKNOWN;
	l->n_folders += record->type == DT_DIR && !is_dots(record->name);
	return 0;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_nlink == b->st_nlink && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* "." and the name in the parent are two; ext4 gives up at 65,000 and says 1. */
static void count_links(const struct stat *before, const struct stat *after,
			struct look *l)
{
	if (!is_unchanged(before, after) || l->has_unknown || after->st_nlink < 2)
		return;
	l->n_links_more = (int64_t)after->st_nlink - 2 - (int64_t)l->n_folders;
	if (l->n_links_more < 0)
		l->n_links_more = 0;
}

static int look(int fd, const struct file_calls *calls, bool counts_links,
		struct look *ret)
{
	struct stat before, after;
	struct folder_end end;
	int r;

	*ret = (struct look){ 0 };
	r = calls->stat(calls->context, fd, &before);
	if (r == 0)
		r = folder_walk(fd, &calls->folder, take_record, ret, &end);
	if (r == 0)
		r = calls->stat(calls->context, fd, &after);
	if (r < 0)
		return r;
	if (counts_links) {
		count_links(&before, &after, ret);
		ret->n_misplaced = end.n_misplaced;
	}
	return 0;
}

/* ---- telling ---- */

static struct finding *begin(struct findings *out, const char *folder, const char *how,
			     struct span name)
{
	struct finding *f = findings_add(out, "file_hidden");

	if (!f)
		return NULL;
	finding_identify(f, folder, strlen(folder));
	finding_identify(f, how, strlen(how));
	finding_identify(f, name.data, name.len);
	finding_add_text(f, "folder", span_from(folder));
	if (name.len)
		finding_add_text(f, "name", name);
	finding_add_text(f, "how", span_from(how));
	return f;
}

static void tell_swallowed(const char *folder, const struct swallowed *s,
			   struct findings *out)
{
	struct finding *f = begin(out, folder, "record_swallowed",
				  (struct span){ s->name, s->len });

	if (f && s->inode)
		finding_add_number(f, "inode", (int64_t)s->inode);
}

static void tell(const char *folder, const struct look *l, struct findings *out)
{
	const struct span no_name = { NULL, 0 };
	struct finding *f;

	for (size_t i = 0; i < l->n_swallowed; i++)
		tell_swallowed(folder, &l->swallowed[i], out);
	if (l->n_links_more) {
		f = begin(out, folder, "subfolders", no_name);
		if (f)
			finding_add_number(f, "count", l->n_links_more);
	}
	if (l->n_misplaced && !l->n_swallowed)
		(void)begin(out, folder, "position", no_name);
}

static bool has_anything(const struct look *l)
{
	return l->n_swallowed || l->n_misplaced || l->n_links_more;
}

/* What both looks saw. */
static void keep_common(struct look *l, const struct look *again)
{
	if (l->n_swallowed > again->n_swallowed)
		l->n_swallowed = again->n_swallowed;
	if (!again->n_misplaced)
		l->n_misplaced = 0;
	if (l->n_links_more > again->n_links_more)
		l->n_links_more = again->n_links_more;
}

int files_check_folder(const char *path, const struct file_calls *calls,
		       struct findings *out)
{
	_cleanup_close_ int fd = open(path,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
	struct look first, again;
	bool counts_links;
	int r;

	if (fd < 0 && errno == EPERM) /* O_NOATIME is for the owner */
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	counts_links = calls->counts_links(calls->context, fd);
	r = look(fd, calls, counts_links, &first);
	for (int i = 1; i < CROSSVIEW_LOOKS && r == 0 && has_anything(&first); i++) {
		calls->pause(calls->context);
		r = look(fd, calls, counts_links, &again);
		if (r == 0)
			keep_common(&first, &again);
	}
	if (r < 0)
		return r;
	tell(path, &first, out);
	return 0;
}

/* ---- programs of processes ---- */

struct program {
	char *path; /* owned */
	size_t folder_len;
	uint64_t pid;
	ino_t inode;
	dev_t device;
};

struct programs {
	int proc;
	struct stat mounts; /* our own mount namespace */
	size_t n;
	struct program items[PROGRAMS_MAX];
};

static void programs_deinit(struct programs *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->items[i].path);
	p->n = 0;
}

static bool is_taken(const struct programs *p, const char *path)
{
	for (size_t i = p->n; i > 0; i--)
		if (!strcmp(p->items[i - 1].path, path))
			return true;
	return false;
}

static bool is_ours(const struct programs *p, uint64_t pid)
{
	char path[64], root[8];
	struct stat mounts;

	(void)snprintf(path, sizeof(path), "%d/ns/mnt", (int)pid);
	if (fstatat(p->proc, path, &mounts, 0) < 0 || mounts.st_ino != p->mounts.st_ino)
		return false;
	(void)snprintf(path, sizeof(path), "%d/root", (int)pid);
	return readlinkat(p->proc, path, root, sizeof(root)) == 1 && root[0] == '/';
}

/* Is the name still that of the program? Then it is in its folder. */
static bool names(const char *path, dev_t device, ino_t inode)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void take_program(struct programs *p, uint64_t pid, const char *exe)
{
	struct program *item = &p->items[p->n];
	const char *slash = strrchr(exe, '/');
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%d/exe", (int)pid);
	if (p->n == PROGRAMS_MAX || exe[0] != '/' || !slash[1] || is_taken(p, exe) ||
	    fstatat(p->proc, path, &st, 0) < 0 || !is_ours(p, pid) ||
	    !names(exe, st.st_dev, st.st_ino))
		return;
	*item = (struct program){ .path = strdup(exe),
				  .folder_len = (size_t)(slash - exe),
				  .pid = pid,
				  .inode = st.st_ino,
				  .device = st.st_dev };
	p->n += item->path != NULL;
}

static int take_process(void *context, const struct folder_record *record)
{
	struct programs *p = context;
	char path[32], exe[4096];
	uint64_t pid;
	ssize_t n;

	if (!crossview_decimal(record->name, INT32_MAX, &pid))
		return 0;
	(void)snprintf(path, sizeof(path), "%d/exe", (int)pid);
	n = readlinkat(p->proc, path, exe, sizeof(exe) - 1);
	if (n <= 0) /* a kernel thread, or not ours to look at */
		return 0;
	exe[n] = '\0';
	take_program(p, pid, exe);
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct program *x = a, *y = b;
	size_t n = x->folder_len < y->folder_len ? x->folder_len : y->folder_len;
	int r = memcmp(x->path, y->path, n);

	if (r)
		return r;
	return (x->folder_len > y->folder_len) - (x->folder_len < y->folder_len);
}

/* The programs of one folder; those that are listed are crossed off. */
struct search {
	struct program *items;
	size_t n;
};

static int cross_off(void *context, const struct folder_record *record)
{
	struct search *s = context;

	for (size_t i = 0; i < s->n; i++) {
		struct program *p = &s->items[i];

		/* by number, too: a filesystem may know the name in another spelling */
		if (p->path &&
		    (record->inode == p->inode ||
		     span_equal(record->name, span_from(p->path + p->folder_len + 1)))) {
			free(p->path);
			p->path = NULL;
		}
	}
	return 0;
}

static int open_folder(const struct program *p)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%.*s/", (int)p->folder_len, p->path);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_found(struct search *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].path) {
			s->items[n] = s->items[i];
			if (n != i)
				s->items[i].path = NULL;
			n++;
		}
	s->n = n;
}

static void remove_renamed(struct search *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct program *p = &s->items[i];

		if (names(p->path, p->device, p->inode))
			continue;
		free(p->path);
		p->path = NULL;
	}
	remove_found(s);
}

static void tell_program(const struct program *p, struct findings *out)
{
	struct finding *f;
	char folder[FINDING_TEXT_MAX];

	(void)snprintf(folder, sizeof(folder), "%.*s", (int)p->folder_len, p->path);
	f = begin(out, p->folder_len ? folder : "/", "not_listed",
		  span_from(p->path + p->folder_len + 1));
	if (!f)
		return;
	finding_add_number(f, "inode", (int64_t)p->inode);
	finding_add_number(f, "pid", (int64_t)p->pid);
}

/* Each of @s is there by its name before and after the folder is read. */
static void check_folder(struct search *s, const struct file_calls *calls,
			 struct findings *out)
{
	_cleanup_close_ int fd = open_folder(&s->items[0]);
	bool is_readable = fd >= 0 && calls->lists_all(calls->context, fd);

	for (int i = 0; i < CROSSVIEW_LOOKS && s->n && is_readable; i++) {
		struct folder_end end;

		if (i)
			calls->pause(calls->context);
		is_readable = folder_walk(fd, &calls->folder, cross_off, s, &end) == 0;
		remove_found(s);
		remove_renamed(s);
	}
	for (size_t i = 0; is_readable && i < s->n; i++)
		tell_program(&s->items[i], out);
}

int files_check_programs(int proc, const struct file_calls *calls, struct findings *out)
{
	_cleanup_free_ struct programs *p = calloc(1, sizeof(*p));
	struct folder_end end;
	int r;

	if (!p)
		return -ENOMEM;
	p->proc = proc;
	if (fstatat(proc, "self/ns/mnt", &p->mounts, 0) < 0)
		return -errno;
	r = folder_walk(proc, &folder_calls_kernel, take_process, p, &end);
	if (p->n)
		qsort(p->items, p->n, sizeof(p->items[0]), compare_paths);
	for (size_t i = 0, next; r == 0 && i < p->n; i = next) {
		struct search s = { &p->items[i], 0 };

		for (next = i;
		     next < p->n && !compare_paths(&p->items[i], &p->items[next]); next++)
			s.n++;
		check_folder(&s, calls, out);
	}
	r = r < 0 ? r : (int)p->n;
	programs_deinit(p);
	return r;
}
