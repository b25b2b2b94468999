/* SPDX-License-Identifier: Apache-2.0 */
/* The file that mutes stand in: read whole, written whole. */
#ifndef CORE_MUTES_FILE_H
#define CORE_MUTES_FILE_H

#include <sys/stat.h>

#include "core/mutes.h"

/**
 * mutes_read() - append the file's text, if it may be believed (base/safe_path.h)
 *
 * Return: 0, also if there is none; -EINVAL with a complaint in @errors; -ENOMEM.
 */
int mutes_read(const char *path, struct buffer *ret, struct buffer *errors);

/** mutes_load() - mutes_read() and mutes_parse(); returns as they do */
int mutes_load(const char *path, struct mutes *ret, struct buffer *errors);

/**
 * mutes_load_lines() - the same as a line each, for who takes no YAML apart
 * @out: gets them: id, what, until, reason, by and all of it as JSON (mute_append_json()), each but
 *	the last with a tab behind it, the last with a newline; or, of a failure, the complaints
 */
int mutes_load_lines(const char *path, struct buffer *out);

/**
 * mutes_lock() - who changes the file holds this from before it is read until it is stored
 *
 * Makes its folder if there is none, but not the one above; PATH.lock beside it stays.
 *
 * Return: a descriptor to be closed; -errno.
 */
int mutes_lock(const char *path);

/** mutes_store() - in the file's place at once, and on the disk; 0; -EFBIG; -errno */
int mutes_store(const char *path, const struct mutes *m);

/** A file that others change while we run; begin with { .path }. */
struct mutes_file {
	const char *path;
	struct stat seen;
	bool is_seen;
	bool is_unread; /* the same one is to be tried again */
	bool is_again;	/* and is, now */
};

/** mutes_file_is_news() - is it another one than when this was asked last? At first, yes; and
 * after mutes_file_failed() */
bool mutes_file_is_news(struct mutes_file *f);

/**
 * mutes_file_failed() - it could not be read, for now at least: it is news at the next look, too
 * Return: whether to complain, which was done if it is no other than the last time
 */
bool mutes_file_failed(struct mutes_file *f);

#endif
