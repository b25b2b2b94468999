// SPDX-License-Identifier: Apache-2.0
/* output/alerts/alert_page: what outlives a kill, and what of it is believed. */
#include "output/alerts/alert_page.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "alert.h"

static struct alert_config config = { .n_receivers = 2,
				      .receivers = { { .name = "a" }, { .name = "b" } } };
static int fd;

static int set_up(void **state)
{
	(void)state;
	fd = memfd_create("page", MFD_CLOEXEC);
	return fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	return close(fd);
}

static struct alert_page *map(void)
{
	struct alert_page *page = NULL;

	assert_int_equal(alert_page_map(fd, true, &page), 0);
	return page;
}

static void test_rows_stay_and_make_room(void **state)
{
	struct alert_page *page = map();
	uint64_t next;

	(void)state;
	assert_false(alert_page_next_seq(page, &config, &next));
	assert_non_null(alert_page_take_row(page, &config, "a", 10));
	assert_non_null(alert_page_take_row(page, &config, "b", 7));
	alert_page_unmap(page);
	page = map();
	assert_true(alert_page_next_seq(page, &config, &next));
	assert_int_equal(next, 7);
	/* what is there is not begun anew */
	assert_int_equal(alert_page_take_row(page, &config, "a", 99)->next_seq, 10);
	for (int i = 0; i < 3 * ALERT_RECEIVERS_MAX; i++) { /* nobody's any more */
		char name[ALERT_NAME_SIZE];

		(void)snprintf(name, sizeof(name), "old_%d", i);
		assert_non_null(alert_page_take_row(page, &config, name, 0));
	}
	assert_true(alert_page_next_seq(page, &config, &next));
	assert_int_equal(next, 7);
	alert_page_unmap(page);
}

static void test_nonsense_becomes_an_empty_page(void **state)
{
	static char bytes[sizeof(struct alert_page)];
	struct alert_page *page = NULL;
	uint64_t next;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(alert_page_map(fd, false, &page), -EBADMSG); /* empty */
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_int_equal(alert_page_map(fd, false, &page), -EBADMSG);
	page = map();
	assert_false(alert_page_next_seq(page, &config, &next));
	assert_int_equal(atomic_load(&page->cursor_number), 0);
	/* texts without an end get one */
	memset(page->rows[0].name, 'n', sizeof(page->rows[0].name));
	memset(page->cursor.name, 'n', sizeof(page->cursor.name));
	alert_page_unmap(page);
	page = map();
	assert_int_equal(strlen(page->rows[0].name), ALERT_NAME_SIZE - 1);
	assert_int_equal(strlen(page->cursor.name), sizeof(page->cursor.name) - 1);
	alert_page_unmap(page);
}

static void test_cursors(void **state)
{
	static const struct {
		const char *what, *name;
		uint64_t number, next_seq;
		bool is_taken;
	} cases[] = {
		{ "a log's", "lksm_events_2026-11-28.jsonl", 1, 5, true },
		{ "half written", "lksm_events_2026-11-28.jsonl", 0, 5, false },
		{ "ahead of a receiver", "lksm_events_2026-11-28.jsonl", 1, 6, false },
		{ "no log's", "../../../etc/shadow", 1, 5, false },
		{ "none", "", 1, 5, false },
	};
	struct alert_page *page = map();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct log_cursor got;

		(void)snprintf(page->cursor.name, sizeof(page->cursor.name), "%s",
			       cases[i].name);
		page->cursor.offset = 1234;
		page->cursor.next_seq = cases[i].next_seq;
		atomic_store(&page->cursor_number, cases[i].number);
		alert_page_cursor(page, 5, &got);
		expect_text(cases[i].what, "the name", span_from(got.name),
			    cases[i].is_taken ? cases[i].name : "");
		expect_number(cases[i].what, "the offset", (int64_t)got.offset,
			      cases[i].is_taken ? 1234 : 0);
		expect_number(cases[i].what, "next_seq", (int64_t)got.next_seq, 5);
	}
	alert_page_unmap(page);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_rows_stay_and_make_room),
		T(test_nonsense_becomes_an_empty_page),
		T(test_cursors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
