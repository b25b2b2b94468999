// SPDX-License-Identifier: Apache-2.0
/* See crossview_sensor.h. */
#include "core/crossview_sensor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/sensor_stream.h"

int crossview_sensor_open(struct sensor_source *s, const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int r;

	s->fd = -1;
	if (fd < 0)
		return -errno;
	r = sensor_source_open(s, fd);
	if (r < 0)
		return r;

	/* What was asked for before is over. A plain file could not be waited for. */
	if (s->kind != SENSOR_PROC || lseek(fd, 0, SEEK_END) < 0) {
		s->fd = -1;
		return -ENOTSUP;
	}
	(void)take_fd(&fd); /* s has it */
	return 0;
}

static bool is_severe(struct span text)
{
	/* the second key, lksm/wire.h says; a value with spaces would be quoted */
	const char *space = memchr(text.data, ' ', text.len);
	struct span rest = { 0 };

	if (space)
		rest = span_skip(text, (size_t)(space - text.data));
	return span_starts_with(rest, SPAN(" severity=medium")) ||
	       span_starts_with(rest, SPAN(" severity=high")) ||
	       span_starts_with(rest, SPAN(" severity=critical"));
}

static enum sensor_wish find_wish(struct span text)
{
	if (span_starts_with(text, SPAN("type=scan_done ")))
		return SENSOR_WISH_NOW;
	return is_severe(text) ? SENSOR_WISH_SOON : SENSOR_WISH_NONE;
}

int crossview_sensor_wish(struct sensor_source *s)
{
	struct sensor_line parsed;
	struct span line;
	enum sensor_wish wish, strongest = SENSOR_WISH_NONE;
	int r = 0;

	for (int n = 0; n < CROSSVIEW_SENSOR_LINES; n++) {
		r = sensor_source_next(s, &line);
		if (r <= 0)
			break;
		if (sensor_line_parse(line, &parsed) < 0 || parsed.kind != SENSOR_RECORD)
			continue;
		wish = find_wish(parsed.text);
		strongest = wish > strongest ? wish : strongest;
	}
	return r < 0 ? r : (int)strongest;
}
