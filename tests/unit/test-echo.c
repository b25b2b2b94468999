// SPDX-License-Identifier: Apache-2.0
/*
 * core/echo: which lines have a record. Each case is a run of steps; what they give is
 * written down as one text, a line of the kernel log being called by its number.
 */
#include "core/echo.h"

#include <stdio.h>

#include "base/buffer.h"
#include "expect.h"

#define S 1000000ULL /* a second */

static const char *const verdicts[] = {
	[LKSM_UNJUDGED] = "unjudged",	[LKSM_UNVERIFIED] = "unverified",
	[LKSM_NO_RECORD] = "no_record", [LKSM_ECHO] = "echo",
	[LKSM_UNDECIDED] = "undecided",
};

enum op {
	END,
	ASKED,
	OPENED,
	REOPENED, /* the same instance */
	CLOSED,
	LOST,
	RECORD,
	LINE,
	KNOWN,
	DECIDE,	    /* with all records read */
	DECIDE_WET, /* with some of them unread */
};

struct step {
	enum op op;
	const char *text;
	uint64_t ts;  /* of the record or line, s */
	uint64_t now; /* s */
};

static const struct echo_case {
	const char *name;
	struct step steps[16];
	const char *want; /* "1:echo 2:no_record " */
} cases[] = {
	{ "no channel, none before",
	  { { LINE, "a", 5, 5 }, { DECIDE, .now = 9 } },
	  "1:unjudged " },
	{ "record, then line",
	  { { OPENED }, { RECORD, "a", 5 }, { LINE, "a", 5, 6 }, { DECIDE, .now = 20 } },
	  "1:echo " },
	{ "line, then record",
	  { { OPENED },
	    { RECORD, "x", 1 },
	    { LINE, "a", 5, 6 },
	    { RECORD, "a", 5 },
	    { DECIDE, .now = 7 } },
	  "1:undecided 1:echo " },
	{ "no record",
	  { { OPENED },
	    { RECORD, "x", 1 },
	    { LINE, "a", 5, 6 },
	    { DECIDE, .now = 7 },
	    { DECIDE, .now = 8 } },
	  "1:undecided 1:no_record " },
	{ "not while records are unread",
	  { { OPENED },
	    { RECORD, "x", 1 },
	    { LINE, "a", 5, 6 },
	    { DECIDE_WET, .now = 30 },
	    { RECORD, "a", 5 },
	    { DECIDE, .now = 31 } },
	  "1:undecided 1:echo " },
	{ "a multiset: one record, two lines",
	  { { OPENED },
	    { RECORD, "a", 5 },
	    { LINE, "a", 5, 6 },
	    { LINE, "a", 6, 6 },
	    { DECIDE, .now = 8 } },
	  "1:echo 2:undecided 2:no_record " },
	{ "a multiset: two records, two lines",
	  { { OPENED },
	    { RECORD, "a", 5 },
	    { RECORD, "a", 5 },
	    { LINE, "a", 5, 6 },
	    { LINE, "a", 6, 6 },
	    { DECIDE, .now = 9 } },
	  "1:echo 2:echo " },
	{ "two lines wait, one record comes",
	  { { OPENED },
	    { RECORD, "x", 1 },
	    { LINE, "a", 5, 6 },
	    { LINE, "a", 5, 6 },
	    { RECORD, "a", 5 },
	    { DECIDE, .now = 8 } },
	  "1:undecided 2:undecided 1:echo 2:no_record " },
	{ "older than the oldest record",
	  { { OPENED }, { RECORD, "x", 5 }, { LINE, "a", 4, 6 } },
	  "1:unverified " },
	{ "of the same time as the oldest record",
	  { { OPENED }, { RECORD, "x", 5 }, { LINE, "a", 5, 6 }, { DECIDE, .now = 8 } },
	  "1:undecided 1:no_record " },
	{ "no record at all",
	  { { OPENED }, { LINE, "a", 5, 6 }, { DECIDE, .now = 6 } },
	  "1:undecided 1:unverified " },
	{ "the channel goes: what waits is in doubt",
	  { { OPENED },
	    { RECORD, "x", 1 },
	    { RECORD, "b", 5 },
	    { LINE, "a", 5, 6 },
	    { CLOSED },
	    { DECIDE, .now = 6 },
	    { LINE, "b", 5, 7 },
	    { LINE, "c", 7, 7 } },
	  "1:undecided 1:unverified 2:echo 3:unverified " },
	{ "another instance",
	  { { OPENED },
	    { RECORD, "x", 1 },
	    { CLOSED },
	    { OPENED },
	    { RECORD, "y", 10 },
	    { LINE, "a", 9, 11 },
	    { LINE, "a", 11, 11 },
	    { DECIDE, .now = 13 } },
	  "1:unverified 2:undecided 2:no_record " },
	{ "the same instance again",
	  { { OPENED },
	    { RECORD, "x", 1 },
	    { CLOSED },
	    { REOPENED },
	    { LINE, "a", 9, 11 },
	    { DECIDE, .now = 13 } },
	  "1:undecided 1:no_record " },
	{ "asked, and there is none",
	  { { ASKED },
	    { LINE, "a", 5, 6 },
	    { DECIDE, .now = 50 },
	    { CLOSED },
	    { DECIDE, .now = 51 } },
	  "1:undecided 1:unjudged " },
	{ "asked, and there is one",
	  { { ASKED },
	    { LINE, "a", 5, 6 },
	    { LINE, "b", 1, 6 },
	    { OPENED },
	    { RECORD, "a", 4 },
	    { DECIDE, .now = 6 } },
	  "1:undecided 2:undecided 1:echo 2:unverified " },
	{ "the oldest records are gone: doubt for a while",
	  { { OPENED },
	    { LOST, .ts = 10 },
	    { RECORD, "x", 10 },
	    { LINE, "a", 11, 12 },
	    { LINE, "b", 13, 13 },
	    { DECIDE, .now = 15 } },
	  "1:undecided 2:undecided 1:unverified 2:no_record " },
	{ "records lost in mid-stream",
	  { { OPENED },
	    { RECORD, "x", 5 },
	    { LINE, "a", 4, 6 },
	    { RECORD, "y", 8 },
	    { LOST, .ts = 20 },
	    { RECORD, "z", 20 },
	    { LINE, "b", 7, 21 },
	    { LINE, "c", 9, 21 },
	    { LINE, "d", 22, 22 },
	    { LINE, "e", 23, 23 },
	    { DECIDE, .now = 25 } },
	  "1:unverified 2:undecided 3:undecided 4:undecided 5:undecided "
	  "2:no_record 3:unverified 4:unverified 5:no_record " },
	{ "known lines take their records",
	  { { OPENED },
	    { RECORD, "a", 5 },
	    { RECORD, "b", 6 },
	    { KNOWN, "a", 5 },
	    { LINE, "a", 7, 8 },
	    { LINE, "b", 7, 8 },
	    { DECIDE, .now = 10 } },
	  "1:undecided 2:echo 1:no_record " },
	{ "a mirror that never came is not to be used later",
	  { { OPENED },
	    { RECORD, "a", 5 },
	    { LINE, "a", 66, 66 },
	    { DECIDE, .now = 68 } },
	  "1:undecided 1:no_record " },
	{ "just in time",
	  { { OPENED },
	    { RECORD, "a", 5 },
	    { LINE, "a", 65, 66 },
	    { DECIDE, .now = 68 } },
	  "1:echo " },
};

