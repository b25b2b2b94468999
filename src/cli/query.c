// SPDX-License-Identifier: Apache-2.0
/*
 * lksm query: the events of the log that one asks for. It reads the log folder's files,
 * compressed or not, and of these only the days that can have such events.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/view.h"

#define FLUSH_SIZE ((size_t)64 << 10)
#define DONE	   1

struct query {
	struct view view;
	bool has_last, is_reverse;
	uint64_t n_last;
	uint64_t n_found;
	struct buffer *kept; /* lines, newest first, to be shown the other way round */
	size_t n_kept, kept_capacity;
};

static int show(struct query *q, struct span line)
{
	int r = view_show(&q->view, line);

	if (r == -EBADMSG) {
		log_warning("%s: a line is no event and is not shown", q->view.name);
		return 0;
	}
	q->n_found += r == 0;
	if (r == 0 && q->view.out.len >= FLUSH_SIZE)
		r = view_flush(&q->view);
	return r;
}

static int take_forward(void *userdata, struct span line)
{
	return show(userdata, line);
}

static int keep(struct query *q, struct span line)
{
	if (q->n_kept == q->kept_capacity) {
		size_t capacity = q->kept_capacity ? 2 * q->kept_capacity : 64;
		struct buffer *kept = reallocarray(q->kept, capacity, sizeof(*kept));

		if (!kept)
			return -ENOMEM;
		q->kept = kept;
		q->kept_capacity = capacity;
	}
	q->kept[q->n_kept] = (struct buffer){ 0 };
	buffer_append_span(&q->kept[q->n_kept], line);
	return buffer_error(&q->kept[q->n_kept++]);
}

static int take_back(void *userdata, struct span line)
{
	struct query *q = userdata;
	int r;

	if (q->has_last && q->n_last == 0)
		return DONE;
	r = q->is_reverse ? show(q, line) : keep(q, line);
	if (r == 0 && q->has_last && --q->n_last == 0)
		r = DONE;
	return r;
}

static int show_kept(struct query *q)
{
	int r = 0;

	for (size_t i = q->n_kept; r == 0 && i > 0; i--)
		r = show(q, buffer_span(&q->kept[i - 1]));
	return r;
}

static int query(struct query *q)
{
	bool is_back = q->has_last || q->is_reverse;
	int r = view_read(&q->view, is_back, is_back ? take_back : take_forward, q);

	if (r >= 0)
		r = show_kept(q);
	return r >= 0 ? view_flush(&q->view) : r;
}

enum {
	OPTION_COLOR = VIEW_OPTION_COUNT,
	OPTION_FIELDS,
	OPTION_JSON,
	OPTION_LINES,
	OPTION_OUTPUT,
	OPTION_REVERSE,
};

static const struct verb_option options[] = {
	VIEW_OPTIONS,
	VIEW_OUTPUT_OPTIONS(OPTION_COLOR, OPTION_FIELDS, OPTION_JSON, OPTION_OUTPUT),
	[OPTION_LINES] = { "lines", 'n', "N", "Only the newest N of them" },
	[OPTION_REVERSE] = { "reverse", 'r', NULL, "The newest first" },
	{ 0 },
};

/* Return: 0, or -EINVAL after saying why. */
static int take_option(struct query *q, int option, const char *value)
{
	switch (option) {
	case OPTION_COLOR:
		return view_take_color(&q->view, value);
	case OPTION_FIELDS:
		return view_take_fields(&q->view, value);
	case OPTION_JSON:
		return view_take_output(&q->view, "json");
	case OPTION_OUTPUT:
		return view_take_output(&q->view, value);
	case OPTION_LINES:
		q->has_last = true;
		return view_take_lines(value, &q->n_last);
	case OPTION_REVERSE:
		q->is_reverse = true;
		return 0;
	default:
		return view_take_option(&q->view, option, value);
	}
}

static void query_deinit(struct query *q)
{
	for (size_t i = 0; i < q->n_kept; i++)
		buffer_deinit(&q->kept[i]);
	free(q->kept);
	view_deinit(&q->view);
}

static int run(int argc, char **argv)
{
	_cleanup_(query_deinit) struct query q = { 0 };
	const char *value;
	int option, r = 0;

	view_init(&q.view);
	(void)signal(SIGPIPE, SIG_IGN);
	while (r == 0 &&
	       (option = verb_next_option(&verb_query, argc, argv, &value)) >= 0)
		r = take_option(&q, option, value);
	if (r == 0)
		r = view_take_operands(&q.view, argc - optind, argv + optind);
	if (r == 0)
		r = view_open(&q.view);
	if (r == 0)
		r = query(&q);
	if (r < 0 && r != -EPIPE) /* nobody listens any more: `| head` */
		return EXIT_TROUBLE;
	if (r == 0 && !q.n_found)
		view_explain_nothing(&q.view);
	return q.n_found ? EXIT_DONE : EXIT_NOTHING;
}

const struct verb verb_query = {
	.name = "query",
	.arguments = "[KEY=VALUE…]",
	.summary = "Find events in the log",
	.detail = VIEW_FILTER_HELP
	"\nReads the log folder's files, compressed ones, too; neither daemon nor token "
	"is "
	"needed.\nExit code: 0 found, 1 nothing found, 2 trouble.",
	.options = options,
	.run = run,
};
