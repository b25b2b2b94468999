// SPDX-License-Identifier: Apache-2.0
/* output/history/room: when the history leaves the disk to the logs. */
#include "output/history/room.h"

#include "expect.h"

#define MIB 256 /* blocks */

static void test_room(void **state)
{
	static const struct {
		const char *name;
		uint64_t blocks, available;
		enum room want;
	} cases[] = {
		{ "no size", 0, 0, ROOM_ENOUGH },
		{ "too small", 8 * MIB, 8 * MIB, ROOM_NONE },
		{ "just too small", 256 * MIB - 1, 256 * MIB - 1, ROOM_NONE },
		{ "the smallest", 256 * MIB, 64 * MIB, ROOM_ENOUGH },
		{ "the smallest, full", 256 * MIB, 64 * MIB - 1, ROOM_LITTLE },
		{ "5 %", 20000 * MIB, 1000 * MIB, ROOM_ENOUGH },
		{ "less than 5 %", 20000 * MIB, 1000 * MIB - 1, ROOM_LITTLE },
		{ "large", 1000000 * MIB, 4096 * MIB, ROOM_ENOUGH },
		{ "large, full", 1000000 * MIB, 4096 * MIB - 1, ROOM_LITTLE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct statvfs fs = { .f_frsize = 4096,
					    .f_blocks = cases[i].blocks,
					    .f_bavail = cases[i].available };

		expect_number(cases[i].name, "room", room_judge(&fs, &ROOM_LIMITS),
			      cases[i].want);
	}
}

static void test_here(void **state)
{
	(void)state;
	assert_int_equal(room_here(&(struct room_limits){ 0 }), ROOM_ENOUGH);
	assert_int_equal(room_here(&(struct room_limits){ UINT64_MAX, UINT64_MAX, 0 }),
			 ROOM_LITTLE);
	assert_int_equal(room_here(&(struct room_limits){ .all_bytes = UINT64_MAX }),
			 ROOM_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
