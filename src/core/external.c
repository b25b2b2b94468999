// SPDX-License-Identifier: Apache-2.0
/*
 * See external.h. Bytes gather in the inbox; whole lines are taken from their front as long
 * as the batch has room. What could not be taken is counted in tallies, for nonsense, for
 * excess and for what was given up, which become one event each when their time has come.
 */
#include "core/external.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define NAME_SIZE   32
#define QUOTE_MAX   80
#define NESTING_MAX 16
#define RATE_MAX    1000000000 /* more is no limit: no pipe carries it */
#define SECONDS_MAX 9e9	       /* a double still tells microseconds */

struct external {
	char name[NAME_SIZE];
	char stream[NAME_SIZE + 8];
	bool is_trusted;

	/*
	 * A token bucket, one second deep. Run dry, it stays shut until it is full again, so
	 * that the excess is one range of running numbers.
	 */
	uint64_t rate_limit;
	uint64_t level;	   /* millionths of a token */
	uint64_t level_us; /* when it was so */
	bool is_shut;

	bool was_told; /* of nonsense */
	uint64_t told_us;

	struct buffer scratch;
	struct inbox *inbox, *own_inbox; /* the latter is NULL if a next core gets it */
	struct inbox_mark mark;		 /* as far as this turn is */
	size_t end;			 /* of the bytes on the mark's side */
	size_t n_marks;			 /* of this turn: one for each event */
	uint64_t pipe;
};
_Static_assert(INBOX_SIDE == EXTERNAL_LINE_MAX + 1,
	       "a side has room for the longest line");
_Static_assert(INBOX_FLIGHT_MAX >= LKSM_BATCH_EVENTS, "a turn's events can be in flight");

int external_create(const char *name, bool is_trusted, struct inbox *inbox,
		    struct external **ret)
{
	struct external *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->inbox = inbox;
	if (!inbox)
		e->inbox = e->own_inbox = calloc(1, sizeof(*inbox));
	if (!e->inbox) {
		free(e);
		return -ENOMEM;
	}
	e->mark = *inbox_mark(e->inbox);
	e->end = inbox_end(e->inbox);
	e->is_shut = e->mark.n_excess > 0;
	(void)snprintf(e->name, sizeof(e->name), "%s", name);
	(void)snprintf(e->stream, sizeof(e->stream), "module:%s", e->name);
	e->is_trusted = is_trusted;
	e->scratch.limit = LKSM_VALUE_MAX + 1; /* one more than fits: seen as too long */
	*ret = e;
	return 0;
}

void external_destroy(struct external *e)
{
	if (!e)
		return;
	buffer_deinit(&e->scratch);
	free(e->own_inbox);
	free(e);
}

void external_set_rate_limit(struct external *e, uint64_t rate_limit)
{
	if (rate_limit > RATE_MAX)
		rate_limit = 0;
	if (e->rate_limit == rate_limit)
		return;
	e->rate_limit = rate_limit;
	e->level = rate_limit * USEC_PER_SEC;
	e->is_shut = e->mark.n_excess > 0; /* told at once, as it is full */
}

void external_set_pipe(struct external *e, uint64_t pipe)
{
	e->pipe = pipe;
}

/* ---- tallies ---- */

/* The turn has one event more: up to here is done when it is in the log. */
static void note_event(struct external *e)
{
	inbox_put_mark(e->inbox, e->n_marks++, &e->mark);
}

static void add_text(struct lksm_batch *out, const char *key, const char *text)
{
	(void)batch_add_str(out, key, text,
			    strlen(text)); /* has_room() was asked before */
}

/* The start of a line, as much as fits one sentence; never half a character. */
static int quote_length(struct span line)
{
	size_t n = line.len < QUOTE_MAX ? line.len : QUOTE_MAX;

	while (n && n < line.len && ((unsigned char)line.data[n] & 0xc0) == 0x80)
		n--;
	return (int)n;
}

static void note_nonsense(struct external *e, const char *reason, struct span line)
{
	if (e->mark.n_nonsense++)
		return;
	(void)snprintf(e->inbox->reason, INBOX_REASON_SIZE, "%.200s: %.*s", reason,
		       quote_length(line), line.data);
}

