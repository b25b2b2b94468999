/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are. A program run as build/lksm inside a checkout keeps to the checkout
 * (rules/, data/logs); an installed one to the system's folders.
 */
#ifndef BASE_PATHS_H
#define BASE_PATHS_H

/**
 * paths_checkout() - the root of the checkout this program runs in, "" if it is installed
 *
 * Found once from /proc/self/exe: a parent of its folder that has rules/10-photon-ring.yaml.
 */
const char *paths_checkout(void);

/** paths_executable() - this program's own file, for starting itself again */
const char *paths_executable(void);

#endif
