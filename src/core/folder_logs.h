/* SPDX-License-Identifier: Apache-2.0 */
/* The logs of a folder, by their names. */
#ifndef CORE_FOLDER_LOGS_H
#define CORE_FOLDER_LOGS_H

#include <stddef.h>

/** FOLDER_LOG_PATTERN - fnmatch(3)'s: a log that is not compressed */
#define FOLDER_LOG_PATTERN "lksm_events_[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].jsonl"

/** FOLDER_LOG_SIZE - "lksm_events_YYYY-MM-DD.jsonl.zst" and its NUL */
#define FOLDER_LOG_SIZE sizeof("lksm_events_YYYY-MM-DD.jsonl.zst")

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
void folder_logs_deinit(struct folder_logs *l);

#endif
