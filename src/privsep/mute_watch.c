// SPDX-License-Identifier: Apache-2.0
/* See mute_watch.h. */
#include "privsep/mute_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time_text.h"

/* What is between the tabs of a line: core/mutes_file.h. */
enum part {
	PART_ID,
	PART_WHAT,
	PART_UNTIL,
	PART_REASON,
	PART_BY,
	PART_JSON,
	PART_COUNT,
};

/* @line: changed; @ret: into it. False: it is not what mutes_load_lines() makes. */
static bool split(char *line, char *ret[static PART_COUNT])
{
	for (size_t i = 0; i < PART_COUNT; i++) {
		ret[i] = strsep(&line, "\t");
		if (!ret[i])
			return false;
	}
	/* it stands in an event as a number */
	return !line && *ret[PART_ID] &&
	       strspn(ret[PART_ID], "0123456789") == strlen(ret[PART_ID]);
}

static void add_part(struct report_datum *data, size_t *n, const char *key,
		     const char *value)
{
	if (*value)
		data[(*n)++] = (struct report_datum){ key, value, false };
}

static void tell_added(struct reports *reports, char *const parts[static PART_COUNT])
{
	struct report_datum data[PART_COUNT] = { { "id", parts[PART_ID], true } };
	size_t n = 1;

	add_part(data, &n, "what", parts[PART_WHAT]);
	add_part(data, &n, "until", parts[PART_UNTIL]);
	add_part(data, &n, "reason", parts[PART_REASON]);
	add_part(data, &n, "by", parts[PART_BY]);
	reports_add_all(reports, "mute_added", LKSM_MEDIUM, data, n);
}

static void tell_removed(struct reports *reports, char *const parts[static PART_COUNT],
			 const char *now)
{
	bool is_over = *parts[PART_UNTIL] && strcmp(parts[PART_UNTIL], now) <= 0;
	const struct report_datum data[] = {
		{ "id", parts[PART_ID], true },
		{ "what", parts[PART_WHAT], false },
		{ "how", is_over ? "expired" : "removed", false },
	};

	reports_add_all(reports, "mute_removed", LKSM_INFO, data, ARRAY_SIZE(data));
}

/* The first line, taken off @rest; absent at the end. */
static struct span next_line(struct span *rest)
{
	const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
	struct span line = { 0 };

	if (!end)
		return line;
	line = (struct span){ rest->data, (size_t)(end - rest->data) };
	*rest = span_skip(*rest, line.len + 1);
	return line;
}

static bool has_line(struct span lines, struct span line)
{
	struct span other;

	while ((other = next_line(&lines)).data)
		if (span_equal(other, line))
			return true;
	return false;
}

/* @now: NULL: they were added */
static void tell_missing(struct reports *reports, struct span lines, struct span others,
			 const char *now)
{
	struct span line;

	while ((line = next_line(&lines)).data) {
		_cleanup_free_ char *copy = NULL;
		char *parts[PART_COUNT];

		if (has_line(others, line))
			continue;
		copy = strndup(line.data, line.len);
		if (!copy || !split(copy, parts))
			continue;
		if (now)
			tell_removed(reports, parts, now);
		else
			tell_added(reports, parts);
	}
}

void mute_watch_compare(struct reports *reports, struct span before, struct span after,
			uint64_t now_us)
{
	char now[TIME_TEXT_SIZE];

	time_format(now_us, now);
	tell_missing(reports, before, after, now);
	tell_missing(reports, after, before, NULL);
}

static void refuse(struct mute_watch *w, int r, struct span answer)
{
	_cleanup_buffer_ struct buffer text = { 0 };

	loader_complain(r, answer, &text);
	if (!buffer_cstring(&text))
		return;
	log_error("mutes refused, those before stay in force: %s", text.data);
	reports_add(w->reports, "config_rejected",
		    (struct report_datum[2]){ { "error", text.data } });
}

static size_t count_lines(struct span lines)
{
	size_t n = 0;

	while (next_line(&lines).data)
		n++;
	return n;
}

