// SPDX-License-Identifier: Apache-2.0
/* core/sensor_stream: the three kinds of line, and the accounts of the numbers. */
#include "core/sensor_stream.h"

#include <errno.h>
#include <inttypes.h>

#include "base/buffer.h"
#include "expect.h"

#define HEADER(instance, first, next)                                        \
	"lksm_version=1 sensor=0.1.0 instance=" instance " boot_id=unknown " \
	"first=" #first " next=" #next
#define A      "00000000000000aa"
#define B      "00000000000000bb"
#define R(seq) "seq=" #seq " ts=1.000001 type=x severity=info"
#define LOST(first, last, count)                                                   \
	"type=records_lost severity=high stream=proc reason=overrun first=" #first \
	" last=" #last " count=" #count

static const struct parse_case {
	const char *name, *in;
	int want;
	const char *text; /* of the record; and its mirror */
	const char *mirror;
	uint64_t ts;
} parse_cases[] = {
	{ "header", HEADER(A, 3, 19), 0, NULL, NULL, 0 },
	{ "header with a key more", HEADER(A, 0, 0) " more=1", 0, NULL, NULL, 0 },
	{ "another version", "lksm_version=2 what=ever", -EPROTONOSUPPORT, NULL, NULL,
	  0 },
	{ "no version", "lksm_version=one", -EBADMSG, NULL, NULL, 0 },
	{ "instance too short", HEADER("aa", 0, 0), -EBADMSG, NULL, NULL, 0 },
	{ "instance not hex", HEADER("00000000000000AG", 0, 0), -EBADMSG, NULL, NULL, 0 },
	{ "more first than next", HEADER(A, 4, 3), -EBADMSG, NULL, NULL, 0 },
	{ "no instance", "lksm_version=1 first=0 next=0", -EBADMSG, NULL, NULL, 0 },
	{ "record", "seq=17 ts=123.456789 type=x severity=high k=\"a b\"", 0,
	  "type=x severity=high k=\"a b\"", NULL, 123456789 },
	{ "record with a mirror",
	  "seq=0 ts=0.000001 mirror=\"Module loaded: a\\x5cb by uid 0\" "
	  "type=module_loaded",
	  0, "type=module_loaded", "Module loaded: a\\b by uid 0", 1 },
	{ "bare mirror", "seq=0 ts=0.000001 mirror=a type=x", 0, "type=x", "a", 1 },
	{ "largest number", "seq=9007199254740991 ts=0.000001 type=x", 0, "type=x", NULL,
	  1 },
	{ "number too large", "seq=9007199254740992 ts=0.000001 type=x", -EBADMSG, NULL,
	  NULL, 0 },
	{ "negative number", "seq=-1 ts=0.000001 type=x", -EBADMSG, NULL, NULL, 0 },
	{ "five decimals", "seq=1 ts=0.00001 type=x", -EBADMSG, NULL, NULL, 0 },
	{ "no seconds", "seq=1 ts=.000001 type=x", -EBADMSG, NULL, NULL, 0 },
	{ "two dots", "seq=1 ts=1.1.000001 type=x", -EBADMSG, NULL, NULL, 0 },
	{ "stamp of another age", "seq=1 ts=99999999999999.000001 type=x", -EBADMSG, NULL,
	  NULL, 0 },
	{ "no type", "seq=1 ts=1.000001 severity=info", -EBADMSG, NULL, NULL, 0 },
	{ "mirror elsewhere", "seq=1 ts=1.000001 type=x mirror=a", 0, "type=x mirror=a",
	  NULL, 1000001 },
	{ "seq twice", "seq=1 ts=1.000001 type=x seq=2", -EBADMSG, NULL, NULL, 0 },
	{ "not logfmt", "seq=1 ts=1.000001 type=x and more", -EBADMSG, NULL, NULL, 0 },
	{ "lost", LOST(3, 9, 7), 0, NULL, NULL, 0 },
	{ "lost, wrong count", LOST(3, 9, 6), -EBADMSG, NULL, NULL, 0 },
	{ "lost, backwards", LOST(9, 3, 7), -EBADMSG, NULL, NULL, 0 },
	{ "some other line", "type=x severity=info", -EBADMSG, NULL, NULL, 0 },
	{ "empty", "", -EBADMSG, NULL, NULL, 0 },
	{ "a line of the kernel log", "6,1,2,-;a", -EBADMSG, NULL, NULL, 0 },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parse_cases); i++) {
		const struct parse_case *c = &parse_cases[i];
		_cleanup_buffer_ struct buffer mirror = { 0 };
		struct sensor_line line;

		if (sensor_line_parse(span_from(c->in), &line) != c->want)
			fail_msg("%s: not %d", c->name, c->want);
		if (!c->text)
			continue;
		expect_span(c->name, "text", line.text, span_from(c->text));
		if (line.has_mirror)
			logfmt_unquote(&mirror, &line.mirror);
		expect_span(c->name, "mirror", buffer_span(&mirror),
			    span_from(c->mirror ? c->mirror : ""));
		assert_int_equal(line.ts_us, c->ts);
	}
}

