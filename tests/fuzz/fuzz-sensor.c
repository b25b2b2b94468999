// SPDX-License-Identifier: Apache-2.0
/*
 * The input is what the sensor's channel might say. No record is given out twice, no number
 * is both lost and given out, and the numbers of an instance that are, leave no hole.
 */
#include "core/sensor_stream.h"

#include <errno.h>

#include "fuzz.h"

static void check_step(struct sensor_stream *s, const struct sensor_line *line,
		       uint64_t *next)
{
	bool had_last = s->has_last;
	uint64_t last = s->last;
	struct sensor_step step;

	if (sensor_stream_step(s, line, &step) < 0) {
		MUST(!s->name[0]);
		return;
	}
	MUST(!had_last || s->last >= last);
	if (step.has_gap) {
		MUST(step.reason && step.first == *next && step.last >= step.first);
		*next = step.last + 1;
	}
	if (line->kind == SENSOR_RECORD && !step.is_repeated) {
		MUST(line->seq == *next);
		*next = line->seq + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { (const char *)data, size };
	struct sensor_stream stream = { 0 };
	uint64_t next = 0;

	while (rest.len) {
		const char *end = memchr(rest.data, '\n', rest.len);
		struct span one = { rest.data,
				    end ? (size_t)(end - rest.data) : rest.len };
		struct sensor_line line;
		int r = sensor_line_parse(one, &line);

		rest = span_skip(rest, one.len + (end ? 1 : 0));
		MUST(r == 0 || r == -EBADMSG || r == -EPROTONOSUPPORT);
		if (r < 0)
			continue;
		MUST(lies_in(line.text, one) && lies_in(line.instance, one) &&
		     lies_in(line.mirror.value, one));
		if (line.kind == SENSOR_RECORD)
			MUST(line.text.len && line.seq < SENSOR_NUMBER_MAX);
		if (line.kind != SENSOR_HEADER)
			check_step(&stream, &line, &next);
		else if (sensor_stream_begin(&stream, &line))
			next = 0;
	}
	return 0;
}