static void run_step(struct echo *e, const struct step *step, uint64_t *n,
		     struct buffer *said)
{
	struct lksm_record line = { .stream = "kmsg", .ts_us = step->ts * S }, out;
	struct span text = span_from(step->text);

	line.text = step->text;
	line.text_len = text.len;
	switch (step->op) {
	case END:
		break;
	case ASKED:
		echo_asked(e);
		break;
	case OPENED:
	case REOPENED:
		echo_opened(e, step->op == OPENED);
		break;
	case CLOSED:
		echo_closed(e);
		break;
	case LOST:
		echo_lost(e, step->ts * S);
		break;
	case RECORD:
		echo_record(e, text, step->ts * S);
		break;
	case KNOWN:
		echo_known_line(e, text, step->ts * S);
		break;
	case LINE:
		line.stream_seq = ++*n;
		buffer_appendf(said, "%d:%s ", (int)*n,
			       verdicts[echo_line(e, &line, text, step->now * S)]);
		break;
	case DECIDE:
	case DECIDE_WET:
		while (echo_next_decided(e, step->now * S, step->op == DECIDE, &out))
			buffer_appendf(said, "%d:%s ", (int)out.stream_seq,
				       verdicts[out.verdict]);
		break;
	}
}

static const unsigned char key[ECHO_KEY_SIZE] = "0123456789abcde";

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buffer_ struct buffer said = { 0 };
		struct echo *e = NULL;
		uint64_t n = 0;

		assert_int_equal(echo_create(key, &e), 0);
		for (const struct step *step = cases[i].steps; step->op; step++)
			run_step(e, step, &n, &said);
		expect_span(cases[i].name, "verdicts", buffer_span(&said),
			    span_from(cases[i].want));
		echo_destroy(e);
	}
}

