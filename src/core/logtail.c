// SPDX-License-Identifier: Apache-2.0
/* See logtail.h. */
#include "core/logtail.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "core/event.h"
#include "core/reverse_lines.h"

/* Above this a number is not exact in JavaScript: no counter of ours ever gets there. */
#define SEQ_MAX ((json_int_t)1 << 53)

static int file_size(int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret = (uint64_t)st.st_size;
	return 0;
}

int logtail_repair(int fd, uint64_t *ret_cut)
{
	uint64_t size = 0, end = 0;
	int r = file_size(fd, &size);

	if (r < 0)
		return r;
	r = reverse_lines_end(fd, size, &end);
	if (r < 0)
		return r;
	/* synced: else a crash may mix what was cut with what is written in its place */
	if (end != size && (ftruncate(fd, (off_t)end) < 0 || fsync(fd) < 0))
		return -errno;
	*ret_cut = size - end;
	return 0;
}

/* A string member without NUL bytes in it; NULL if it is absent or something else. */
static const char *get_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

static bool get_number(const json_t *object, const char *key, uint64_t *ret)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) >= SEQ_MAX)
		return false;
	*ret = (uint64_t)json_integer_value(value);
	return true;
}

/* The six fixed keys, of the right kinds. */
static bool is_event(const json_t *line)
{
	uint64_t seq;

	return get_number(line, "seq", &seq) &&
	       json_is_number(json_object_get(line, "ts")) && get_text(line, "type") &&
	       json_is_object(json_object_get(line, "data")) &&
	       get_text(line, "severity") && get_text(line, "source");
}

static void advance(struct position *position, const json_t *from, const char *key)
{
	const char *stream = get_text(from, "stream");
	uint64_t seq;

	/* modules outside do not go on where they stopped; they would push out the kernel log */
	if (!stream || !strncmp(stream, "module:", strlen("module:")) ||
	    !get_number(from, key, &seq))
		return;
	position_advance(position, stream, seq);
	position_release(position, stream, seq, seq);
}

static void advance_gap(struct position *position, const json_t *data)
{
	const char *stream = get_text(data, "stream");
	uint64_t first, last;

	advance(position, data, "last");
	if (stream && get_number(data, "first", &first) &&
	    get_number(data, "last", &last))
		position_release(position, stream, first, last);
}

/* A gap that was reported is behind us, like a record that was logged. */
static bool is_gap(const json_t *line)
{
	const char *type = get_text(line, "type");

	return !strcmp(get_text(line, "source"), "lksm") &&
	       (!strcmp(type, "records_lost") || !strcmp(type, "log_filtered"));
}

/* Return: true if this line and all before it have nothing to add to @position. */
static bool merge(struct position *position, const json_t *line)
{
	const char *boot_id = get_text(line, "boot_id");
	uint64_t seq = 0;

	(void)get_number(line, "seq", &seq); /* is_event() has seen it */
	if (seq >= position->scan.logged_next_seq)
		position->scan.logged_next_seq = seq + 1;
	if (seq >= position->next_seq)
		position->next_seq = seq + 1;
	if (!*position->boot_id || (boot_id && strcmp(boot_id, position->boot_id)))
		return true;
	if (boot_id) {
		advance(position, line, "stream_seq");
		if (is_gap(line))
			advance_gap(position, json_object_get(line, "data"));
	}
	return position->scan.has_streams && seq < position->scan.next_seq;
}

/* Put the lines of @from, newest first, oldest first in front of @to. */
static int prepend_reversed(struct buffer *to, struct buffer *from)
{
	size_t end = from->len;
	char *at;

	if (from->error)
		return from->error;
	if (!buffer_reserve(to, from->len))
		return to->error;
	memmove(to->data + from->len, to->data, to->len);
	at = to->data;
	while (end) {
		const char *before = end > 1 ? memrchr(from->data, '\n', end - 1) : NULL;
		size_t start = before ? (size_t)(before - from->data) + 1 : 0;

		memcpy(at, from->data + start, end - start);
		at += end - start;
		end = start;
	}
	to->len += from->len;
	return 0;
}

static void begin(struct position *position)
{
	if (position->scan.is_begun)
		return;
	position->scan.is_begun = true;
	position->scan.has_streams = position->n_streams > 0;
	position->scan.next_seq = position->next_seq;
}

static bool is_routine(const json_t *event)
{
	return event_is_routine(span_from(get_text(event, "type")),
				span_from(get_text(event, "source")));
}

/*
 * One line: merged, and taken into @lines if more are wanted. Return: as merge(); false
 * for a line that is no event.
 */
static bool scan_line(struct position *position, struct span line, bool is_wanted,
		      struct buffer *lines, size_t *n)
{
	json_t *event = NULL;
	bool is_merged = false;

	if (line.data) /* \u0000 is what a NUL byte in a message looks like */
		event = json_loadb(line.data, line.len, JSON_ALLOW_NUL, NULL);
	if (event && is_event(event)) {
		is_merged = merge(position, event);
		if (is_wanted && !is_routine(event)) {
			buffer_append_span(lines, line);
			(*n)++;
		}
	} else {
		position->bad_lines++;
	}
	json_decref(event);
	return is_merged;
}

static int scan(struct reverse_lines *reader, struct position *position, size_t n_lines,
		struct buffer *lines, bool *ret_is_done)
{
	bool is_merged = false;
	struct span line;
	size_t n = 0;
	int r;

	while (!is_merged || n < n_lines) {
		r = reverse_lines_previous(reader, &line);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (scan_line(position, line, n < n_lines, lines, &n))
			is_merged = true;
	}
	*ret_is_done = is_merged && n == n_lines;
	return (int)n;
}

int logtail_scan(int fd, struct position *position, size_t n_lines, struct buffer *lines,
		 bool *ret_is_done)
{
	_cleanup_buffer_ struct buffer taken = { 0 };
	struct reverse_lines reader = { .fd = fd };
	bool is_done = false;
	uint64_t size = 0;
	int n, r;

	r = file_size(fd, &size);
	if (r < 0)
		return r;
	r = reverse_lines_end(fd, size, &reader.offset);
	if (r < 0)
		return r;
	begin(position);
	n = scan(&reader, position, n_lines, &taken, &is_done);
	reverse_lines_deinit(&reader);
	if (n < 0)
		return n;
	r = taken.len ? prepend_reversed(lines, &taken) : taken.error;
	if (r < 0)
		return r;
	*ret_is_done = is_done;
	return n;
}
