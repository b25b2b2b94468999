// SPDX-License-Identifier: Apache-2.0
/*
 * lksm follow: the last events of the log and then each new one, as `journalctl -f` does.
 * It reads the log folder's files, so it needs neither the daemon's token nor the
 * network; a new day's file is followed as soon as it is there.
 */
#include "cli/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cli/view.h"
#include "core/event.h"
#include "core/folder_logs.h"
#include "core/reverse_lines.h"
#include "output/json_logger.h"

#define LAST_DEFAULT 10
#define READ_SIZE    ((size_t)64 << 10)
#define START_SIZE   80 /* of a log, by which it is known again */

struct follow {
	struct view view;
	uint64_t n_last;
	int file; /* -1: there is none yet */
	char name[JSON_LOGGER_NAME_SIZE];
	off_t offset;	       /* of what was read */
	struct buffer pending; /* the beginning of a line whose end was not there yet */
};

static int show_line(struct follow *f, struct span line)
{
	int r = view_match(&f->view, line);

	if (r > 0)
		r = view_show(&f->view, line);
	if (r == -EBADMSG) {
		log_warning("%s: a line is no event and is not shown", f->name);
		return 0;
	}
	if (r < 0)
		return r;
	return f->view.out.len >= READ_SIZE ? view_flush(&f->view) : 0;
}

/* Show the whole lines of f->pending, keep what follows them. */
static int show_lines(struct follow *f)
{
	struct span rest = buffer_span(&f->pending);
	const char *end;
	int r = 0;

	while (r == 0 && rest.len > 0 && (end = memchr(rest.data, '\n', rest.len))) {
		size_t len = (size_t)(end - rest.data);

		r = show_line(f, (struct span){ rest.data, len });
		rest = span_skip(rest, len + 1);
	}
	if (rest.len > 0)
		memmove(f->pending.data, rest.data, rest.len);
	f->pending.len = rest.len;
	return r;
}

static int drain(struct follow *f)
{
	struct stat st;

	if (f->file < 0)
		return 0;
	/* A torn last line was cut: what we hold of it is no longer there. */
	if (fstat(f->file, &st) == 0 && st.st_size < f->offset) {
		f->offset = st.st_size;
		f->pending.len = 0;
	}
	for (;;) {
		char *to = buffer_reserve(&f->pending, READ_SIZE);
		ssize_t n;
		int r;

		if (!to)
			return buffer_error(&f->pending);
		n = pread(f->file, to, READ_SIZE, f->offset);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		f->offset += n;
		f->pending.len += (size_t)n;
		r = show_lines(f);
		if (r < 0)
			return r;
	}
}

/* The log after @after: the first one there is, or with @is_newest the last. What is packed has no
 * news. */
static int find_log(int folder, const char *after, bool is_newest,
		    char ret[static JSON_LOGGER_NAME_SIZE])
{
	struct folder_logs logs = { 0 };
	int r = folder_logs_list(folder, &logs), found = 0;

	for (size_t i = 0; r >= 0 && i < logs.n && (is_newest || !found); i++) {
		if (folder_logs_is_packed(logs.names[i]) ||
		    strcmp(logs.names[i], after) <= 0)
			continue;
		memcpy(ret, logs.names[i], JSON_LOGGER_NAME_SIZE);
		found = 1;
	}
	folder_logs_deinit(&logs);
	return r < 0 ? r : found;
}

