/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of its disk the history leaves alone: the logs are written to the same one, as a
 * rule, and matter more than an index of them.
 */
#ifndef OUTPUT_HISTORY_ROOM_H
#define OUTPUT_HISTORY_ROOM_H

#include <stdint.h>
#include <sys/statvfs.h>

enum room {
	ROOM_ENOUGH,
	ROOM_LITTLE, /* for now */
	ROOM_NONE,   /* the file system is too small for a history */
};

struct room_limits {
	uint64_t free_bytes; /* that stay free at least; and 5 % of the file system, */
	uint64_t most_bytes; /* but not more than that */
	uint64_t all_bytes;  /* of the smallest file system */
};

/** ROOM_LIMITS - the usual ones */
#define ROOM_LIMITS                                                   \
	((struct room_limits){ UINT64_C(64) << 20, UINT64_C(4) << 30, \
			       UINT64_C(256) << 20 })

/** room_judge() - of a file system that is like @fs */
enum room room_judge(const struct statvfs *fs, const struct room_limits *limits);

/** room_here() - of the current folder; what cannot be asked is enough */
enum room room_here(const struct room_limits *limits);

#endif
