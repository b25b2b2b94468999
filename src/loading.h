/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration, certificate and rules, read by children that may know nothing else. */
#ifndef LOADING_H
#define LOADING_H

#include "processes.h"

/**
 * loading_settings() - all of it, or nothing
 * @ret: set on success; for settings_deinit()
 * @ret_tls_fd: the certificate and its key, which go from a child to web in memory that
 *	neither we nor core ever look into; -1: there are none
 * @errors: gets what is wrong
 *
 * Return: as loader_settings().
 */
int loading_settings(struct daemon *d, struct settings *ret, int *ret_tls_fd,
		     struct buffer *errors);

/**
 * loading_saved_rules() - the rules again, by the configuration that runs
 *
 * Rules of other folders and packs are not what was saved: -EINVAL, for SIGHUP. Return: as
 * loading_settings().
 */
int loading_saved_rules(struct daemon *d, struct settings *ret, struct buffer *says);

/** loading_mutes() - mutes_load_lines(), as a loader_load with the daemon as its context */
int loading_mutes(void *context, int secrets, struct buffer *lines);

#endif