/* What the steps say, "+" a new record, "k" a known, "=" a repeated one, "!" after a loss. */
static const struct step_case {
	const char *name;
	int64_t position; /* of every instance; -1: none */
	const char *lines[10];
	const char *want;
} step_cases[] = {
	{ "from the first", -1, { HEADER(A, 0, 2), R(0), R(1) }, "A +0 +1 " },
	{ "gone before our first look",
	  -1,
	  { HEADER(A, 3, 5), R(3), R(4) },
	  "A [0-2 before_start]!+3 +4 " },
	{ "resumed", 1, { HEADER(A, 0, 3), R(0), R(1), R(2) }, "A k0 k1 +2 " },
	{ "resumed, the older ones gone",
	  4,
	  { HEADER(A, 3, 9), R(3), R(4), R(5) },
	  "A !k3 k4 +5 " },
	{ "overwritten while we were away",
	  4,
	  { HEADER(A, 7, 9), R(7), R(8) },
	  "A [5-6 overwritten]!+7 +8 " },
	{ "too slow",
	  -1,
	  { HEADER(A, 0, 1), R(0), LOST(1, 5, 5), R(6) },
	  "A +0 [1-5 overrun] !+6 " },
	{ "too slow among the known",
	  5,
	  { HEADER(A, 0, 1), R(0), LOST(1, 8, 8), R(9) },
	  "A k0 [6-8 overrun] !+9 " },
	{ "lost, but known",
	  8,
	  { HEADER(A, 0, 1), LOST(0, 5, 6), R(6), R(9) },
	  "A  !k6 !+9 " },
	{ "lost twice over",
	  -1,
	  { HEADER(A, 0, 1), R(5), LOST(2, 3, 2), R(6) },
	  "A [0-4 before_start]!+5  !+6 " },
	{ "a gap that nobody told",
	  -1,
	  { HEADER(A, 0, 1), R(0), R(3) },
	  "A +0 [1-2 gap]!+3 " },
	{ "read again",
	  -1,
	  { HEADER(A, 0, 2), R(0), R(1), HEADER(A, 0, 2), R(0), R(1), R(2) },
	  "A +0 +1 same =0 =1 +2 " },
	{ "another instance",
	  -1,
	  { HEADER(A, 0, 1), R(0), HEADER(B, 0, 1), R(0), R(1) },
	  "A +0 B +0 +1 " },
	{ "before any header", -1, { R(0), LOST(0, 0, 1) }, "? ? " },
};

static void say_step(struct sensor_stream *s, const struct sensor_line *line,
		     struct buffer *said)
{
	struct sensor_step step;

	if (sensor_stream_step(s, line, &step) < 0) {
		buffer_append_literal(said, "? ");
		return;
	}
	if (step.has_gap)
		buffer_appendf(said, "[%" PRIu64 "-%" PRIu64 " %s]", step.first,
			       step.last, step.reason);
	if (line->kind == SENSOR_RECORD)
		buffer_appendf(said, "%s%s%" PRIu64, step.is_after_loss ? "!" : "",
			       step.is_repeated ? "="
			       : step.is_known	? "k"
						: "+",
			       line->seq);
	buffer_append_char(said, ' ');
}

static void test_steps(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(step_cases); i++) {
		const struct step_case *c = &step_cases[i];
		_cleanup_buffer_ struct buffer said = { 0 };
		struct sensor_stream s = { 0 };

		for (size_t j = 0; c->lines[j]; j++) {
			struct sensor_line line;

			assert_int_equal(sensor_line_parse(span_from(c->lines[j]), &line),
					 0);
			if (line.kind != SENSOR_HEADER) {
				say_step(&s, &line, &said);
				continue;
			}
			if (!sensor_stream_begin(&s, &line)) {
				buffer_append_literal(&said, "same ");
				continue;
			}
			buffer_appendf(&said, "%s ",
				       strcmp(s.name, "proc:" A) ? "B" : "A");
			if (c->position >= 0)
				sensor_stream_resume(&s, (uint64_t)c->position);
		}
		expect_span(c->name, "steps", buffer_span(&said), span_from(c->want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
