// SPDX-License-Identifier: Apache-2.0
/*
 * See storage.h. Whoever holds the flock on .lock, which names its pid, has the folder;
 * the core inherits it, so that a daemon that was killed is not followed by another while
 * its last writer still lives.
 */
#include "privsep/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/log.h"
#include "base/safe_path.h"
#include "base/sandbox.h"
#include "core/logtail.h"
#include "core/reserve.h"
#include "privsep/channel.h"
#include "privsep/compress.h"
#include "privsep/custody.h"
#include "privsep/logcrash.h"
#include "privsep/logfiles.h"
#include "privsep/process.h"

#define LOCK_NAME   ".lock"
#define FOLDER_MODE 0750
#define LOG_MODE    0640
#define OWN_MODE    0600
#define LOCK_FLAGS  (O_RDWR | O_APPEND | O_CREAT) /* core has it: the pid is to stay */
#define LOCK_TRY_MS 10
#define LOCK_TRIES  500 /* 5 s for the children of a daemon that was killed to die */
#define CHILD_NICE  19

#define OWN_FILES_MAX 16
#define OWN_NAME_SIZE 32

struct storage {
	char *folder;
	uint64_t keep_days, keep_bytes, compress_after_days;
	int dir;
	int lock;
	struct custody custody;
	char own[OWN_FILES_MAX][OWN_NAME_SIZE]; /* files that are no logs: ".state" … */
	size_t n_own;
	char writing[LOGFILE_NAME_SIZE]; /* the log last handed to a core that lives, or
					    "" */
	uint32_t written;		 /* date of the last of these; 0: none yet */
	char refused[CHANNEL_NAME_SIZE]; /* the last log that was refused: told once */
	char cut[LOGFILE_NAME_SIZE]; /* the log that was torn and was not opened since */
	uint64_t cut_bytes;
	pid_t compressor; /* 0: none */
	char compressing[LOGFILE_NAME_SIZE];
	char given_up[LOGFILE_NAME_SIZE]; /* could not be compressed; so were those before
					     it */
};

/* Not what we make: a symbolic link, a FIFO, with a second name, of somebody else. */
static bool is_foreign(int error)
{
	return error == -ELOOP || error == -EINVAL || error == -EMLINK ||
	       error == -EACCES || error == -EPERM;
}

static int make_folder(const char *folder)
{
	_cleanup_free_ char *path = strdup(folder);

	if (!path)
		return -ENOMEM;
	for (char *slash = path; slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (*path && mkdir(path, FOLDER_MODE) == 0)
			(void)sync_parent(path); /* else a crash may undo it */
		else if (*path && errno != EEXIST)
			return -errno;
		if (slash)
			*slash = '/';
	}
	return 0;
}

static pid_t read_holder(int lock)
{
	char text[16] = "";
	ssize_t n = pread(lock, text, sizeof(text) - 1, 0);

	return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static bool is_alive(pid_t pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/*
 * Return: 0; -EWOULDBLOCK and the holder's pid in @ret_holder. A holder that is gone has
 * left children which are about to follow it.
 */
static int take_lock(int lock, pid_t *ret_holder)
{
	char text[16];
	int n;

	for (int i = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno == EINTR)
			continue;
		*ret_holder = read_holder(lock);
		if (errno != EWOULDBLOCK || is_alive(*ret_holder) || i >= LOCK_TRIES)
			return -EWOULDBLOCK;
		(void)poll(NULL, 0, LOCK_TRY_MS); /* nothing tells when a flock is free */
	}
	n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(lock, 0) < 0 || pwrite(lock, text, (size_t)n, 0) != n)
		log_debug("storage: the pid is not in the lock file"); /* only for a
									  message */
	return 0;
}

static int open_lock(struct storage *s, struct buffer *error)
{
	pid_t holder = 0;
	int r;

	s->lock = logfile_open(s->dir, LOCK_NAME, LOCK_FLAGS, OWN_MODE);
	if (s->lock < 0) {
		buffer_appendf(error, "cannot write in the log folder %s: %s", s->folder,
			       strerror(-s->lock));
		return s->lock;
	}
	r = take_lock(s->lock, &holder);
	if (r < 0)
		buffer_appendf(
			error,
			"another lksm (pid %d) writes to %s: stop it, or give this one "
			"another folder with --log-dir",
			(int)holder, s->folder);
	return r;
}

