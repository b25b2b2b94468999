// SPDX-License-Identifier: Apache-2.0
/* privsep/reports: a pipe that is full loses reports, and tells which ones when it can. */
#include "privsep/reports.h"

#include <stdio.h>

#include "base/buffer.h"
#include "base/systemd.h"
#include "expect.h"

#define MANY 3000 /* more than a pipe holds */

struct fixture {
	sd_event *event;
	struct reports reports;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(sd_load(NULL), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	assert_int_equal(reports_open(&f->reports, f->event), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	reports_close(&f->reports);
	(void)sd_event_unref(f->event);
	free(f);
	return 0;
}

static void add(struct fixture *f, const char *file)
{
	const struct report_datum data = { "file", file, false };

	reports_add_all(&f->reports, "log_tampered", LKSM_CRITICAL, &data, 1);
}

/* All there is. Return: how many lines. */
static uint64_t drain(struct fixture *f, struct buffer *ret)
{
	uint64_t n = 0;
	ssize_t got;

	buffer_clear(ret);
	while ((got = read(f->reports.read_fd, buffer_reserve(ret, 4096), 4096)) > 0)
		ret->len += (size_t)got;
	for (size_t i = 0; i < ret->len; i++)
		n += ret->data[i] == '\n';
	return n;
}

static void turn(struct fixture *f)
{
	assert_true(sd_event_run(f->event, 0) >= 0);
}

static void test_what_is_lost_is_told(void **state)
{
	_cleanup_buffer_ struct buffer got = { 0 };
	struct fixture *f = *state;
	char want[256];
	uint64_t n;

	for (int i = 0; i < MANY; i++)
		add(f, "x");
	turn(f); /* no room yet */
	n = drain(f, &got);
	assert_true(n > 0 && n < MANY);
	turn(f);
	assert_int_equal(drain(f, &got), 1);
	(void)snprintf(want, sizeof(want),
		       "{\"type\": \"records_lost\", \"data\": {\"stream\": "
		       "\"module:lksm\", \"first\": %u, \"last\": %u, \"count\": %u, "
		       "\"reason\": \"pipe_full\"}, \"severity\": \"high\"}\n",
		       (unsigned int)n, MANY - 1, MANY - (unsigned int)n);
	expect_span("pipe", "text", buffer_span(&got), span_from(want));
	turn(f); /* once */
	assert_int_equal(drain(f, &got), 0);
}

static void test_before_the_next_one(void **state)
{
	_cleanup_buffer_ struct buffer got = { 0 };
	struct fixture *f = *state;

	for (int i = 0; i < MANY; i++)
		add(f, "x");
	(void)drain(f, &got);
	add(f, "y");
	assert_int_equal(drain(f, &got), 2);
	assert_true(
		span_starts_with(buffer_span(&got), SPAN("{\"type\": \"records_lost\"")));
}

static void test_nothing_is_lost(void **state)
{
	_cleanup_buffer_ struct buffer got = { 0 };
	struct fixture *f = *state;

	add(f, "x");
	turn(f);
	(void)drain(f, &got);
	expect_text("pipe", "text", buffer_span(&got),
		    "{\"type\": \"log_tampered\", \"data\": {\"file\": \"x\"}, "
		    "\"severity\": \"critical\"}\n");
}

#define test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_what_is_lost_is_told),
		test(test_before_the_next_one),
		test(test_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
