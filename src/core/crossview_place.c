// SPDX-License-Identifier: Apache-2.0
/* See crossview_place.h. Formats: proc(5), Documentation/filesystems/proc.rst. */
#include "core/crossview_place.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "core/crossview.h"

#define MOUNTS_MAX ((size_t)4 << 20)

/* "hidepid=2", "hidepid=invisible"; not "hidepid=0", "hidepid=off" */
static bool hides(struct span options)
{
	static const struct span key = SPAN("hidepid=");
	const char *at = memmem(options.data, options.len, key.data, key.len);
	struct span value;

	if (!at)
		return false;
	value = span_skip(options, (size_t)(at - options.data) + key.len);
	return !span_starts_with(value, SPAN("0")) &&
	       !span_starts_with(value, SPAN("off"));
}

/* 36 35 98:0 / /proc rw,nosuid shared:1 - proc proc rw,hidepid=invisible */
static bool is_proc(struct span line, bool *ret_hides)
{
	struct span word, point = { NULL, 0 }, type = { NULL, 0 };

	for (int i = 0; i < 5; i++)
		if (!crossview_word(&line, &point))
			return false;
	while (crossview_word(&line, &word) && !span_equal(word, SPAN("-")))
		;
	if (!crossview_word(&line, &type) || !span_equal(type, SPAN("proc")) ||
	    !span_equal(point, SPAN("/proc")))
		return false;
	*ret_hides = hides(line);
	return true;
}

bool place_hides_processes(struct span mountinfo)
{
	bool is_hiding = false;
	struct span line;

	while (crossview_line(&mountinfo, &line))
		(void)is_proc(line, &is_hiding); /* a later one lies over the earlier */
	return is_hiding;
}

bool place_is_initial(struct span uid_map)
{
	static const struct span want[] = { SPAN("0"), SPAN("0"), SPAN("4294967295") };
	struct span line, word;

	if (!crossview_line(&uid_map, &line) || uid_map.len)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		if (!crossview_word(&line, &word) || !span_equal(word, want[i]))
			return false;
	return true;
}

size_t place_namespaces(struct span status)
{
	static const struct span key = SPAN("NSpid:");
	struct span line, word;
	size_t n = 0;

	while (crossview_line(&status, &line)) {
		if (!span_starts_with(line, key))
			continue;
		line = span_skip(line, key.len);
		while (crossview_word(&line, &word))
			n++;
		break;
	}
	return n;
}

static bool is_same_namespace(int proc, struct buffer *reason)
{
	char status[4096];
	ssize_t n = crossview_read(proc, "self/status", status, sizeof(status));

	if (n > 0 && place_namespaces((struct span){ status, (size_t)n }) <= 1)
		return true;
	buffer_append_literal(reason, "/proc is that of another PID namespace");
	return false;
}

static bool is_whole(int proc, struct buffer *reason)
{
	_cleanup_close_ int fd = openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	_cleanup_buffer_ struct buffer mounts = { 0 };
	char map[256];
	ssize_t n = crossview_read(proc, "self/uid_map", map, sizeof(map));

	if (fd < 0 || read_rest(fd, MOUNTS_MAX, &mounts) < 0) {
		buffer_append_literal(reason, "/proc/self/mountinfo cannot be read");
		return false;
	}
	if (!place_hides_processes(buffer_span(&mounts)))
		return true;
	/* no user namespaces, no map */
	if (geteuid() == 0 &&
	    (n == -ENOENT ||
	     (n > 0 && place_is_initial((struct span){ map, (size_t)n }))))
		return true;
	buffer_append_literal(reason, "/proc is mounted with hidepid=, and shows us only "
				      "a part of the processes");
	return false;
}

bool place_shows_our_processes(int proc, struct buffer *reason)
{
	return is_same_namespace(proc, reason) && is_whole(proc, reason);
}
