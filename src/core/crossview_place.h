/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where we stand: two views can be compared only if both show the same. /proc may be that
 * of another PID namespace, or be mounted so that it does not show us everything.
 */
#ifndef CORE_CROSSVIEW_PLACE_H
#define CORE_CROSSVIEW_PLACE_H

#include "base/buffer.h"

/**
 * place_hides_processes() - is @mountinfo's topmost /proc one with hidepid=?
 * @mountinfo: /proc/self/mountinfo
 */
bool place_hides_processes(struct span mountinfo);

/** place_is_initial() - is @uid_map (/proc/self/uid_map) that of the first user namespace? */
bool place_is_initial(struct span uid_map);

/**
 * place_namespaces() - how many PID namespaces lie between /proc's and ours, counting both
 * @status: /proc/self/status
 *
 * Return: 1: it is the same one; 0: it does not say.
 */
size_t place_namespaces(struct span status);

/**
 * place_shows_our_processes() - does /proc list what our system calls know?
 * @proc: the folder
 * @reason: gets a sentence if it does not
 */
bool place_shows_our_processes(int proc, struct buffer *reason);

#endif