static void tell_nonsense(struct external *e, struct now now, struct lksm_batch *out)
{
	if (!e->mark.n_nonsense ||
	    (e->was_told && now.mono_us < e->told_us + USEC_PER_SEC) ||
	    !batch_has_room(out))
		return;
	(void)batch_emit_own(out, "module_failed", LKSM_HIGH);
	add_text(out, "module", e->name);
	add_text(out, "reason", e->inbox->reason);
	(void)batch_add_int(out, "count", (int64_t)e->mark.n_nonsense);
	e->mark.n_nonsense = 0;
	e->was_told = true;
	e->told_us = now.mono_us;
	note_event(e);
}

static void tell_lost(struct external *e, uint64_t first, uint64_t *n, const char *reason,
		      struct lksm_batch *out)
{
	if (!*n || !batch_has_room(out))
		return;
	(void)batch_emit_own(out, "records_lost", LKSM_HIGH);
	add_text(out, "stream", e->stream);
	(void)batch_add_int(out, "first", (int64_t)first);
	(void)batch_add_int(out, "last", (int64_t)(first + *n - 1));
	(void)batch_add_int(out, "count", (int64_t)*n);
	add_text(out, "reason", reason);
	*n = 0;
	note_event(e);
}

static void tell_excess(struct external *e, struct lksm_batch *out)
{
	tell_lost(e, e->mark.first_excess, &e->mark.n_excess, "rate_limit", out);
}

static void tell_given_up(struct external *e, struct lksm_batch *out)
{
	tell_lost(e, e->mark.first_given_up, &e->mark.n_given_up, "core_failed", out);
}

static void refill(struct external *e, struct now now, struct lksm_batch *out)
{
	uint64_t full = e->rate_limit * USEC_PER_SEC;
	uint64_t passed = now.mono_us > e->level_us ? now.mono_us - e->level_us : 0;

	e->level_us = now.mono_us;
	if (passed > USEC_PER_SEC)
		passed = USEC_PER_SEC;
	e->level += passed * e->rate_limit;
	if (e->level > full)
		e->level = full;
	if (!e->is_shut || e->level < full)
		return;
	tell_excess(e, out);
	/* no room: the range is told before anything else */
	e->is_shut = e->mark.n_excess > 0;
}

static void spend_token(struct external *e)
{
	if (!e->rate_limit)
		return;
	e->level -= USEC_PER_SEC;
	e->is_shut = e->level < USEC_PER_SEC;
}

bool external_has_pending(const struct external *e)
{
	return e->mark.n_nonsense || e->mark.n_excess || e->mark.n_given_up;
}

/* ---- one line ---- */

