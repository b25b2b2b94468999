/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_logger: the authoritative log. lksm_events_YYYY-MM-DD.jsonl by local date, whole
 * lines, one write(2) per drain. It opens nothing itself: files come from a storage.
 */
#ifndef OUTPUT_JSON_LOGGER_H
#define OUTPUT_JSON_LOGGER_H

#include <stdbool.h>

#include "core/log_progress.h"
#include "output/output.h"

#define JSON_LOGGER_NAME_FORMAT "lksm_events_%04d-%02d-%02d.jsonl"
#define JSON_LOGGER_NAME_SIZE	sizeof("lksm_events_YYYY-MM-DD.jsonl")

struct json_logger;

struct json_logger_storage {
	void *context;
	/**
	 * open() - the day's log, append-only
	 * @name: lksm_events_YYYY-MM-DD.jsonl
	 * Return: a descriptor, the caller's; or -errno
	 */
	int (*open)(void *context, const char *name);
	struct log_progress *progress; /* kept up to date; NULL: nobody looks */
};

/** json_logger_create() - @newest: name of the newest log there is ("" if none): the date
 * never goes back */
int json_logger_create(const struct json_logger_storage *storage, const char *newest,
		       struct json_logger **ret);
void json_logger_destroy(struct json_logger *l);

/** json_logger_is_leaving() - will the next drain, at @now, go into another day's file? */
bool json_logger_is_leaving(struct json_logger *l, struct now now);

/**
 * JSON_LOGGER_NAMES_US - before a write the log's size is compared with what was written; the
 * number of its names, which tells of a file deleted or linked, if that was so long ago
 */
#define JSON_LOGGER_NAMES_US (50 * USEC_PER_SEC / 1000)

/** JSON_LOGGER_STAY - a drain's time, for what belongs into the newest log there is */
#define JSON_LOGGER_STAY ((struct now){ 0 })

/** json_logger_end() - size of the log that JSON_LOGGER_STAY stands for, opening it if need be */
int json_logger_end(struct json_logger *l, uint64_t *ret);

/** json_logger_sync() - have on the disk what was written; 0 or -errno */
int json_logger_sync(struct json_logger *l);

/**
 * json_logger_log_events() - write a drain's lines, all or as many whole ones as fit
 *
 * A short or failed write never leaves a torn line behind: the rest of the line is tried
 * again first. What could not be written is kept by the caller. A log that was deleted,
 * cut or lengthened under us, or that the supervisor wants to be opened again
 * (core/log_progress.h), is opened again before.
 *
 * Return: number of lines that are written, counted from the first; -errno if none is and
 * why (ENOSPC, EIO …).
 */
int json_logger_log_events(struct json_logger *l, const struct output_batch *batch);

#endif
