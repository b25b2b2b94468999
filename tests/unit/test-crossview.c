// SPDX-License-Identifier: Apache-2.0
/* core/crossview: what is beyond the room for findings is counted, or cut. */
#include "crossview.h"

static void test_more_findings_than_room(void **state)
{
	static struct findings f;

	(void)state;
	for (int i = 0; i < FINDINGS_MAX; i++)
		assert_non_null(findings_add(&f, "file_hidden"));
	assert_null(findings_add(&f, "file_hidden"));
	assert_int_equal(f.n, FINDINGS_MAX);
	assert_int_equal(f.n_lost, 1);
}

static void test_more_data_than_room(void **state)
{
	static struct findings f;
	struct finding *one = findings_add(&f, "file_hidden");
	char name[FINDING_TEXT_MAX + 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	finding_add_text(one, "name", (struct span){ name, sizeof(name) });
	assert_int_equal(one->data[0].len, FINDING_TEXT_MAX);
	for (int i = 1; i < FINDING_DATA_MAX; i++)
		finding_add_number(one, "count", i);
	finding_add_number(one, "count", FINDING_DATA_MAX);
	finding_add_text(one, "name", SPAN("y"));
	assert_int_equal(one->n, FINDING_DATA_MAX);
	assert_int_equal(one->data[FINDING_DATA_MAX - 1].number, FINDING_DATA_MAX - 1);
}

/* The same object has the same id, another one another. */
static void test_ids(void **state)
{
	static struct findings f;
	uint64_t ids[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct finding *one = findings_add(&f, i < 3 ? "file_hidden"
							     : "socket_hidden");

		finding_identify(one, i == 2 ? "b" : "a", 1);
		ids[i] = one->id;
	}
	assert_int_equal(ids[0], ids[1]);
	assert_int_not_equal(ids[0], ids[2]);
	assert_int_not_equal(ids[0], ids[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_findings_than_room),
		cmocka_unit_test(test_more_data_than_room),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
