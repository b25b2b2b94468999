// SPDX-License-Identifier: Apache-2.0
/* See reports.h. */
#include "privsep/reports.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "base/buffer.h"
#include "base/log.h"
#include "core/event.h"
#include "privsep/process.h"

/* A line of at most PIPE_BUF bytes is written whole or not at all. */
#define VALUE_BYTES_MAX	  ((size_t)1700)
#define ESCAPED_BYTES_MAX ((size_t)250) /* of a value whose every byte becomes \u00XX */
#define NUMBER_SIZE	  24

void reports_close(struct reports *r)
{
	(void)sd.event_source_disable_unref(r->room);
	cleanup_close(&r->read_fd);
	cleanup_close(&r->write_fd);
	*r = (struct reports){ -1, -1 };
}

static void append_data(struct buffer *out, const struct report_datum *data, size_t n,
			size_t value_max)
{
	for (size_t i = 0; i < n; i++) {
		struct span value = span_from(data[i].value);

		if (value.len > value_max)
			value.len = value_max;
		if (i > 0)
			buffer_append_literal(out, ", ");
		json_append_string(out, span_from(data[i].key));
		buffer_append_literal(out, ": ");
		if (data[i].is_number)
			buffer_append_span(out, value);
		else
			json_append_string(out, value);
	}
}

static void append_line(struct buffer *out, const char *type, enum lksm_severity severity,
			const struct report_datum *data, size_t n, size_t value_max)
{
	buffer_appendf(out, "{\"type\": \"%s\", \"data\": {", type);
	append_data(out, data, n, value_max);
	buffer_appendf(out, "}, \"severity\": \"%s\"}\n", severity_name(severity));
}

static int send_report(struct reports *r, const char *type, enum lksm_severity severity,
		       const struct report_datum *data, size_t n_data)
{
	_cleanup_buffer_ struct buffer line = { 0 };

	append_line(&line, type, severity, data, n_data, VALUE_BYTES_MAX);
	if (line.len > PIPE_BUF) {
		buffer_clear(&line);
		append_line(&line, type, severity, data, n_data, ESCAPED_BYTES_MAX);
	}
	if (buffer_error(&line))
		return buffer_error(&line);
	return write(r->write_fd, line.data, line.len) < 0 ? -errno : 0;
}

static int tell_lost(struct reports *r)
{
	char numbers[3][NUMBER_SIZE];
	const struct report_datum data[] = {
		{ "stream", "module:" REPORTS_NAME, false },
		{ "first", numbers[0], true },
		{ "last", numbers[1], true },
		{ "count", numbers[2], true },
		{ "reason", "pipe_full", false },
	};
	int error;

	if (!r->n_lost)
		return 0;
	(void)snprintf(numbers[0], NUMBER_SIZE, "%" PRIu64, r->first_lost);
	(void)snprintf(numbers[1], NUMBER_SIZE, "%" PRIu64,
		       r->first_lost + r->n_lost - 1);
	(void)snprintf(numbers[2], NUMBER_SIZE, "%" PRIu64, r->n_lost);
	error = send_report(r, "records_lost", LKSM_HIGH, data, ARRAY_SIZE(data));
	if (error == 0)
		r->n_lost = 0;
	return error;
}

static int on_room(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)fd;
	(void)events;
	return tell_lost(context) < 0 ? 0
				      : sd.event_source_set_enabled(source, SD_EVENT_OFF);
}

int reports_open(struct reports *r, sd_event *event)
{
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	*r = (struct reports){ .read_fd = fds[0], .write_fd = fds[1] };
	error = sd.event_add_io(event, &r->room, r->write_fd, EPOLLOUT, on_room, r);
	if (error >= 0)
		error = sd.event_source_set_enabled(r->room, SD_EVENT_OFF);
	if (error < 0)
		reports_close(r);
	return error < 0 ? error : 0;
}

void reports_add_all(struct reports *r, const char *type, enum lksm_severity severity,
		     const struct report_datum *data, size_t n_data)
{
	uint64_t number = r->n_made++;
	int error = tell_lost(r); /* first, so that it is one range */

	if (error == 0)
		error = send_report(r, type, severity, data, n_data);
	if (error == 0)
		return;
	(void)log_warning_errno(error, "%s is not logged as an event", type);
	if (r->n_lost++ == 0)
		r->first_lost = number;
	/* cannot fail; else the next report tells it */
	(void)sd.event_source_set_enabled(r->room, SD_EVENT_ON);
}

void reports_add(struct reports *r, const char *type,
		 const struct report_datum data[static 2])
{
	const struct event_type *row = event_type_find(span_from(type));

	reports_add_all(r, type, row ? row->severity : LKSM_HIGH, data,
			data[1].key ? 2 : 1);
}

void reports_add_death(struct reports *r, const char *type, const char *key,
		       const char *name, const char *reason)
{
	bool has_broken_out = !strcmp(reason, PROCESS_BROKE_OUT);

	reports_add(r, has_broken_out ? "sandbox_violated" : type,
		    (struct report_datum[2]){ { has_broken_out ? "process" : key, name },
					      { "reason", reason } });
}

void reports_add_stop(struct reports *r, const char *name)
{
	reports_add(r, "process_stopped",
		    (struct report_datum[2]){ { "process", name } });
}