static int open_folder(struct storage *s, struct buffer *error)
{
	int r = make_folder(s->folder);

	if (r >= 0) {
		s->dir = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = s->dir < 0 ? -errno : 0;
	}
	if (r < 0)
		buffer_appendf(error, "cannot make or open the log folder %s: %s",
			       s->folder, strerror(-r));
	else if (safe_path_is_shared(s->folder))
		log_warning("others can write in the log folder %s, or above it: they "
			    "can take the logs and their keys",
			    s->folder);
	return r;
}

/* What an interrupted compression left. */
static void remove_temporaries(struct storage *s)
{
	_cleanup_closedir_ DIR *stream = opendir(s->folder);
	struct dirent *entry;

	while (stream && (entry = readdir(stream)))
		if (!strncmp(entry->d_name, LOGFILE_TEMPORARY, strlen(LOGFILE_TEMPORARY)))
			(void)unlinkat(s->dir, entry->d_name, 0);
}

void storage_configure(struct storage *s, const struct storage_options *options)
{
	s->keep_days = options->keep_days;
	s->keep_bytes = options->keep_bytes;
	s->compress_after_days = options->compress_after_days;
}

static void note_own(struct storage *s, const char *name)
{
	for (size_t i = 0; i < s->n_own; i++)
		if (!strcmp(s->own[i], name))
			return;
	if (s->n_own < OWN_FILES_MAX && strlen(name) < OWN_NAME_SIZE)
		(void)snprintf(s->own[s->n_own++], OWN_NAME_SIZE, "%s", name);
	custody_know(&s->custody, name, true);
}

int storage_create(const struct storage_options *options, struct storage **ret,
		   struct buffer *error)
{
	struct storage *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->dir = s->lock = -1;
	storage_configure(s, options);
	s->folder = strdup(options->folder);
	s->custody.kept = -1;
	r = s->folder ? open_folder(s, error) : -ENOMEM;
	if (r >= 0)
		r = custody_init(&s->custody, s->dir, s->folder);
	if (r >= 0)
		r = open_lock(s, error);
	if (r < 0) {
		storage_destroy(s);
		return r;
	}
	note_own(s, LOCK_NAME);
	remove_temporaries(s);
	*ret = s;
	return 0;
}

void storage_destroy(struct storage *s)
{
	if (!s)
		return;
	if (s->compressor > 0) {
		(void)kill(s->compressor, SIGKILL);
		while (waitpid(s->compressor, NULL, 0) < 0 && errno == EINTR)
			;
	}
	custody_deinit(&s->custody);
	storage_leave(s, false);
	free(s->folder);
	free(s);
}

void storage_leave(struct storage *s, bool keep_lock)
{
	custody_leave(&s->custody, keep_lock);
	cleanup_close(&s->dir);
	s->dir = -1;
	if (keep_lock)
		return;
	cleanup_close(&s->lock);
	s->lock = -1;
}

int storage_open_file(struct storage *s, const char *name, int flags)
{
	int fd;

	if (name[0] != '.' || strchr(name, '/'))
		return -EINVAL;
	fd = logfile_open(s->dir, name, flags, OWN_MODE);
	if (is_foreign(fd) && (flags & O_CREAT) && custody_clear(&s->custody, name) == 0)
		fd = logfile_open(s->dir, name, flags, OWN_MODE);
	if (fd >= 0)
		note_own(s, name);
	return fd;
}

void storage_sync_names(struct storage *s)
{
	logfile_sync_name(s->dir, "of a file of ours");
}

int storage_newest(struct storage *s, char *ret, size_t size)
{
	_cleanup_free_ struct logfile *list = NULL;
	int n = logfile_list(s->dir, &list);

	if (n < 0)
		return n;
	(void)snprintf(ret, size, "%s", n ? list[n - 1].name : "");
	if (n && list[n - 1].is_compressed && strlen(ret) > strlen(".zst"))
		ret[strlen(ret) - strlen(".zst")] = '\0';
	return 0;
}

static void note_cut(struct storage *s, const char *name, uint64_t bytes,
		     const char *moved_to)
{
	custody_know(&s->custody, name, false); /* that was us */
	log_notice("cut %" PRIu64 " bytes from the end of %s/%s%s%s", bytes, s->folder,
		   name, *moved_to ? "; they are in " : "", moved_to);
	s->cut_bytes = (strcmp(s->cut, name) ? 0 : s->cut_bytes) + bytes;
	(void)snprintf(s->cut, sizeof(s->cut), "%s", name);
}

/* Cut a torn line; how much is remembered until the log's next opening tells it. */
static int repair(struct storage *s, const char *name)
{
	_cleanup_close_ int fd = logfile_open(s->dir, name, O_RDWR, 0);
	uint64_t cut = 0;
	int r = fd < 0 ? fd : logtail_repair(fd, &cut);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!cut)
		return 0;
	note_cut(s, name, cut, "");
	return 0;
}

