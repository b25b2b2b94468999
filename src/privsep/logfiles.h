/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the log folder: their names, listing them, opening them without being
 * fooled. */
#ifndef PRIVSEP_LOGFILES_H
#define PRIVSEP_LOGFILES_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** LOGFILE_NAME_SIZE - "lksm_events_YYYY-MM-DD.jsonl.zst" and its NUL */
#define LOGFILE_NAME_SIZE 33

/** LOGFILE_TEMPORARY - begins the name of a file in the making */
#define LOGFILE_TEMPORARY ".tmp."

struct logfile {
	char name[LOGFILE_NAME_SIZE];
	uint32_t date; /* YYYYMMDD */
	bool is_compressed;
	uint64_t size;
};

/** logfile_parse_name() - is @name exactly that of a log? Then all of @ret but size is
 * set */
bool logfile_parse_name(const char *name, struct logfile *ret);

/**
 * logfile_list() - the logs in a folder, oldest first; of one day the compressed one
 * first
 * @ret: the caller's to free()
 *
 * Only plain files count. Return: how many, or -errno.
 */
int logfile_list(int dir, struct logfile **ret);

/** logfile_open_folder() - a stream of its own over a folder, from the start; 0 or -errno */
int logfile_open_folder(int dir, DIR **ret);

/**
 * logfile_open() - open a plain file that has this one name only
 * @mode: for O_CREAT, exact (the umask does not count)
 *
 * Return: the descriptor; -ELOOP for a symbolic link, -EINVAL for what is no plain file,
 * -EMLINK for one with a second name, -errno. Then nothing was made.
 */
int logfile_open(int dir, const char *name, int flags, unsigned int mode);

/**
 * logfile_sync_name() - have a new name on the disk: a crash takes a synced file whose name
 * is not, as well; a failure is in the program's log, as nothing can be done about it
 */
void logfile_sync_name(int dir, const char *name);

/**
 * logfile_is_due() - may the log of @date be written now?
 * @list: the logs that are there, as logfile_list() has them
 * @last: of the log that was written last; 0: of none yet
 * @today: by local time; core's day may be the one before or behind, for a moment
 *
 * A day that is over is closed, and one to come would leave none for those before it: whoever
 * has core asks for neither. A log that somebody else put there with a late date hinders nobody.
 */
bool logfile_is_due(const struct logfile *list, int n, uint32_t date, uint32_t last,
		    uint32_t today);

/** logfile_date() - YYYYMMDD of a moment by local time */
uint32_t logfile_date(uint64_t real_us);

/** logfile_age_days() - days from @date to @today, both YYYYMMDD; negative: it is later
 */
int64_t logfile_age_days(uint32_t date, uint32_t today);

#endif