/* Without room for one more, the oldest line's time is up, but not before records are read. */
static void test_full(void **state)
{
	struct lksm_record line = {
		.stream = "kmsg", .ts_us = 5 * S, .text = "", .text_len = 0
	};
	struct lksm_record out;
	struct echo *e = NULL;

	(void)state;
	assert_int_equal(echo_create(key, &e), 0);
	echo_opened(e, true);
	echo_record(e, SPAN("x"), S);
	for (size_t i = 0; i < ECHO_PENDING_MAX; i++) {
		assert_false(echo_is_full(e));
		line.stream_seq = i;
		assert_int_equal(echo_line(e, &line, SPAN("a"), 5 * S), LKSM_UNDECIDED);
	}
	assert_true(echo_is_full(e));
	assert_false(echo_next_decided(e, 5 * S, false, &out));
	assert_true(echo_next_decided(e, 5 * S, true, &out));
	assert_int_equal(out.verdict, LKSM_NO_RECORD);
	assert_int_equal(out.stream_seq, 0);
	assert_false(echo_next_decided(e, 5 * S, true, &out));
	assert_int_equal(echo_count_pending(e), ECHO_PENDING_MAX - 1);
	echo_destroy(e);
}

static void add_records(struct echo *e, size_t n, bool is_one_text)
{
	char text[32];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "%zu", is_one_text ? 0 : i);
		echo_record(e, span_from(text), S + i);
	}
}

/* More records than are kept: lines of the time of the forgotten ones are in doubt. */
static void test_many_records(void **state)
{
	struct lksm_record line = { .stream = "kmsg", .text = "", .text_len = 0 };
	struct echo *e = NULL;

	(void)state;
	assert_int_equal(echo_create(key, &e), 0);
	echo_opened(e, true);
	add_records(e, ECHO_RECORDS_MAX + 10, false);
	line.ts_us = S + 3;
	assert_int_equal(echo_line(e, &line, SPAN("3"), 5 * S), LKSM_UNVERIFIED);
	assert_int_equal(echo_line(e, &line, SPAN("10"), 5 * S), LKSM_ECHO);
	assert_int_equal(echo_line(e, &line, SPAN("65545"), 5 * S), LKSM_ECHO);
	line.ts_us = 4 * S;
	assert_int_equal(echo_line(e, &line, SPAN("3"), 5 * S), LKSM_UNDECIDED);
	echo_destroy(e);
}

/* One text over and over, its mirrors lost: no step may walk over all of them. */
static void test_many_of_one_text(void **state)
{
	struct lksm_record line = {
		.stream = "kmsg", .ts_us = 2 * S, .text = "", .text_len = 0
	};
	struct echo *e = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(echo_create(key, &e), 0);
	echo_opened(e, true);
	add_records(e, 8 * ECHO_RECORDS_MAX, true);
	while (echo_line(e, &line, SPAN("0"), 5 * S) == LKSM_ECHO)
		n++;
	assert_int_equal(n, ECHO_RECORDS_MAX);
	echo_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_many_records),
		cmocka_unit_test(test_many_of_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
