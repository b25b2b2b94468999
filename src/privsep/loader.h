/* SPDX-License-Identifier: Apache-2.0 */
/* A child that reads and parses what may be hostile, and hands back what came of it. */
#ifndef PRIVSEP_LOADER_H
#define PRIVSEP_LOADER_H

#include "core/settings.h"

/** LOADER_DEADLINE_MS - a child that takes longer is killed; nobody is served meanwhile */
#define LOADER_DEADLINE_MS 10000

/** LOADER_ANSWER_MAX - of what it may hand back */
#define LOADER_ANSWER_MAX ((size_t)64 << 20)

/**
 * loader_load - read and parse; in the child
 * @secrets: an empty file for what only one process may know: it is not read here
 * @out: gets the rest; of a failure, what is wrong, a line each
 * Return: 0; negative results come back as -EINVAL
 */
typedef int loader_load(void *context, int secrets, struct buffer *out);

/**
 * loader_run() - call @load in a child in a sandbox (SANDBOX_LOADER), and wait for it
 * @load: what it prints on stderr is printed
 * @secrets: handed to it; -1: none
 * @ret: gets what it appended, which nobody has checked
 *
 * Return: 0; -EINVAL: @load said no; -ECHILD: it crashed, which is logged; -ETIMEDOUT;
 * -EFBIG; -errno.
 */
int loader_run(loader_load *load, void *context, int secrets, struct buffer *ret);

/**
 * loader_complain() - what loader_run() gave, as the text of an event
 * @r: its result, negative
 * @answer: what it got
 */
void loader_complain(int r, struct span answer, struct buffer *errors);

/**
 * loader_settings() - loader_run(), and take its answer apart
 * @load: ends with settings_pack()
 * @ret: set on success; for settings_deinit()
 * @errors: gets a sentence if it fails, or what @load found wrong, separated by semicolons
 *
 * Return: as loader_run() and settings_unpack().
 */
int loader_settings(loader_load *load, void *context, int secrets, struct settings *ret,
		    struct buffer *errors);

#endif