/*
 * Return: 0, and @ret has the lines; negative after telling. Each is compared with each: of who
 * has the child, no more are taken than there can be.
 */
static int read_lines(struct mute_watch *w, struct buffer *ret)
{
	int r = loader_run(w->load, w->context, -1, ret);

	if (r >= 0 && count_lines(buffer_span(ret)) > MUTES_MAX)
		r = -EBADMSG;
	if (r < 0 && mutes_file_failed(&w->file))
		refuse(w, r, buffer_span(ret));
	return r;
}

/* The last part of each line, for who shows what is muted: it is JSON as it is. */
static void show(struct mute_watch *w)
{
	_cleanup_buffer_ struct buffer text = { .limit = MUTES_PAGE_MAX };
	struct span rest = buffer_span(&w->known), line;

	if (!w->page)
		return;
	while ((line = next_line(&rest)).data) {
		const char *tab = memrchr(line.data, '\t', line.len);

		if (!tab)
			continue;
		buffer_append_span(&text, text.len ? SPAN(",\n") : SPAN("\n"));
		buffer_append_span(&text, span_skip(line, (size_t)(tab + 1 - line.data)));
	}
	if (buffer_error(&text) || mutes_page_write(w->page, buffer_span(&text)) < 0)
		log_warning("the mutes are too long for the dashboard, which shows those "
			    "before");
}

static void watch(struct mute_watch *w)
{
	const char *path = w->path;

	file_watch_start(&w->files, &path, 1);
}

static int on_look(sd_event_source *source, uint64_t time_us, void *context);

/* Where there is no file, there is nothing that could change unseen: its being made is told. */
static void look_later(struct mute_watch *w)
{
	struct stat st;

	if (lstat(w->path, &st) == 0 &&
	    loop_after(w->event, &w->look, MUTE_WATCH_LOOK_US, on_look, w) < 0)
		log_warning("changes of %s behind a link are not seen", w->path);
}

static void read_again(struct mute_watch *w)
{
	struct buffer lines = { 0 }, before;

	watch(w);
	look_later(w);
	if (read_lines(w, &lines) < 0) {
		buffer_deinit(&lines);
		return;
	}
	before = w->known;
	w->known = lines;
	show(w); /* who looks because of the event sees what it tells of */
	mute_watch_compare(w->reports, buffer_span(&before), buffer_span(&w->known),
			   clock_now().real_us);
	buffer_deinit(&before);
}

static void on_saved(void *context)
{
	struct mute_watch *w = context;

	(void)mutes_file_is_news(&w->file); /* it is read now */
	read_again(w);
}

static int on_look(sd_event_source *source, uint64_t time_us, void *context)
{
	struct mute_watch *w = context;

	(void)source;
	(void)time_us;
	if (mutes_file_is_news(&w->file))
		read_again(w);
	else
		look_later(w);
	return 0;
}

/* Nobody was told of those that were added while there was no daemon. */
static void tell_known(const struct mute_watch *w)
{
	size_t n = count_lines(buffer_span(&w->known));
	char count[24];
	const struct report_datum data[] = { { "count", count, true },
					     { "file", w->path, false } };

	(void)snprintf(count, sizeof(count), "%zu", n);
	if (n)
		reports_add_all(w->reports, "mutes_in_force", LKSM_INFO, data,
				ARRAY_SIZE(data));
}

void mute_watch_start(struct mute_watch *w, const char *path)
{
	w->path = strdup(path);
	if (!w->path)
		return;
	w->files = (struct file_watch){ .event = w->event,
					.context = w,
					.changed = on_saved };
	w->file = (struct mutes_file){ .path = w->path };
	watch(w);
	(void)mutes_file_is_news(&w->file);
	look_later(w);
	if (access(w->path, F_OK) < 0)
		return;
	if (read_lines(w, &w->known) < 0)
		buffer_clear(&w->known);
	show(w);
	tell_known(w);
}

void mute_watch_stop(struct mute_watch *w)
{
	file_watch_stop(&w->files);
	(void)sd.event_source_disable_unref(w->look);
	free(w->path);
	buffer_deinit(&w->known);
}
