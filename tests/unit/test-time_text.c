// SPDX-License-Identifier: Apache-2.0
/* base/time_text: RFC 3339 and seconds, and nothing that only looks like them. */
#include "base/time_text.h"

#include <errno.h>

#include "expect.h"

#define BAD UINT64_MAX

static void test_parse(void **state)
{
	static const struct {
		struct span in;
		uint64_t want;
	} cases[] = {
		{ BYTES("0"), 0 },
		{ BYTES("1770724800"), 1770724800000000 },
		{ BYTES("1770724800.5"), 1770724800500000 },
		{ BYTES("1970-01-01T00:00:00Z"), 0 },
		{ BYTES("2026-02-10T12:00:00Z"), 1770724800000000 },
		{ BYTES("2026-02-10t12:00:00z"), 1770724800000000 },
		{ BYTES("2026-02-10 12:00:00Z"), 1770724800000000 },
		{ BYTES("2026-02-10T12:00:00.001234Z"), 1770724800001234 },
		{ BYTES("2026-02-10T12:00:00.1234567899Z"), 1770724800123456 },
		{ BYTES("2026-02-10T13:30:00+01:30"), 1770724800000000 },
		{ BYTES("2026-02-10T10:30:00-01:30"), 1770724800000000 },
		{ BYTES("2024-02-29T00:00:00Z"), 1709164800000000 },
		{ BYTES("9999-12-31T23:59:59Z"), 253402300799000000 },
		{ BYTES("253402300799"), 253402300799000000 },
		{ BYTES("253402300800"), BAD },
		{ BYTES(""), BAD },
		{ BYTES("-1"), BAD },
		{ BYTES("1."), BAD },
		{ BYTES(".5"), BAD },
		{ BYTES("1e9"), BAD },
		{ BYTES("0x10"), BAD },
		{ BYTES("now"), BAD },
		{ BYTES("2026-02-10"), BAD },
		{ BYTES("2026-02-10T12:00:00"), BAD },
		{ BYTES("2026-02-10T12:00:00.Z"), BAD },
		{ BYTES("2026-02-30T12:00:00Z"), BAD },
		{ BYTES("2026-00-10T12:00:00Z"), BAD },
		{ BYTES("2026-13-10T12:00:00Z"), BAD },
		{ BYTES("2026-02-00T12:00:00Z"), BAD },
		{ BYTES("2026-02-10T24:00:00Z"), BAD },
		{ BYTES("2026-02-10T12:00:00Zz"), BAD },
		{ BYTES("2026-02-10T12:00:00+1:00"), BAD },
		{ BYTES("1969-12-31T23:59:59Z"), BAD },
		{ BYTES("1970-01-01T00:00:00+01:00"), BAD },
		{ BYTES("2026-02-10T12\0:00:00Z"), BAD },
		{ BYTES("1\0"), BAD },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t got = BAD;
		int r = time_text_parse(cases[i].in, &got);

		expect_number(cases[i].in.data, "result", r,
			      cases[i].want == BAD ? -EINVAL : 0);
		expect_number(cases[i].in.data, "time", (int64_t)got,
			      (int64_t)cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
