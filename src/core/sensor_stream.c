// SPDX-License-Identifier: Apache-2.0
/* See sensor_stream.h. Every line of the channel is logfmt as a whole. */
#include "core/sensor_stream.h"

#include <errno.h>
#include <string.h>

#include "lksm/wire.h"

#define STREAM_PREFIX "proc:"

static bool is_key(const struct logfmt_line *line, size_t i, const char *key)
{
	return i < line->n && span_equal(line->pairs[i].key, span_from(key));
}

static bool get_number(const struct logfmt_line *line, const char *key, uint64_t *ret)
{
	for (size_t i = 0; i < line->n; i++) {
		int64_t value;

		if (!is_key(line, i, key))
			continue;
		if (logfmt_integer(&line->pairs[i], &value) < 0 || value < 0 ||
		    (uint64_t)value >= SENSOR_NUMBER_MAX)
			return false;
		*ret = (uint64_t)value;
		return true;
	}
	return false;
}

static bool get_instance(const struct logfmt_line *line, struct span *ret)
{
	for (size_t i = 0; i < line->n; i++) {
		struct span value = line->pairs[i].value;

		if (!is_key(line, i, "instance"))
			continue;
		*ret = value;
		if (value.len != SENSOR_INSTANCE_SIZE - 1)
			return false;
		for (size_t j = 0; j < value.len; j++)
			if (!memchr("0123456789abcdef", value.data[j], 16))
				return false;
		return true;
	}
	return false;
}

/* "123.456789": exactly six decimals. */
static bool parse_stamp(struct span s, uint64_t *ret_us)
{
	const char *dot = memchr(s.data, '.', s.len);
	uint64_t us = 0;

	if (!dot || dot == s.data || s.data + s.len - dot != 7 || s.len > 20)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data + i == dot)
			continue;
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		us = us * 10 + (uint64_t)(s.data[i] - '0'); /* 19 digits fit */
	}
	*ret_us = us;
	return true;
}

static int parse_header(const struct logfmt_line *line, struct sensor_line *ret)
{
	uint64_t version;

	ret->kind = SENSOR_HEADER;
	if (!get_number(line, "lksm_version", &version))
		return -EBADMSG;
	if (version != LKSM_PROC_VERSION)
		return -EPROTONOSUPPORT;
	if (!get_instance(line, &ret->instance) ||
	    !get_number(line, "first", &ret->first) ||
	    !get_number(line, "next", &ret->next) || ret->next < ret->first)
		return -EBADMSG;
	return 0;
}

static int parse_record(struct span whole, const struct logfmt_line *line,
			struct sensor_line *ret)
{
	size_t type = is_key(line, 2, "mirror") ? 3 : 2;
	const char *text;

	ret->kind = SENSOR_RECORD;
	if (!get_number(line, "seq", &ret->seq) || !is_key(line, 1, "ts") ||
	    !parse_stamp(line->pairs[1].value, &ret->ts_us) ||
	    !is_key(line, type, "type"))
		return -EBADMSG;
	text = line->pairs[type].key.data;
	ret->text = (struct span){ text, (size_t)(whole.data + whole.len - text) };
	ret->has_mirror = type == 3;
	if (ret->has_mirror)
		ret->mirror = line->pairs[2];
	return 0;
}

static int parse_lost(const struct logfmt_line *line, struct sensor_line *ret)
{
	uint64_t last, count;

	ret->kind = SENSOR_LOST;
	if (!span_equal(line->pairs[0].value, SPAN("records_lost")) ||
	    !get_number(line, "first", &ret->first) || !get_number(line, "last", &last) ||
	    !get_number(line, "count", &count) || last < ret->first ||
	    count != last - ret->first + 1)
		return -EBADMSG;
	ret->next = last + 1;
	return 0;
}

int sensor_line_parse(struct span line, struct sensor_line *ret)
{
	struct logfmt_line pairs;

	*ret = (struct sensor_line){ 0 };
	if (logfmt_parse(line, &pairs) < 0)
		return -EBADMSG;
	if (is_key(&pairs, 0, "seq"))
		return parse_record(line, &pairs, ret);
	if (is_key(&pairs, 0, "lksm_version"))
		return parse_header(&pairs, ret);
	if (is_key(&pairs, 0, "type"))
		return parse_lost(&pairs, ret);
	return -EBADMSG;
}

/* ---- numbers ---- */

bool sensor_stream_begin(struct sensor_stream *s, const struct sensor_line *header)
{
	char name[sizeof(s->name)] = STREAM_PREFIX;

	memcpy(name + strlen(STREAM_PREFIX), header->instance.data, header->instance.len);
	if (!strcmp(s->name, name))
		return false;
	*s = (struct sensor_stream){ 0 };
	memcpy(s->name, name, sizeof(name));
	return true;
}

void sensor_stream_resume(struct sensor_stream *s, uint64_t position)
{
	s->has_position = true;
	s->position = position;
}

static uint64_t expected(const struct sensor_stream *s)
{
	uint64_t after_last = s->has_last ? s->last + 1 : 0;
	uint64_t after_position = s->has_position ? s->position + 1 : 0;

	return after_last > after_position ? after_last : after_position;
}

static void account_gap(const struct sensor_stream *s, uint64_t next, bool is_overrun,
			struct sensor_step *ret)
{
	uint64_t from = expected(s);

	if (next <= from)
		return;
	ret->has_gap = true;
	ret->first = from;
	ret->last = next - 1;
	if (is_overrun)
		ret->reason = "overrun";
	else if (s->has_last)
		ret->reason = "gap";
	else
		ret->reason = s->has_position ? "overwritten" : "before_start";
}

int sensor_stream_step(struct sensor_stream *s, const struct sensor_line *line,
		       struct sensor_step *ret)
{
	*ret = (struct sensor_step){ 0 };
	if (!s->name[0])
		return -EBADMSG;
	if (line->kind == SENSOR_LOST) {
		account_gap(s, line->next, true, ret);
		if (!s->has_last || line->next - 1 > s->last)
			s->last = line->next - 1;
		s->has_last = s->is_overrun = true;
		return 0;
	}
	ret->is_repeated = s->has_last && line->seq <= s->last;
	ret->is_known = s->has_position && line->seq <= s->position;
	if (ret->is_repeated)
		return 0;
	account_gap(s, line->seq, false, ret);
	ret->is_after_loss = s->is_overrun || line->seq > (s->has_last ? s->last + 1 : 0);
	s->is_overrun = false;
	s->has_last = true;
	s->last = line->seq;
	return 0;
}
