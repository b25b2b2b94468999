// SPDX-License-Identifier: Apache-2.0
/* See logfiles.h. */
#include "privsep/logfiles.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define SECONDS_PER_DAY ((int64_t)24 * 60 * 60)

/* 0 stands for a digit. */
static const char pattern[] = "lksm_events_0000-00-00.jsonl";

bool logfile_parse_name(const char *name, struct logfile *ret)
{
	size_t len = strnlen(name, LOGFILE_NAME_SIZE);
	uint32_t date = 0;

	if (len < sizeof(pattern) - 1 || len >= LOGFILE_NAME_SIZE)
		return false;
	for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
		if (pattern[i] != '0' && name[i] != pattern[i])
			return false;
		if (pattern[i] != '0')
			continue;
		if (!isdigit((unsigned char)name[i]))
			return false;
		date = date * 10 + (uint32_t)(name[i] - '0');
	}
	if (date / 100 % 100 < 1 || date / 100 % 100 > 12 || date % 100 < 1 ||
	    date % 100 > 31)
		return false;
	name += sizeof(pattern) - 1;
	if (*name && strcmp(name, ".zst") != 0)
		return false;
	*ret = (struct logfile){ .date = date, .is_compressed = *name != '\0' };
	memcpy(ret->name, name - (sizeof(pattern) - 1), len);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct logfile *x = a, *y = b;

	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return (int)y->is_compressed - (int)x->is_compressed;
}

static int add(struct logfile **list, size_t *n, size_t *capacity,
	       const struct logfile *file)
{
	if (*n == *capacity) {
		size_t more = *capacity ? *capacity * 2 : 32;
		struct logfile *grown = reallocarray(*list, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		*list = grown;
		*capacity = more;
	}
	(*list)[(*n)++] = *file;
	return 0;
}

int logfile_open_folder(int dir, DIR **ret)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret = fdopendir(fd);
	if (!*ret) {
		(void)close(fd); /* only ever read */
		return -ENOMEM;
	}
	return 0;
}

int logfile_list(int dir, struct logfile **ret)
{
	_cleanup_free_ struct logfile *list = NULL;
	_cleanup_closedir_ DIR *stream = NULL;
	size_t n = 0, capacity = 0;
	struct dirent *entry;
	int r = logfile_open_folder(dir, &stream);

	if (r < 0)
		return r;
	while ((errno = 0, entry = readdir(stream))) {
		struct logfile file;
		struct stat st;

		if (!logfile_parse_name(entry->d_name, &file) ||
		    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		file.size = (uint64_t)st.st_size;
		r = add(&list, &n, &capacity, &file);
		if (r < 0)
			return r;
	}
	if (errno)
		return -errno;
	if (n)
		qsort(list, n, sizeof(*list), compare);
	*ret = take_ptr(list);
	return (int)n;
}

static int check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return st.st_nlink == 1 ? 0 : -EMLINK;
}

void logfile_sync_name(int dir, const char *name)
{
	if (fsync(dir) < 0)
		(void)log_warning_errno(errno, "the name %s may be lost in a crash",
					name);
}

static int set_up(int fd, int flags)
{
	int r = check(fd);

	if (r < 0)
		return r;
	return fcntl(fd, F_SETFL, flags & O_APPEND) < 0 ? -errno
							: 0; /* the status flags */
}

/* What was made and cannot be used goes again: found later, it would be taken for planted. */
static int make(int dir, const char *name, int flags, unsigned int mode)
{
	_cleanup_close_ int fd = openat(dir, name, flags | O_EXCL, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = fchmod(fd, mode) < 0 ? -errno : set_up(fd, flags);
	if (r < 0)
		(void)unlinkat(dir, name, 0); /* the first error is the one to tell */
	return r < 0 ? r : take_fd(&fd);
}

/* O_NONBLOCK: a FIFO must not make us wait for whoever opens its other end. */
int logfile_open(int dir, const char *name, int flags, unsigned int mode)
{
	int always = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int r = flags & O_CREAT ? make(dir, name, flags | always, mode) : -EEXIST;
	_cleanup_close_ int fd = -1;

	if (r != -EEXIST)
		return r;
	fd = openat(dir, name, (flags & ~O_CREAT) | always);
	if (fd < 0)
		return errno == ENXIO || errno == EISDIR ? -EINVAL : -errno;
	r = set_up(fd, flags);
	return r < 0 ? r : take_fd(&fd);
}

static int64_t day_number(uint32_t date)
{
	struct tm tm = { .tm_year = (int)(date / 10000) - 1900,
			 .tm_mon = (int)(date / 100 % 100) - 1,
			 .tm_mday = (int)(date % 100) };

	return (int64_t)timegm(&tm) / SECONDS_PER_DAY;
}

int64_t logfile_age_days(uint32_t date, uint32_t today)
{
	return day_number(today) - day_number(date);
}

/* Of the logs that are not compressed, which core goes on with; 0: there is none. */
static uint32_t newest_plain(const struct logfile *list, int n)
{
	while (n-- > 0)
		if (!list[n].is_compressed)
			return list[n].date;
	return 0;
}

bool logfile_is_due(const struct logfile *list, int n, uint32_t date, uint32_t last,
		    uint32_t today)
{
	uint32_t newest = n ? list[n - 1].date : 0, first = newest_plain(list, n);

	if (last && last < first)
		first = last;
	if (date == last) /* it may be gone, and the clock set back */
		return true;
	return date >= first && (date <= newest || logfile_age_days(date, today) >= -1);
}

uint32_t logfile_date(uint64_t real_us)
{
	time_t seconds = (time_t)(real_us / USEC_PER_SEC);
	struct tm tm = { 0 };

	(void)localtime_r(&seconds, &tm); /* overflows in the year 2^31 */
	return (uint32_t)(tm.tm_year + 1900) * 10000 + (uint32_t)(tm.tm_mon + 1) * 100 +
	       (uint32_t)tm.tm_mday;
}
