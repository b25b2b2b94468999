// SPDX-License-Identifier: Apache-2.0
/* privsep/logfiles: which names are logs, and how old a log is. */
#include "privsep/logfiles.h"

#include "expect.h"

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool want;
		uint32_t want_date;
		bool want_compressed;
	} cases[] = {
		{ "lksm_events_2026-11-22.jsonl", true, 20261122, false },
		{ "lksm_events_2026-11-22.jsonl.zst", true, 20261122, true },
		{ "lksm_events_2026-11-22.jsonl.zstd", false, 0, false },
		{ "lksm_events_2026-11-22.jsonl.zs", false, 0, false },
		{ "lksm_events_2026-11-22.jsonl.gz", false, 0, false },
		{ "lksm_events_2026-11-22.json", false, 0, false },
		{ "lksm_events_2026-13-22.jsonl", false, 0, false },
		{ "lksm_events_2026-11-00.jsonl", false, 0, false },
		{ "lksm_events_2026-1x-22.jsonl", false, 0, false },
		{ "../lksm_events_2026-11-22.jsonl", false, 0, false },
		{ "lksm_events_2026-11-22.jsonl/", false, 0, false },
		{ "LKSM_events_2026-11-22.jsonl", false, 0, false },
		{ "", false, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct logfile file = { 0 };

		expect_number(cases[i].name, "is log",
			      logfile_parse_name(cases[i].name, &file), cases[i].want);
		expect_number(cases[i].name, "date", file.date, cases[i].want_date);
		expect_number(cases[i].name, "compressed", file.is_compressed,
			      cases[i].want_compressed);
		assert_string_equal(file.name, cases[i].want ? cases[i].name : "");
	}
}

static void test_ages(void **state)
{
	static const struct {
		uint32_t date, today;
		int64_t want;
	} cases[] = {
		{ 20261122, 20261122, 0 },  { 20261121, 20261122, 1 },
		{ 20261123, 20261122, -1 }, { 20251231, 20260101, 1 },
		{ 20240228, 20240301, 2 },  { 20260228, 20260301, 1 },
		{ 20260328, 20260330, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_number("age", "days",
			      logfile_age_days(cases[i].date, cases[i].today),
			      cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
