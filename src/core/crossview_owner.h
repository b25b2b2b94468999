/* SPDX-License-Identifier: Apache-2.0 */
/* Whose is it? Asked only about what is hidden. */
#ifndef CORE_CROSSVIEW_OWNER_H
#define CORE_CROSSVIEW_OWNER_H

#include "core/crossview.h"

/**
 * owner_of_socket() - add pid, comm and exe of a process that has the socket open
 * @proc: the folder /proc; negative: nothing is added
 */
void owner_of_socket(int proc, uint64_t inode, struct finding *f);

#endif