static int open_log(struct follow *f, const char *name)
{
	int fd = openat(f->view.folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return log_error_errno(errno, "cannot read %s", name);
	cleanup_close(&f->file);
	f->file = fd;
	f->offset = 0;
	f->pending.len = 0;
	if (name != f->name)
		memcpy(f->name, name, sizeof(f->name));
	return 0;
}

/* Another file has the log's name by now: a copy that the daemon made of it, or a new one. */
static bool is_replaced(const struct follow *f)
{
	struct stat ours, named;

	return f->file >= 0 && fstat(f->file, &ours) == 0 &&
	       fstatat(f->view.folder, f->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(named.st_mode) && named.st_ino != ours.st_ino;
}

/* Of a copy, what we know is passed over. */
static int open_replacement(struct follow *f)
{
	char before[START_SIZE], after[START_SIZE];
	off_t known = f->offset - (off_t)f->pending.len;
	ssize_t n = pread(f->file, before, sizeof(before), 0);
	int r = open_log(f, f->name);

	if (r == 0 && n > 0 && pread(f->file, after, (size_t)n, 0) == n &&
	    !memcmp(before, after, (size_t)n))
		f->offset = known;
	return r;
}

/* Everything new: the rest of this file, then all of those that came after it. */
static int catch_up(struct follow *f)
{
	char next[JSON_LOGGER_NAME_SIZE];
	int r;

	view_look_at_mutes(&f->view);
	r = drain(f);
	if (r == 0 && is_replaced(f)) {
		r = open_replacement(f);
		if (r == 0)
			r = drain(f);
	}
	/* Once there is a next file, this one has had its last line: look again, then go
	 * on. */
	while (r == 0 && (r = find_log(f->view.folder, f->name, false, next)) > 0) {
		r = drain(f);
		if (r == 0)
			r = open_log(f, next);
		if (r == 0)
			r = drain(f);
	}
	return r < 0 ? r : view_flush(&f->view);
}

/* Go back to where the last @n lines that are shown begin; of a torn one we see the start. */
static int seek_last(struct follow *f, uint64_t n)
{
	struct reverse_lines lines = { .fd = f->file };
	off_t size = lseek(f->file, 0, SEEK_END);
	struct span line;
	int r;

	if (size < 0)
		return -errno;
	r = reverse_lines_end(f->file, (uint64_t)size, &lines.offset);
	f->offset = (off_t)lines.offset;
	while (r >= 0 && n > 0 && (r = reverse_lines_previous(&lines, &line)) > 0) {
		f->offset = (off_t)reverse_lines_at(&lines);
		n -= !line.data || view_match(&f->view, line) != 0;
	}
	reverse_lines_deinit(&lines);
	return r < 0 ? r : 0;
}

static int begin(struct follow *f)
{
	char name[JSON_LOGGER_NAME_SIZE];
	int r = find_log(f->view.folder, "", true, name);

	if (r <= 0)
		return r;
	r = open_log(f, name);
	if (r == 0)
		r = seek_last(f, f->n_last);
	return r;
}

/* Return: 0 to go on, 1 at the end (a signal, or nobody listens any more), -errno. */
static int wait_for_news(int news, int signals)
{
	char ignored[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	struct pollfd fds[] = {
		{ .fd = news, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO }, /* only for POLLERR: the other end of a pipe is
					    gone */
	};

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[1].revents || fds[2].revents)
		return 1;
	return read(news, ignored, sizeof(ignored)) < 0 && errno != EAGAIN ? -errno : 0;
}

static int follow(struct follow *f, const char *folder)
{
	_cleanup_close_ int news = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_cleanup_close_ int signals = view_open_stops();
	int r;

	if (news < 0 || signals < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN); /* a write says so */
	/* Watched before it is read, so that nothing falls between. */
	if (inotify_add_watch(news, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return log_error_errno(errno, "cannot watch %s", folder);
	r = begin(f);
	while (r >= 0) {
		r = catch_up(f);
		if (r == 0)
			r = wait_for_news(news, signals);
		if (r > 0)
			return 0;
	}
	if (r == -EPIPE || f->view.has_told)
		return r == -EPIPE ? 0 : r;
	return log_error_errno(r, "cannot follow %s any further", folder);
}

enum {
	OPTION_COLOR = VIEW_OPTION_COUNT,
	OPTION_FIELDS,
	OPTION_JSON,
	OPTION_LINES,
	OPTION_MUTED,
	OPTION_OUTPUT,
};

static const struct verb_option options[] = {
	VIEW_OPTIONS,
	[OPTION_LINES] = { "lines", 'n', "N",
			   "Begin with the last N of them in the newest log (10)" },
	VIEW_MUTED_OPTION(OPTION_MUTED),
	VIEW_OUTPUT_OPTIONS(OPTION_COLOR, OPTION_FIELDS, OPTION_JSON, OPTION_OUTPUT),
	{ 0 },
};

/* Return: 0, or -EINVAL after saying why. */
static int take_option(struct follow *f, int option, const char *value)
{
	switch (option) {
	case OPTION_COLOR:
		return view_take_color(&f->view, value);
	case OPTION_FIELDS:
		return view_take_fields(&f->view, value);
	case OPTION_JSON:
		return view_take_output(&f->view, "json");
	case OPTION_MUTED:
		f->view.hides_muted = false;
		return 0;
	case OPTION_OUTPUT:
		return view_take_output(&f->view, value);
	case OPTION_LINES:
		return view_take_lines(value, &f->n_last);
	default:
		return view_take_option(&f->view, option, value);
	}
}

static int run(int argc, char **argv)
{
	struct follow f = { .n_last = LAST_DEFAULT, .file = -1 };
	const char *value;
	int option, r = 0;

	view_init(&f.view);
	f.view.hides_muted = true;
	while (r == 0 &&
	       (option = verb_next_option(&verb_follow, argc, argv, &value)) >= 0)
		r = take_option(&f, option, value);
	if (r == 0)
		r = view_take_operands(&f.view, argc - optind, argv + optind);
	if (r == 0)
		r = view_open(&f.view);
	if (r == 0)
		r = follow(&f, f.view.folder_path);
	view_deinit(&f.view);
	cleanup_close(&f.file);
	buffer_deinit(&f.pending);
	return r < 0 ? EXIT_TROUBLE : EXIT_DONE;
}

const struct verb verb_follow = {
	.name = "follow",
	.arguments = "[KEY=VALUE…]",
	.summary = "Show the last events and then each new one",
	.detail = VIEW_FILTER_HELP
	"\nReads the log folder's files, so it needs no token, and goes on with "
	"the next "
	"day's file by itself.\nColours only on a terminal, and not with "
	"NO_COLOR set. "
	"Ctrl-C ends it.",
	.options = options,
	.run = run,
};
