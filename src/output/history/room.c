// SPDX-License-Identifier: Apache-2.0
/* See room.h. */
#include "output/history/room.h"

#define PART 20 /* of the file system, that stays free */

enum room room_judge(const struct statvfs *fs, const struct room_limits *limits)
{
	uint64_t all = (uint64_t)fs->f_blocks * fs->f_frsize;
	uint64_t unused = (uint64_t)fs->f_bavail * fs->f_frsize;
	uint64_t wanted = all / PART;

	if (!fs->f_blocks) /* some have no size */
		return ROOM_ENOUGH;
	if (all < limits->all_bytes)
		return ROOM_NONE;
	if (wanted > limits->most_bytes)
		wanted = limits->most_bytes;
	if (wanted < limits->free_bytes)
		wanted = limits->free_bytes;
	return unused < wanted ? ROOM_LITTLE : ROOM_ENOUGH;
}

enum room room_here(const struct room_limits *limits)
{
	struct statvfs fs;

	return statvfs(".", &fs) < 0 ? ROOM_ENOUGH : room_judge(&fs, limits);
}
