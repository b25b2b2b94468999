/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log in our keeping: told when somebody else lays hands on it, and made whole again
 * where that is possible. A second descriptor of the log that core writes is kept, so that
 * its lines are not gone with its name.
 */
#ifndef PRIVSEP_CUSTODY_H
#define PRIVSEP_CUSTODY_H

#include <stdbool.h>

#include "core/log_progress.h"
#include "privsep/logfiles.h"
#include "privsep/logmend.h"
#include "privsep/logwatch.h"
#include "privsep/reports.h"

struct custody {
	const char *folder; /* for messages; borrowed */
	int dir;	    /* borrowed */
	struct log_progress *progress;
	struct reports *reports; /* borrowed; NULL until custody_start() */
	struct logwatch *watch;	 /* NULL: nothing is seen and nothing is mended */
	int kept;		 /* the log that core writes, for reading; -1: none */
	char name[LOGFILE_NAME_SIZE];
	unsigned int mode;
	bool is_folder_told;
	bool is_own_lost; /* a file that is no log (".lock" …) is not ours any more */
};

/** custody_init() - without a watch yet; 0 or -ENOMEM */
int custody_init(struct custody *c, int dir, const char *folder);
void custody_deinit(struct custody *c);

/**
 * custody_leave() - in a forked child: what is the supervisor's is not used there
 * @keep_progress: the child is core, which writes the log
 */
void custody_leave(struct custody *c, bool keep_progress);

/** custody_start() - all logs are known as they are now, and watched */
void custody_start(struct custody *c, struct reports *reports);

/** custody_know(), custody_forget(), custody_set_busy() - as those of logwatch.h */
void custody_know(struct custody *c, const char *name, bool is_written);
void custody_forget(struct custody *c, const char *name);
void custody_set_busy(struct custody *c, const char *name);

/** custody_look() - something happened in the folder: tell what was not us */
void custody_look(struct custody *c);

/**
 * custody_mend() - nobody writes to the log now: if it is not as it should be, tell what
 * was done to it and what is lost, and put back what can be
 * @has_writer: core waits; else it is gone
 */
void custody_mend(struct custody *c, bool has_writer);

/** custody_take() - core is about to get the log @name, which is open and whole */
void custody_take(struct custody *c, const char *name, unsigned int mode);

/** custody_renew() - the folder was removed; @dir is the descriptor of another one now */
void custody_renew(struct custody *c);

/**
 * custody_clear() - something that is no log of ours has the name of one: move it aside,
 * and tell; 0 or -errno
 */
int custody_clear(struct custody *c, const char *name);

#endif
