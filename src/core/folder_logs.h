/* SPDX-License-Identifier: Apache-2.0 */
/* The logs of a folder, by their names. */
#ifndef CORE_FOLDER_LOGS_H
#define CORE_FOLDER_LOGS_H

#include <stdbool.h>
#include <stddef.h>

/** FOLDER_LOG_PATTERN - fnmatch(3)'s: a log that is not compressed */
#define FOLDER_LOG_PATTERN "lksm_events_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].jsonl"

/** FOLDER_LOG_SIZE - "lksm_events_YYYY-MM-DD.jsonl.zst" and its NUL */
#define FOLDER_LOG_SIZE sizeof("lksm_events_YYYY-MM-DD.jsonl.zst")

/** FOLDER_LOG_PACKED - what the name of a compressed one has behind that */
#define FOLDER_LOG_PACKED ".zst"

struct folder_logs {
	size_t n;
	char (*names)[FOLDER_LOG_SIZE]; /* owned; oldest first */
};

/**
 * folder_logs_list() - plain and compressed ones; of a day that has both, the plain one
 *
 * Return: 0 or -errno.
 */
int folder_logs_list(int folder, struct folder_logs *ret);

/** folder_logs_date() - "2026-02-10…" in the name of one */
const char *folder_logs_date(const char *name);

/** folder_logs_is_packed() - by its name or path */
bool folder_logs_is_packed(const char *name);

/**
 * folder_logs_open() - open one for reading; it may have been compressed since it was listed
 * @ret_name: its name now
 *
 * Return: the descriptor; -EINVAL if it is no plain file; -errno.
 */
int folder_logs_open(int folder, const char *name, char ret_name[static FOLDER_LOG_SIZE]);

void folder_logs_deinit(struct folder_logs *l);

#endif
