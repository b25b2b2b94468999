/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that the service manager opened for us, by name: sd_listen_fds(3). With
 * them, the daemon needs no network and no device of its own.
 */
#ifndef PRIVSEP_INHERITED_H
#define PRIVSEP_INHERITED_H

/** INHERITED_DASHBOARD - the listening socket of the dashboard; others are modules' names */
#define INHERITED_DASHBOARD "dashboard"

/**
 * inherited_find() - the descriptor of that name (FileDescriptorName= of a socket unit)
 *
 * It stays where it is, made non-blocking and close-on-exec, and is the same in each call.
 *
 * Return: the descriptor, -ENOENT if there is none.
 */
int inherited_find(const char *name);

/**
 * inherited_input() - take the standard input, and leave an empty one behind
 *
 * Return: a descriptor, non-blocking, the caller's; -errno.
 */
int inherited_input(void);

#endif