int storage_mend_crash(struct storage *s, uint64_t *ret_next_seq)
{
	char newest[LOGFILE_NAME_SIZE];
	struct logcrash crash;
	int r = storage_newest(s, newest, sizeof(newest));

	if (r < 0 || !*newest)
		return r;
	r = logcrash_mend(s->dir, newest, &crash);
	if (r < 0)
		return r == -ENOENT || is_foreign(r) ? 0 : r; /* packed, or not ours */
	*ret_next_seq = crash.next_seq;
	if (crash.cut_bytes)
		note_cut(s, newest, crash.cut_bytes, crash.moved_to);
	return 0;
}

static uint64_t take_cut_bytes(struct storage *s, const char *name)
{
	uint64_t cut = strcmp(s->cut, name) ? 0 : s->cut_bytes;

	if (cut)
		s->cut_bytes = 0;
	return cut;
}

/*
 * The log before is on the disk before the next one has a name: what a crash takes is always
 * the end of the newest one.
 */
static void close_day(struct storage *s, const char *name)
{
	char newest[LOGFILE_NAME_SIZE];

	if (faccessat(s->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    storage_newest(s, newest, sizeof(newest)) >= 0 && *newest)
		logcrash_sync(s->dir, newest);
}

/* A core that asks for a log does not write it now, and writes anew what is torn in it. */
static int repair_and_open(struct storage *s, const char *name)
{
	int r = repair(s, name), fd;

	if (r < 0)
		return r;
	close_day(s, name);
	fd = logfile_open(s->dir, name, O_WRONLY | O_APPEND | O_CREAT, LOG_MODE);
	if (fd >= 0)
		logfile_sync_name(s->dir, name);
	return fd;
}

/*
 * The folder that we have is not that of the path any more, or no folder at all: another
 * one is made there, and locked. If that cannot be, the old one goes on, as far as it does.
 */
static void follow_folder(struct storage *s)
{
	_cleanup_close_ int dir = -1, lock = -1;
	struct stat ours, there;
	pid_t holder;

	if (fstat(s->dir, &ours) < 0 ||
	    (ours.st_nlink && stat(s->folder, &there) == 0 &&
	     there.st_dev == ours.st_dev && there.st_ino == ours.st_ino))
		return;
	if (make_folder(s->folder) < 0)
		return;
	dir = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* somebody moved ours away, to have the logs and their keys in his own */
	if (dir >= 0 && ours.st_nlink && !safe_path_is_own(dir)) {
		log_warning("%s is not ours now: the log goes on where that was moved",
			    s->folder);
		return;
	}
	lock = dir < 0 ? -1 : logfile_open(dir, LOCK_NAME, LOCK_FLAGS, OWN_MODE);
	if (lock < 0 || take_lock(lock, &holder) < 0)
		return;
	(void)dup3(dir, s->dir, O_CLOEXEC); /* neither can fail: both ends are open */
	(void)dup3(lock, s->lock, O_CLOEXEC);
	log_warning("%s was removed, and is made anew", s->folder);
	custody_renew(&s->custody);
	custody_know(&s->custody, LOCK_NAME, true);
}

int storage_renew_lock(struct storage *s)
{
	_cleanup_close_ int lock = storage_open_file(s, LOCK_NAME, LOCK_FLAGS);
	struct stat ours, there;
	pid_t holder;
	int r;

	if (lock < 0)
		return lock;
	if (fstat(lock, &there) < 0 || fstat(s->lock, &ours) < 0)
		return -errno;
	if (there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
		return 0;
	r = take_lock(lock, &holder);
	if (r < 0)
		return r;
	(void)dup3(lock, s->lock, O_CLOEXEC); /* cannot fail: both are open */
	custody_know(&s->custody, LOCK_NAME, true);
	return 0;
}

bool storage_take_own_lost(struct storage *s)
{
	bool is_lost = s->custody.is_own_lost;

	s->custody.is_own_lost = false;
	return is_lost;
}

static int check_due(const struct storage *s, const struct logfile *file, uint32_t today)
{
	_cleanup_free_ struct logfile *list = NULL;
	int n = logfile_list(s->dir, &list);

	if (n < 0)
		return n;
	return logfile_is_due(list, n, file->date, s->written, today) ? 0 : -EINVAL;
}

static int open_log(struct storage *s, const char *name, uint32_t today,
		    struct channel_message *reply)
{
	struct logfile file;
	int fd;

	if (!logfile_parse_name(name, &file) || file.is_compressed)
		return -EINVAL;
	follow_folder(s);
	fd = check_due(s, &file, today);
	if (fd < 0)
		return fd;
	custody_mend(&s->custody, *s->writing != '\0');
	fd = repair_and_open(s, name);
	if (is_foreign(fd) && custody_clear(&s->custody, name) == 0)
		fd = repair_and_open(s, name);
	if (fd >= 0) {
		custody_take(&s->custody, file.name, LOG_MODE);
		(void)snprintf(s->writing, sizeof(s->writing), "%s", file.name);
		s->written = file.date;
		s->refused[0] = '\0';
		reply->detail = take_cut_bytes(s, name);
	} else if (strcmp(s->refused, name) != 0) {
		(void)snprintf(s->refused, sizeof(s->refused), "%s", name);
		(void)log_error_errno(
			fd,
			"cannot open %s/%s, which has to be a plain file with "
			"one name; move it away",
			s->folder, name);
	}
	return fd;
}

static int open_tail(struct storage *s, uint64_t i, struct channel_message *reply)
{
	_cleanup_free_ struct logfile *list = NULL;
	int n, r, fd;

	follow_folder(s);
	if (!*s->writing)
		custody_mend(&s->custody, false);
	n = logfile_list(s->dir, &list);
	if (n < 0)
		return n;
	while (n--) {
		if (list[n].is_compressed || i-- > 0)
			continue;
		(void)snprintf(reply->name, sizeof(reply->name), "%s", list[n].name);
		/* While a core writes, its last line may be in the making. */
		r = *s->writing ? 0 : repair(s, list[n].name);
		fd = r < 0 ? r : logfile_open(s->dir, reply->name, O_RDONLY, 0);
		if (!is_foreign(fd) || custody_clear(&s->custody, reply->name) < 0)
			return fd;
		i = 0; /* the next one is in its place */
	}
	return -ENOENT;
}

static int set_reserve(struct storage *s, bool is_held)
{
	_cleanup_close_ int fd = storage_open_file(s, ".reserve", O_WRONLY | O_CREAT);
	int r = fd < 0 ? fd : 0;

	if (r >= 0 && is_held)
		r = allocate_file(fd, RESERVE_BYTES);
	/* of what it got, if it did not get all */
	if (fd >= 0 && (!is_held || r < 0) && ftruncate(fd, 0) < 0 && r >= 0)
		r = -errno;
	return r;
}

int storage_serve(struct storage *s, int channel, uint32_t today)
{
	struct channel_message request, reply = { .kind = CHANNEL_REPLY };
	int r = channel_receive(channel, &request);

	if (r <= 0)
		return r == -EAGAIN ? 0 : r ? r : -EPIPE;
	cleanup_close(&request.fd); /* nobody asked for it */
	if (request.kind == CHANNEL_OPEN_LOG)
		r = open_log(s, request.name, today, &reply);
	else if (request.kind == CHANNEL_OPEN_TAIL)
		r = open_tail(s, request.number, &reply);
	else if (request.kind == CHANNEL_RESERVE)
		r = set_reserve(s, request.number != 0);
	else
		r = -EOPNOTSUPP;
	reply.fd = request.kind == CHANNEL_RESERVE && r >= 0 ? -1 : r;
	reply.number = r < 0 ? (uint64_t)-r : 0;
	r = channel_send(channel, &reply);
	cleanup_close(&reply.fd);
	return r;
}

void storage_writer_gone(struct storage *s)
{
	s->writing[0] = '\0';
}

void storage_watch(struct storage *s, struct reports *reports)
{
	custody_start(&s->custody, reports);
	for (size_t i = 0; i < s->n_own; i++)
		custody_know(&s->custody, s->own[i], true);
}

int storage_watch_fd(const struct storage *s)
{
	return s->custody.watch ? logwatch_fd(s->custody.watch) : -1;
}

void storage_look(struct storage *s)
{
	custody_look(&s->custody);
}

struct log_progress *storage_progress(struct storage *s)
{
	return s->custody.progress;
}

static void remove_log(struct storage *s, const struct logfile *file, const char *why)
{
	custody_forget(&s->custody, file->name);
	if (unlinkat(s->dir, file->name, 0) < 0)
		(void)log_warning_errno(errno, "cannot remove %s/%s", s->folder,
					file->name);
	else
		log_notice("removed %s/%s: %s", s->folder, file->name, why);
}

static bool is_closed(const struct storage *s, const struct logfile *file,
		      uint32_t newest)
{
	return file->date != newest && strcmp(file->name, s->writing) != 0;
}

/* Of how many days behind the first log's are there logs? */
static uint64_t count_later_days(const struct logfile *list, int n)
{
	uint64_t n_days = 0;

	for (int i = 1; i < n; i++)
		n_days += list[i].date != list[i - 1].date;
	return n_days;
}

/*
 * The clock may be wrong by years, and then so is the newest log's date: it is not believed
 * alone. Where a log is written each day, both ways of counting are the same.
 */
static bool is_old(const struct storage *s, const struct logfile *list, int n,
		   uint32_t today)
{
	return s->keep_days &&
	       logfile_age_days(list->date, today) > (int64_t)s->keep_days &&
	       count_later_days(list, n) > s->keep_days;
}

/* Oldest first; @list shrinks to what stays. Return: how many stay. */
static int retain(struct storage *s, struct logfile *list, int n, uint32_t today)
{
	uint32_t newest = n ? list[n - 1].date : 0;
	uint64_t total = 0;
	int i = 0;

	for (int j = 0; j < n; j++)
		total += list[j].size;
	for (; i < n && is_closed(s, &list[i], newest); i++) {
		if (is_old(s, &list[i], n - i, today))
			remove_log(s, &list[i], "older than output.retention.days");
		else if (s->keep_bytes && total > s->keep_bytes)
			remove_log(s, &list[i], "more than output.retention.size in all");
		else
			break;
		total -= list[i].size;
	}
	if (i > 0)
		memmove(list, list + i, (size_t)(n - i) * sizeof(*list));
	return n - i;
}

static int start_compressor(struct storage *s, const char *name)
{
	struct descriptors keep = { 0 };
	struct sandbox_report report;
	pid_t pid = process_fork("compress");

	if (pid < 0)
		return (int)pid;
	if (pid > 0) {
		s->compressor = pid;
		(void)snprintf(s->compressing, sizeof(s->compressing), "%s", name);
		custody_set_busy(&s->custody, name);
		return (int)pid;
	}
	process_unspare();
	process_keep_only(&keep, s->dir, s->lock);
	/* without it, it is merely faster */
	(void)setpriority(PRIO_PROCESS, 0, CHILD_NICE);
	sandbox_enter(&(struct sandbox_options){ .kind = SANDBOX_COMPRESSOR,
						 .name = "compress",
						 .folder = s->dir },
		      &report);
	_exit(compress_log(s->dir, name) < 0 ? 1 : 0);
}

/*
 * The newest two stay as they are: only in plain logs does core look for the last seq and the
 * last seal, and of the newest one a crash may take all.
 */
static uint32_t first_to_stay(const struct logfile *list, int n)
{
	uint32_t newest = n ? list[n - 1].date : 0;

	for (int i = n; i-- > 0;)
		if (list[i].date != newest)
			return list[i].date;
	return newest;
}

static int compress_next(struct storage *s, const struct logfile *list, int n,
			 uint32_t today)
{
	uint32_t stays = first_to_stay(list, n);

	if (!s->compress_after_days || s->compressor)
		return 0;
	for (int i = 0; i < n && list[i].date < stays; i++)
		if (is_closed(s, &list[i], stays) && !list[i].is_compressed &&
		    strcmp(list[i].name, s->given_up) > 0 &&
		    logfile_age_days(list[i].date, today) >=
			    (int64_t)s->compress_after_days)
			return start_compressor(s, list[i].name);
	return 0;
}

int storage_housekeep(struct storage *s, uint32_t today)
{
	_cleanup_free_ struct logfile *list = NULL;
	int n = logfile_list(s->dir, &list);

	if (n < 0)
		return log_warning_errno(n, "cannot list %s", s->folder);
	n = retain(s, list, n, today);
	return compress_next(s, list, n, today);
}

/* What the child has made of it is ours; if it failed late, both files are there. */
static void know_compressed(struct storage *s, bool is_good)
{
	char name[LOGFILE_NAME_SIZE + sizeof(".zst")];

	(void)snprintf(name, sizeof(name), "%s.zst", s->compressing);
	if (is_good)
		custody_forget(&s->custody, s->compressing);
	if (faccessat(s->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		custody_know(&s->custody, name, false);
	custody_set_busy(&s->custody, NULL);
}

void storage_compressed(struct storage *s, bool is_good)
{
	if (!is_good) {
		log_warning("%s/%s could not be compressed and stays as it is", s->folder,
			    s->compressing);
		(void)snprintf(s->given_up, sizeof(s->given_up), "%s", s->compressing);
	}
	know_compressed(s, is_good);
	s->compressor = 0;
}
