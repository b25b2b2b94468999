/* SPDX-License-Identifier: Apache-2.0 */
/* What seccomp_calls.c lists and seccomp.c makes filters of. */
#ifndef BASE_SECCOMP_CALLS_H
#define BASE_SECCOMP_CALLS_H

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seccomp.h"

/** What happens with a call. */
enum call_action {
	CALL_ALLOW,
	CALL_KILL,
	CALL_REFUSE, /* -> error, the process goes on */
};

/** Whether (argument & mask) == value, or is not; a mask of 0 is no condition. */
struct call_condition {
	unsigned int argument;
	uint64_t mask;
	uint64_t value;
	bool is_not; /* then the mask has to be UINT64_MAX */
};

/** A call, perhaps only with some arguments. */
struct call {
	const char *name; /* NULL ends a list; unknown ones are passed over */
	enum call_action action;
	int error;
	struct call_condition when[2]; /* both; the first is set if the second is */
};

/** SECCOMP_OWN_PID - as value: the pid of the process that is restricted */
#define SECCOMP_OWN_PID UINT64_MAX
/** SECCOMP_PARENT_PID, SECCOMP_PARENT_GROUP - of its parent; the group as kill(2) takes it */
#define SECCOMP_PARENT_PID   (UINT64_MAX - 1)
#define SECCOMP_PARENT_GROUP (UINT64_MAX - 2)

#define SECCOMP_PARTS_MAX 8

struct call_list {
	enum call_action otherwise;
	const struct call *parts[SECCOMP_PARTS_MAX]; /* NULL: no more */
};

extern const struct call_list seccomp_lists[SECCOMP_COUNT];

#endif
