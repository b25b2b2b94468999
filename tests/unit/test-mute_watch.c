// SPDX-License-Identifier: Apache-2.0
/* privsep/mute_watch: which events a change of the file becomes. */
#include "privsep/mute_watch.h"

#include <unistd.h>

#include "expect.h"

#define NOW_US ((uint64_t)1770724800 * 1000000) /* 2026-02-10T12:00:00Z */
#define ONE    "1\ttype=a\t2026-02-10T12:00:00.000000Z\twhy\troot\n"
#define TWO    "2\ttype=b data.k=\"x\"\t\t\t\n"
#define ADDED_ONE                                                                   \
	"{\"type\": \"mute_added\", \"data\": {\"id\": 1, \"what\": \"type=a\", "   \
	"\"until\": \"2026-02-10T12:00:00.000000Z\", \"reason\": \"why\", \"by\": " \
	"\"root\"}, \"severity\": \"medium\"}\n"
#define ADDED_TWO                                                              \
	"{\"type\": \"mute_added\", \"data\": {\"id\": 2, \"what\": \"type=b " \
	"data.k=\\\"x\\\"\"}, \"severity\": \"medium\"}\n"
#define REMOVED(id, what, how)                                                      \
	"{\"type\": \"mute_removed\", \"data\": {\"id\": " id ", \"what\": \"" what \
	"\", \"how\": \"" how "\"}, \"severity\": \"info\"}\n"

static const struct change {
	const char *name, *before, *after, *want;
} changes[] = {
	{ "nothing", "", "", "" },
	{ "the same", ONE TWO, ONE TWO, "" },
	{ "another order", ONE TWO, TWO ONE, "" },
	{ "the first", "", ONE, ADDED_ONE },
	{ "one more", ONE, ONE TWO, ADDED_TWO },
	{ "one less", ONE TWO, ONE, REMOVED("2", "type=b data.k=\\\"x\\\"", "removed") },
	{ "over by now", ONE TWO, TWO, REMOVED("1", "type=a", "expired") },
	{ "changed", "2\ttype=a\t\t\t\n", TWO,
	  REMOVED("2", "type=a", "removed") ADDED_TWO },
	{ "not ours", "", "x\ttype=a\t\t\t\n1\ttype=a\n\n1\ta\tb\tc\td\te\n", "" },
	{ "torn", "", "1\ttype=a\t\t\t", "" },
};

static void test_changes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change *c = &changes[i];
		struct reports reports;
		sd_event *event;
		char got[4096];
		ssize_t n;

		assert_true(sd_event_new(&event) >= 0);
		assert_int_equal(reports_open(&reports, event), 0);
		mute_watch_compare(&reports, span_from(c->before), span_from(c->after),
				   NOW_US);
		n = read(reports.read_fd, got, sizeof(got));
		expect_span(c->name, "events",
			    (struct span){ got, n > 0 ? (size_t)n : 0 },
			    span_from(c->want));
		reports_close(&reports);
		(void)sd_event_unref(event);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_changes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