/* The shortest text that gives the same double, and that is no integer to its reader. */
static void append_real(struct buffer *to, double value)
{
	char text[40];

	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buffer_appendf(to, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static int append_json(struct buffer *to, json_t *value, int depth);

static int append_array(struct buffer *to, json_t *array, int depth)
{
	int error = 0;

	buffer_append_char(to, '[');
	for (size_t i = 0; error == 0 && i < json_array_size(array); i++) {
		if (i)
			buffer_append_literal(to, ", ");
		error = append_json(to, json_array_get(array, i), depth + 1);
	}
	buffer_append_char(to, ']');
	return error;
}

static int append_object(struct buffer *to, json_t *object, int depth)
{
	void *at = json_object_iter(object);
	int error = 0;

	buffer_append_char(to, '{');
	for (bool is_first = true; error == 0 && at; is_first = false) {
		if (!is_first)
			buffer_append_literal(to, ", ");
		json_append_string(to, span_from(json_object_iter_key(at)));
		buffer_append_literal(to, ": ");
		error = append_json(to, json_object_iter_value(at), depth + 1);
		at = json_object_iter_next(object, at);
	}
	buffer_append_char(to, '}');
	return error;
}

/* In the style of event_encode(). Return: 0; -E2BIG if it is nested too deeply. */
static int append_json(struct buffer *to, json_t *value, int depth)
{
	if (depth > NESTING_MAX)
		return -E2BIG;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return append_object(to, value, depth);
	case JSON_ARRAY:
		return append_array(to, value, depth);
	case JSON_STRING:
		json_append_string(to, (struct span){ json_string_value(value),
						      json_string_length(value) });
		break;
	case JSON_INTEGER:
		buffer_append_i64(to, json_integer_value(value));
		break;
	case JSON_REAL:
		append_real(to, json_real_value(value));
		break;
	case JSON_TRUE:
		buffer_append_literal(to, "true");
		break;
	case JSON_FALSE:
		buffer_append_literal(to, "false");
		break;
	case JSON_NULL:
		buffer_append_literal(to, "null");
		break;
	}
	return 0;
}

static int add_value(struct external *e, struct lksm_batch *out, const char *key,
		     json_t *value)
{
	int error;

	if (json_is_string(value))
		return batch_add_str(out, key, json_string_value(value),
				     json_string_length(value));
	if (json_is_integer(value))
		return batch_add_int(out, key, json_integer_value(value));
	buffer_clear(&e->scratch);
	error = append_json(&e->scratch, value, 1);
	if (error == 0 && buffer_error(&e->scratch) == -ENOMEM)
		return -ENOMEM;
	if (error < 0 || buffer_error(&e->scratch))
		return -EINVAL;
	return batch_add_json(out, key, buffer_span(&e->scratch));
}

static int add_data(struct external *e, struct lksm_batch *out, json_t *data)
{
	const char *key;
	json_t *value;

	json_object_foreach(data, key, value)
	{
		int error = add_value(e, out, key, value);

		if (error < 0)
			return error;
	}
	return 0;
}

struct fields {
	const char *type;
	json_t *data, *severity_name, *ts, *raw;
	enum lksm_severity severity;
	uint64_t ts_us;
};

static const char *find_severity(const struct external *e, struct fields *f)
{
	const struct event_type *row;

	f->severity = LKSM_INFO;
	if (f->severity_name) {
		struct span name = { json_string_value(f->severity_name),
				     json_string_length(f->severity_name) };

		if (!name.data || severity_parse(name, &f->severity) < 0)
			return "severity is not info, medium, high or critical";
		return NULL;
	}
	row = e->is_trusted ? event_type_find(span_from(f->type)) : NULL;
	if (row)
		f->severity = row->severity;
	return NULL;
}

static const char *find_ts(struct fields *f)
{
	double seconds = json_number_value(f->ts);

	if (!f->ts)
		return NULL;
	if (!json_is_number(f->ts) || !(seconds >= 0 && seconds <= SECONDS_MAX))
		return "ts is not a number of seconds";
	f->ts_us = (uint64_t)llround(seconds * 1e6);
	return NULL;
}

static bool is_known(const char *key)
{
	static const char *const known[] = { "type", "data", "severity", "ts", "raw" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(key, known[i]))
			return true;
	return false;
}

/* Return: NULL, or what is wrong. */
static const char *find_fields(const struct external *e, json_t *line, struct fields *ret)
{
	json_t *type = json_object_get(line, "type");
	const char *key, *fault;
	json_t *value;

	if (!json_is_object(line))
		return "not a JSON object";
	json_object_foreach(
		line, key,
		value) if (!is_known(key)) return "only type, data, severity, ts and raw "
						  "may stand in a line";
	*ret = (struct fields){
		.type = json_string_value(type),
		.data = json_object_get(line, "data"),
		.severity_name = json_object_get(line, "severity"),
		.ts = json_object_get(line, "ts"),
		.raw = json_object_get(line, "raw"),
	};
	if (!ret->type || strlen(ret->type) != json_string_length(type) ||
	    !is_snake_case(span_from(ret->type), 63))
		return "type is not snake_case of 1 to 63 bytes";
	if (ret->data && !json_is_object(ret->data))
		return "data is not an object";
	if (ret->raw && !json_is_string(ret->raw))
		return "raw is not a string";
	fault = find_severity(e, ret);
	return fault ? fault : find_ts(ret);
}

static int emit_fields(struct external *e, struct lksm_batch *out, const struct fields *f)
{
	int error = batch_emit(out, f->ts_us, f->type, f->severity);

	if (error < 0)
		return error;
	error = f->data ? add_data(e, out, f->data) : 0;
	if (error == 0 && f->raw)
		error = batch_set_raw(out, (struct span){ json_string_value(f->raw),
							  json_string_length(f->raw) });
	if (error < 0)
		batch_cancel(out);
	return error;
}

/* Return: 0 taken, well or as nonsense; -ENOSPC: to be tried again with an empty batch. */
static int take_json(struct external *e, struct span line, struct lksm_batch *out)
{
	json_error_t trouble;
	json_t *json = json_loadb(line.data, line.len,
				  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &trouble);
	const char *fault = json ? NULL : trouble.text;
	struct fields f;
	int error = 0;

	if (json)
		fault = find_fields(e, json, &f);
	if (!fault)
		error = emit_fields(e, out, &f);
	if (error == -ENOSPC && batch_count(out)) {
		json_decref(json);
		return -ENOSPC;
	}
	if (error < 0)
		fault = "a key or value of data is too long, too deep, or there are too "
			"many";
	if (fault)
		note_nonsense(e, fault, line);
	json_decref(json);
	return 0;
}

static bool is_blank(struct span line)
{
	for (size_t i = 0; i < line.len; i++)
		if (!strchr(" \t\r", line.data[i]) || !line.data[i])
			return false;
	return true;
}

static int take_line(struct external *e, struct span line, struct lksm_batch *out)
{
	if (is_blank(line))
		return 0;
	if (e->is_shut) {
		if (!e->mark.n_excess++)
			e->mark.first_excess = e->mark.n_lines;
		e->mark.n_lines++;
		return 0;
	}
	if (take_json(e, line, out) < 0)
		return -ENOSPC;
	e->mark.n_lines++;
	spend_token(e);
	return 0;
}

static char *bytes_at(const struct external *e, size_t at)
{
	return e->inbox->sides[e->mark.side] + at;
}

/* @line, with @len bytes of the inbox, unless it is the rest of one that is too long. */
static int take_front(struct external *e, struct span line, size_t len,
		      struct lksm_batch *out)
{
	size_t n_before = batch_count(out);

	if (!e->mark.is_skipping && take_line(e, line, out) < 0)
		return -ENOSPC;
	e->mark.is_skipping = false;
	e->mark.start += (uint32_t)len;
	if (batch_count(out) > n_before)
		note_event(e);
	return 0;
}

/* ---- the pipe ---- */

/* The next whole line of the inbox; false if there is none. Not taken out of it. */
static bool next_line(const struct external *e, struct span *ret)
{
	const char *from = bytes_at(e, e->mark.start);
	const char *end = memchr(from, '\n', e->end - e->mark.start);

	if (!end)
		return false;
	*ret = (struct span){ from, (size_t)(end - from) };
	return true;
}

/* Lines out of the inbox. Return: 0 no whole one is left; -ENOSPC: this turn is over. */
static int take_lines(struct external *e, struct lksm_batch *out, int *n_lines)
{
	struct span line;

	while (next_line(e, &line)) {
		if (*n_lines == EXTERNAL_TURN_LINES || !batch_has_room(out))
			return -ENOSPC;
		if (take_front(e, line, line.len + 1, out) < 0)
			return -ENOSPC;
		(*n_lines)++;
	}
	return 0;
}

/* Where a core is killed, what the valid mark leads to must be as it was: the other side. */
static void turn_over(struct external *e)
{
	size_t n = e->end - e->mark.start;
	char *to = e->inbox->sides[!e->mark.side];

	memcpy(to, bytes_at(e, e->mark.start), n);
	memset(to + n, 0, INBOX_SIDE - n);
	e->mark.side = !e->mark.side;
	e->mark.start = 0;
	e->end = n;
	inbox_commit(e->inbox, &e->mark);
}

/*
 * Room for more bytes; a line that fills the whole side is given up. Return: 0; -ENOSPC:
 * the marks of this turn lead to this side, so it is over.
 */
static int make_room(struct external *e)
{
	if (e->end < INBOX_SIDE)
		return 0;
	if (e->n_marks)
		return -ENOSPC;
	if (!e->mark.start) {
		if (!e->mark.is_skipping)
			note_nonsense(e, "a line is longer than 64 KiB",
				      (struct span){ bytes_at(e, 0), e->end });
		e->mark.is_skipping = true;
		e->mark.start = (uint32_t)e->end;
	}
	turn_over(e);
	return 0;
}

/*
 * What is left of a pipe that is gone ends; whose the next bytes are is known before they
 * are read. Return: as make_room().
 */
static int change_pipe(struct external *e, struct lksm_batch *out)
{
	if (e->mark.pipe == e->pipe)
		return 0;
	if (!batch_has_room(out))
		return -ENOSPC;
	external_finish(e, out);
	if (e->n_marks)
		return -ENOSPC;
	e->mark.pipe = e->pipe;
	inbox_commit(e->inbox, &e->mark);
	return 0;
}

int external_poll(struct external *e, int fd, struct now now, struct lksm_batch *out)
{
	size_t n_bytes = 0;
	int n_lines = 0;

	e->n_marks = 0;
	tell_given_up(e, out);
	refill(e, now, out);
	while (take_lines(e, out, &n_lines) >= 0 && n_bytes < EXTERNAL_TURN_BYTES) {
		ssize_t n;

		if (change_pipe(e, out) < 0 || make_room(e) < 0)
			break;
		/* the bytes tell by themselves that they are there: until then, they are 0 */
		n = fd < 0 ? 0 : read(fd, bytes_at(e, e->end), INBOX_SIDE - e->end);
		if (n > 0) {
			e->end += (size_t)n;
			n_bytes += (size_t)n;
		} else if (n == 0 || errno == EAGAIN) {
			if (n == 0)
				external_finish(e, out);
			tell_nonsense(e, now, out);
			return n == 0 ? EXTERNAL_END : EXTERNAL_DRY;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	tell_nonsense(e, now, out);
	return EXTERNAL_MORE;
}

void external_finish(struct external *e, struct lksm_batch *out)
{
	struct span rest = { bytes_at(e, e->mark.start), e->end - e->mark.start };

	if (rest.len && take_front(e, rest, rest.len, out) < 0) {
		note_nonsense(e, "no room for the last line", rest);
		e->mark.start = (uint32_t)e->end;
	}
	e->mark.is_skipping = false;
}

bool external_is_in_flight(const struct external *e)
{
	return !e->own_inbox && inbox_is_in_flight(e->inbox);
}

void external_take_off(struct external *e, struct lksm_batch *out)
{
	if (e->own_inbox)
		return;
	assert(batch_count(out) == e->n_marks);
	if (e->n_marks) {
		batch_set_inbox(out, e->inbox);
		inbox_take_off(e->inbox, e->n_marks);
	} else {
		inbox_commit(e->inbox, &e->mark);
	}
}

void external_end(struct external *e, struct now now, struct lksm_batch *out)
{
	e->n_marks = 0;
	/* a next core gets the bytes, and its pipe the rest of the line */
	if (e->own_inbox)
		external_finish(e, out);
	tell_given_up(e, out);
	tell_excess(e, out);
	e->was_told = false;
	tell_nonsense(e, now, out);
}

/* ---- the other direction ---- */

void external_append_line(struct buffer *out, const struct lksm_event *event)
{
	buffer_append_literal(out, "{\"type\": ");
	json_append_string(out, event->type);
	buffer_append_literal(out, ", \"data\": ");
	event_append_data(out, &event->data);
	buffer_appendf(out, ", \"severity\": \"%s\", \"ts\": %llu.%06llu",
		       severity_name(event->severity),
		       (unsigned long long)(event->ts / USEC_PER_SEC),
		       (unsigned long long)(event->ts % USEC_PER_SEC));
	if (event->raw.data) {
		buffer_append_literal(out, ", \"raw\": ");
		json_append_string(out, event->raw);
	}
	buffer_append_literal(out, "}\n");
}
